package imessage

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"sort"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// event is a row of a group that provides information about its members.
type event struct {
	at             moment
	joined, parted person // in this row, if any
	active         person // a member at the time the row was written
}

// readEras determines who was in each chat at what time. For a group, it starts from the current members and walks back
// through the rows that record who was added, was removed or left. The author of a message was a member at that time,
// even if the row that recorded the departure is lost; between two such rows only the author's last message counts. It
// covers the given chats; rows is a JSON list of the messages in them, or nil for all messages.
// Around damage, it uses what can be read, and returns the damage.
func (s *Source) readEras(ctx context.Context, d *directory, chats []*chat, rows driver.Value, leaves func() []sqlitepages.Leaf) error {
	events := make(map[*chat][]event)
	for _, c := range chats {
		if c.useToday(); c.group && c.number != 0 {
			events[c] = nil
		}
	}
	if len(events) == 0 {
		return nil
	}
	err := s.readChanges(ctx, d, events, rows, leaves)
	if err == nil || isDamage(err) {
		err = cmp.Or(s.readActivity(ctx, d, events, rows, leaves), err)
	}
	for c, list := range events {
		c.eras = walkBack(c.members, list)
	}
	return err
}

// useToday uses the current members for all times.
func (c *chat) useToday() {
	c.eras = []era{{end: forever, group: c.group, members: listed(c.members).members()}}
}

// among returns the end of a condition that limits a query to a list of rows, and its argument; nil means all rows.
func among(rows driver.Value) (condition string, args []driver.Value) {
	if rows == nil {
		return "", nil
	}
	return " AND ROWID" + numbersIn, []driver.Value{rows}
}

// readChanges adds to each group the rows that record changes of its members, in order of time.
func (s *Source) readChanges(ctx context.Context, d *directory, events map[*chat][]event, rows driver.Value, leaves func() []sqlitepages.Leaf) error {
	if !s.has("message", "item_type") {
		return nil
	}
	only, args := among(rows)
	query := fmt.Sprintf(`SELECT ROWID, %s, %s, %s, %s, %s, %s FROM message WHERE item_type IN (%d, %d)%s`, s.dateOf(),
		s.integer("message", "handle_id"), s.integer("message", "is_from_me"), s.integer("message", "item_type"),
		s.integer("message", "group_action_type"), s.integer("message", "other_handle"), itemMember, itemLeft, only)
	err := s.eachAround(ctx, query, leaves, func(r record) error {
		at := moment{unixNanoseconds(r.int(1)), r.int(0)}
		c := d.chatOf(at.row)
		if _, wanted := events[c]; !wanted {
			return nil
		}
		e := event{at: at}
		if r.int(3) == 0 {
			e.active = d.handles[r.int(2)]
		}
		switch item, action, other := r.int(4), r.int(5), r.int(6); {
		case item == itemMember && action == actionAdded:
			e.joined = d.handles[other]
		case item == itemMember && action == actionRemoved:
			e.parted = d.handles[other]
		case item == itemLeft && action == actionLeft:
			e.parted, e.active = e.active, person{}
		}
		events[c] = append(events[c], e)
		return nil
	}, args...)
	for c, list := range events {
		slices.SortFunc(list, func(a, b event) int { return a.at.compare(b.at) })
		events[c] = slices.CompactFunc(list, func(a, b event) bool { return a.at == b.at }) // rows around damage are read twice
	}
	return err
}

// stretch is the time between two changes of a group, for one member.
type stretch struct {
	chat   uint32
	change int32 // how many changes precede it
	handle int64
}

// readActivity adds each member's last message before each change to the events.
func (s *Source) readActivity(ctx context.Context, d *directory, events map[*chat][]event, rows driver.Value, leaves func() []sqlitepages.Leaf) error {
	latest := make(map[stretch]moment)
	only, args := among(rows)
	query := fmt.Sprintf(`SELECT ROWID, %s, %s FROM message WHERE %s = 0 AND %s NOT IN (%d, %d)%s`,
		s.dateOf(), s.integer("message", "handle_id"), s.integer("message", "is_from_me"),
		s.integer("message", "item_type"), itemMember, itemLeft, only)
	err := s.eachAround(ctx, query, leaves, func(r record) error {
		c := d.chatOf(r.int(0))
		if _, wanted := events[c]; !wanted {
			return nil
		}
		at := moment{unixNanoseconds(r.int(1)), r.int(0)}
		change, _ := slices.BinarySearchFunc(events[c], at, func(e event, at moment) int { return e.at.compare(at) })
		key := stretch{c.number, int32(change), r.int(2)}
		if old, known := latest[key]; !known || old.before(at) {
			latest[key] = at
		}
		return nil
	}, args...)
	for key, at := range latest {
		if p := d.handles[key.handle]; p.key != "" {
			c := d.chatOfMessage.chats[key.chat]
			events[c] = append(events[c], event{at: at, active: p})
		}
	}
	return err
}

// walkBack returns the eras of a group, the latest first. The last one in the list is the earliest, and everything before
// it belongs to it as well.
func walkBack(today []person, events []event) []era {
	sort.Slice(events, func(i, j int) bool { return events[j].at.before(events[i].at) })
	r := listed(today)
	eras := []era{{end: forever, group: true, members: r.members()}}
	for _, e := range events {
		if r.note(e.active, false) {
			eras = append(eras, era{end: e.at, group: true, members: r.members()})
		}
		changed := r.note(e.parted, false)
		changed = r.note(e.joined, true) || changed
		if changed {
			eras = append(eras, era{end: moment{e.at.date, e.at.row - 1}, group: true, members: r.members()})
		}
	}
	return eras
}

// roster holds the members of a group at some time during the walk back. It knows addresses, not people: it keeps what is
// known of an address together with the order in which it was learned, because the latest finding for any address of a
// person holds for the person.
type roster struct {
	known map[string]finding // by the key of a person
	notes int
	last  map[bool]int // the latest note of an absent person (true) and of a present one (false)
}

type finding struct {
	address string
	absent  bool
	note    int
}

// listed returns the roster of the current members.
func listed(today []person) *roster {
	r := &roster{known: map[string]finding{}, last: map[bool]int{}}
	for _, p := range today {
		r.known[p.key] = finding{address: p.address}
	}
	return r
}

// note records that a person, if any, was present or absent. It reports whether that is new: it is not if it was known
// already and nothing learned since could have changed it.
func (r *roster) note(p person, absent bool) bool {
	if p.key == "" {
		return false
	}
	if old, known := r.known[p.key]; known && old.absent == absent && old.note >= r.last[!absent] {
		return false
	}
	r.notes++
	r.known[p.key] = finding{p.address, absent, r.notes}
	r.last[absent] = r.notes
	return true
}

// members returns the addresses, the most recently learned first.
func (r *roster) members() []messages.Member {
	findings := slices.SortedFunc(maps.Values(r.known), func(a, b finding) int {
		return cmp.Or(cmp.Compare(b.note, a.note), cmp.Compare(a.address, b.address))
	})
	members := make([]messages.Member, len(findings))
	for i, f := range findings {
		members[i] = messages.Member{Address: f.address, Absent: f.absent}
	}
	return members
}

// periods converts the eras to the form that the store expects.
func (c *chat) periods() []messages.Period {
	list := make([]messages.Period, len(c.eras))
	for i, e := range c.eras {
		list[len(list)-1-i] = messages.Period{UntilDate: e.end.date, UntilRow: e.end.row, Members: e.members}
	}
	return list
}
