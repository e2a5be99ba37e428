package messages

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"math"
	"slices"
)

// Member is an address in a conversation. An address may be absent: a person with several addresses who joined by one of
// them was no member before, though messages from another address, or today's list, name the other one.
type Member struct {
	Address string
	Absent  bool
}

// Members returns a member for each of these addresses.
func Members(addresses ...string) []Member {
	list := make([]Member, len(addresses))
	for i, address := range addresses {
		list[i].Address = address
	}
	return list
}

// Period is a time in which a chat had the same members, up to and including the row at its end.
type Period struct {
	UntilDate, UntilRow int64
	Members             []Member
}

// Forever ends the last period of a chat.
const Forever = math.MaxInt64

// chat is a row of chat with its periods, earliest first.
type chat struct {
	id, source int64
	number     sql.NullInt64
	group      bool
	name       string
	periods    []period
}

// period is a Period as stored.
type period struct {
	id      int64
	until   moment
	members []memberHandle
}

type memberHandle struct {
	handle int64
	absent bool
}

// moment is a position in the course of a chat.
type moment struct{ date, row int64 }

func (m moment) compare(n moment) int {
	return cmp.Or(cmp.Compare(m.date, n.date), cmp.Compare(m.row, n.row))
}

// index returns the index of the period that contains a row, -1 if there is none.
func (c *chat) index(m moment) int {
	at, _ := slices.BinarySearchFunc(c.periods, m, func(p period, m moment) int { return p.until.compare(m) })
	if at == len(c.periods) {
		return -1
	}
	return at
}

// at returns the period of a row.
func (c *chat) at(m moment) *period {
	if at := c.index(m); at >= 0 {
		return &c.periods[at]
	}
	return nil
}

// readChats returns the chats by id.
func readChats(ctx context.Context, q querier) (map[int64]*chat, error) {
	chats := make(map[int64]*chat)
	err := each(ctx, q, `SELECT id, source, number, is_group, coalesce(name, '') FROM chat`, func(rows *sql.Rows) error {
		c := new(chat)
		err := rows.Scan(&c.id, &c.source, &c.number, &c.group, &c.name)
		chats[c.id] = c
		return err
	})
	if err != nil {
		return nil, err
	}
	last := int64(0)
	err = each(ctx, q, `SELECT p.id, p.chat, p.until_date, p.until_row, m.handle, m.absent FROM period p LEFT JOIN member m ON m.period = p.id
		ORDER BY p.chat, p.until_date, p.until_row, m.place`, func(rows *sql.Rows) error {
		var id, chat int64
		var until moment
		var member sql.NullInt64
		var absent sql.NullBool
		if err := rows.Scan(&id, &chat, &until.date, &until.row, &member, &absent); err != nil {
			return err
		}
		c := chats[chat]
		if c == nil {
			return nil
		}
		if id != last {
			c.periods = append(c.periods, period{id: id, until: until})
			last = id
		}
		if member.Valid {
			p := &c.periods[len(c.periods)-1]
			p.members = append(p.members, memberHandle{member.Int64, absent.Bool})
		}
		return nil
	})
	return chats, err
}

// rosterKey returns a key that is unique to a conversation.
func rosterKey(group bool, members []memberHandle) string {
	key := make([]byte, 0, 1+4*len(members))
	if group {
		key = append(key, 'g')
	}
	for _, m := range members {
		mark := uint64(m.handle) << 1
		if m.absent {
			mark++
		}
		key = binary.AppendUvarint(key, mark)
	}
	return string(key)
}

// canonicalRoster sorts neighbors that are all present, or all absent, by address, and drops the absent members after the
// last present one. It overwrites list.
func canonicalRoster(list []memberHandle, addresses []string) []memberHandle {
	for len(list) > 0 && list[len(list)-1].absent {
		list = list[:len(list)-1]
	}
	for from, to := 0, 0; from < len(list); from = to {
		for to = from; to < len(list) && list[to].absent == list[from].absent; to++ {
		}
		slices.SortFunc(list[from:to], func(a, b memberHandle) int {
			return cmp.Compare(addresses[a.handle], addresses[b.handle])
		})
	}
	return slices.Compact(list)
}

func sortHandles(list []memberHandle) {
	slices.SortFunc(list, func(a, b memberHandle) int { return int(a.handle - b.handle) })
}

// eachPopulated calls visit for the periods of a chat that have messages. It counts the messages only if asked to.
func eachPopulated(ctx context.Context, q querier, c *chat, count bool, visit func(*period, int64)) error {
	if len(c.periods) == 0 {
		return nil
	}
	what := `EXISTS (SELECT 1 FROM message m WHERE `
	if count {
		what = `(SELECT count(*) FROM message m WHERE `
	}
	if len(c.periods) == 1 {
		n, err := integer(ctx, q, `SELECT `+what+`m.chat = ? AND `+isShown+`)`, c.id)
		if n > 0 {
			visit(&c.periods[0], n)
		}
		return err
	}
	counts := make([]int64, len(c.periods))
	err := each(ctx, q, `SELECT m.id, m.date, m.line FROM message m WHERE m.chat = ? AND `+isShown, func(rows *sql.Rows) error {
		var id, date int64
		var line *int64
		if err := rows.Scan(&id, &date, &line); err != nil {
			return err
		}
		if at := c.index(moment{date, rowOf(id, line)}); at >= 0 {
			counts[at]++
		}
		return nil
	}, c.id)
	for i, n := range counts {
		if n > 0 {
			visit(&c.periods[i], n)
		}
	}
	return err
}

type chatKey struct{ source, number int64 }

type rosterOf struct {
	source int64
	roster string
}
