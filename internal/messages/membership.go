package messages

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"math"
	"slices"
)

// Member is an address in a conversation. An address may be absent: somebody with several addresses who joined by one of
// them was no member before, though messages from another address, or today's list, name that other one.
type Member struct {
	Address string
	Absent  bool
}

// Members are members by these addresses.
func Members(addresses ...string) []Member {
	list := make([]Member, len(addresses))
	for i, address := range addresses {
		list[i].Address = address
	}
	return list
}

// Period is a time in which a chat had the same members: up to and with the row at its end.
type Period struct {
	UntilDate, UntilRow int64
	Members             []Member
}

// Forever ends the last period of a chat.
const Forever = math.MaxInt64

// chat is a row of chat with its periods, the earliest first.
type chat struct {
	id, source int64
	number     sql.NullInt64
	group      bool
	periods    []period
}

// period is a Period as it is stored.
type period struct {
	until   moment
	members []memberHandle
}

type memberHandle struct {
	handle int64
	absent bool
}

// moment is a place in the course of a chat.
type moment struct{ date, row int64 }

func (m moment) compare(n moment) int {
	return cmp.Or(cmp.Compare(m.date, n.date), cmp.Compare(m.row, n.row))
}

// index is that of the period of a row, -1 if there is none.
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
	err := each(ctx, q, `SELECT id, source, number, is_group FROM chat`, func(rows *sql.Rows) error {
		c := new(chat)
		err := rows.Scan(&c.id, &c.source, &c.number, &c.group)
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
			c.periods = append(c.periods, period{until: until})
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

// rosterKey is the same for the same conversation and for no other.
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

// roster is the canonical form of a list of members: neighbors that are all there, or all absent, are sorted, and who is
// absent need not be said after the last who is there.
func (t *Tx) roster(members []Member) []memberHandle {
	list := make([]memberHandle, 0, len(members))
	for _, m := range members {
		if m.Address != Owner {
			list = append(list, memberHandle{t.handle(cmp.Or(t.standIn(m.Address), m.Address)), m.Absent})
		}
	}
	for len(list) > 0 && list[len(list)-1].absent {
		list = list[:len(list)-1]
	}
	for from, to := 0, 0; from < len(list); from = to {
		for to = from; to < len(list) && list[to].absent == list[from].absent; to++ {
		}
		slices.SortFunc(list[from:to], func(a, b memberHandle) int {
			return cmp.Compare(t.addresses[a.handle], t.addresses[b.handle])
		})
	}
	return slices.Compact(list)
}

// Chat returns the number in the file of a chat that a source numbers. SetPeriods says who is in it.
func (t *Tx) Chat(source, number int64, group bool) (int64, error) {
	key := chatKey{source, number}
	id, known := t.numbered[key]
	if !known {
		var err error
		if id, err = t.newChat(source, sql.NullInt64{Int64: number, Valid: true}, group); err != nil {
			return 0, err
		}
		t.numbered[key] = id
	}
	if c := t.chats[id]; c.group != group {
		c.group = group
		return id, t.exec(`UPDATE chat SET is_group = ? WHERE id = ?`, group, id)
	}
	return id, nil
}

type chatKey struct{ source, number int64 }

type rosterOf struct {
	source int64
	roster string
}

// Conversation returns the number in the file of a chat of a source that is known by its members, without the owner. Each
// may be named once or more. Their order counts only between those who are there and those who are absent.
func (t *Tx) Conversation(source int64, group bool, members []Member) (int64, error) {
	list := t.roster(members)
	key := rosterOf{source, rosterKey(group, list)}
	if id, known := t.unnumbered[key]; known {
		return id, nil
	}
	id, err := t.newChat(source, sql.NullInt64{}, group)
	if err == nil {
		err = t.writePeriods(t.chats[id], []period{{moment{Forever, Forever}, list}})
	}
	t.unnumbered[key] = id
	return id, err
}

func (t *Tx) newChat(source int64, number sql.NullInt64, group bool) (int64, error) {
	t.lastChat++
	c := &chat{id: t.lastChat, source: source, number: number, group: group}
	t.chats[c.id] = c
	return c.id, t.exec(`INSERT INTO chat VALUES (?, ?, ?, ?)`, c.id, source, number, group)
}

// ChatNumber returns the number in the file of a chat that a source numbers; known is false if it has none yet.
func (t *Tx) ChatNumber(source, number int64) (id int64, known bool) {
	id, known = t.numbered[chatKey{source, number}]
	return id, known
}

// LastChange is the end of the last period but one of a chat; known is false for a chat without periods.
func (t *Tx) LastChange(chat int64) (date, row int64, known bool) {
	c := t.chats[chat]
	if c == nil || len(c.periods) == 0 {
		return 0, 0, false
	}
	if n := len(c.periods); n > 1 {
		return c.periods[n-2].until.date, c.periods[n-2].until.row, true
	}
	return math.MinInt64, math.MinInt64, true
}

// SetPeriods says who was in a chat when, the earliest period first, and reports whether that is other than before.
func (t *Tx) SetPeriods(chat int64, periods []Period) (changed bool, err error) {
	c := t.chats[chat]
	list := make([]period, len(periods))
	for i, p := range periods {
		list[i] = period{moment{p.UntilDate, p.UntilRow}, t.roster(p.Members)}
	}
	if slices.EqualFunc(c.periods, list, func(a, b period) bool { return a.until == b.until && slices.Equal(a.members, b.members) }) {
		return false, nil
	}
	if len(c.periods) > 0 && t.former[c] == nil {
		t.former[c] = c.periods
	}
	return true, t.wrong(t.writePeriods(c, list))
}

func (t *Tx) writePeriods(c *chat, periods []period) error {
	if len(c.periods) > 0 {
		err := t.exec(`DELETE FROM member WHERE period IN (SELECT id FROM period WHERE chat = ?)`, c.id)
		if err == nil {
			err = t.exec(`DELETE FROM period WHERE chat = ?`, c.id)
		}
		if err != nil {
			return err
		}
	}
	c.periods = periods
	for _, p := range periods {
		t.lastPeriod++
		if err := t.exec(`INSERT INTO period VALUES (?, ?, ?, ?)`, t.lastPeriod, c.id, p.until.date, p.until.row); err != nil {
			return err
		}
		for place, m := range p.members {
			if err := t.exec(`INSERT INTO member VALUES (?, ?, ?, ?)`, t.lastPeriod, place, m.handle, m.absent); err != nil {
				return err
			}
		}
	}
	return nil
}

// countMoved counts the rows whose members at the time are others than before, without those that changed themselves.
func (t *Tx) countMoved() (moved int64, err error) {
	for c, before := range t.former {
		n, err := t.countMovedIn(c, before)
		if err != nil {
			return 0, err
		}
		moved += n
	}
	return moved, nil
}

func (t *Tx) countMovedIn(c *chat, before []period) (moved int64, err error) {
	old := chat{periods: before}
	last := int64(-1)
	err = t.each(`SELECT id, date, line FROM message m WHERE chat = ? AND `+isShown+` ORDER BY id`, func(rows *sql.Rows) error {
		var id, date int64
		var line *int64
		if err := rows.Scan(&id, &date, &line); err != nil {
			return err
		}
		if key := keyOf(id); key != last && !t.changed[key] {
			last = key
			at := moment{date, rowOf(id, line)}
			if was, is := old.at(at), c.at(at); was == nil || is == nil || !slices.Equal(was.members, is.members) {
				moved++
			}
		}
		return nil
	}, c.id)
	return moved, err
}

// Known calls visit for every row of the ranges of a numbered source, as the file holds it.
func (t *Tx) Known(source int64, ranges []Range, visit func(*OldRow)) error {
	for _, r := range ranges {
		err := t.query(`SELECT id, chat, date, sender, kind, part FROM message WHERE id BETWEEN ? AND ? AND id & 255 = 0`, func(rows *sql.Rows) error {
			var e record
			if err := rows.Scan(&e.id, &e.chat, &e.date, &e.sender, &e.kind, &e.part); err != nil {
				return err
			}
			visit(t.oldRow([]record{e}))
			return nil
		}, rowKey(source, max(r.First, 0)), lastID(rowKey(source, min(r.Last, LastRow))))
		if err != nil {
			return t.wrong(err)
		}
	}
	return nil
}

const unusedChats = `SELECT id FROM chat c WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.chat = c.id AND m.kind < 9 AND m.state & 3 = 0)
	AND NOT EXISTS (SELECT 1 FROM message m WHERE m.chat = c.id AND NOT (m.kind < 9 AND m.state & 3 = 0))`

// dropUnusedChats deletes the chats that no message is in any longer.
const dropUnusedChats = `
DELETE FROM member WHERE period IN (SELECT id FROM period WHERE chat IN (` + unusedChats + `));
DELETE FROM period WHERE chat IN (` + unusedChats + `);
DELETE FROM chat WHERE id IN (` + unusedChats + `)`

func (t *Tx) dropChats() error { return t.exec(dropUnusedChats) }
