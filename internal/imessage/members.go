package imessage

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sort"

	"ventriloquist/internal/store"
)

// The values of item_type and group_action_type that change who is in a group.
const (
	itemMessage = 0
	itemMember  = 1 // added or removed other_handle
	itemLeft    = 3 // handle_id left, with action 0; the group's photo changed, with 1 and 2

	actionAdded   = 0
	actionRemoved = 1
	actionLeft    = 0
)

// moment is a place in the course of a chat.
type moment struct{ date, row int64 }

func (m moment) before(n moment) bool {
	return m.date < n.date || m.date == n.date && m.row < n.row
}

// era is a time with the same members: up to and with the row at its end.
type era struct {
	end     moment
	members []store.Member
}

// event is what a row of a group tells about its members.
type event struct {
	at             moment
	joined, parted person // by this row, if any
	active         person // who was a member when it was written
}

// readEras works out who was in each group when: today's members, walked back through the rows that tell who was added,
// was removed or left. Who wrote a message was a member then, even if the row that told of the leaving is lost.
func (s *Source) readEras(ctx context.Context, d *directory) error {
	if !slices.ContainsFunc(d.sortedChats(), func(c *chat) bool { return c.group }) {
		return nil
	}
	events := make(map[*chat][]event)
	query := fmt.Sprintf(`SELECT ROWID, %s, %s, %s, %s, %s, %s FROM message`, s.integer("message", "date"),
		s.integer("message", "handle_id"), s.integer("message", "is_from_me"), s.integer("message", "item_type"),
		s.integer("message", "group_action_type"), s.integer("message", "other_handle"))
	err := s.each(ctx, query, func(rows *sql.Rows) error {
		var at moment
		var handle, fromMe, item, action, other int64
		if err := rows.Scan(&at.row, &at.date, &handle, &fromMe, &item, &action, &other); err != nil {
			return err
		}
		c := d.chatOf(at.row)
		if c == nil || !c.group {
			return nil
		}
		at.date = unixNanoseconds(at.date)
		e := event{at: at}
		if fromMe == 0 {
			e.active = d.handles[handle]
		}
		switch {
		case item == itemMember && action == actionAdded:
			e.joined = d.handles[other]
		case item == itemMember && action == actionRemoved:
			e.parted = d.handles[other]
		case item == itemLeft && action == actionLeft:
			e.parted, e.active = e.active, person{}
		}
		if e.joined.key != "" || e.parted.key != "" || e.active.key != "" {
			events[c] = append(events[c], e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for c, list := range events {
		c.eras = walkBack(c.members, list)
	}
	return nil
}

// walkBack returns the eras of a group, the latest first. The last of them is the earliest, and everything before it
// belongs to it as well.
func walkBack(today []person, events []event) []era {
	sort.Slice(events, func(i, j int) bool { return events[j].at.before(events[i].at) })
	r := listed(today)
	eras := []era{{end: moment{date: 1<<63 - 1, row: 1<<63 - 1}, members: r.members()}}
	for _, e := range events {
		if r.note(e.active, false) {
			eras = append(eras, era{e.at, r.members()})
		}
		changed := r.note(e.parted, false)
		changed = r.note(e.joined, true) || changed
		if changed {
			eras = append(eras, era{moment{e.at.date, e.at.row - 1}, r.members()})
		}
	}
	return eras
}

// roster is who was in a group at some time, as far as the walk back has come. It knows addresses, not people: what was
// learned of an address is kept with when it was, for the last that was learned of any address of a person holds for the
// person.
type roster struct {
	known map[string]finding // by the key of a person
	notes int
	last  map[bool]int // the latest note of somebody absent, of somebody there
}

type finding struct {
	address string
	absent  bool
	note    int
}

// listed is the roster of today.
func listed(today []person) *roster {
	r := &roster{known: map[string]finding{}, last: map[bool]int{}}
	for _, p := range today {
		r.known[p.key] = finding{address: p.address}
	}
	return r
}

// note takes that somebody was there or absent, if anybody, and tells whether that is news: not what was known already
// and nothing learned since could have changed.
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

// members are the addresses with what was learned last first.
func (r *roster) members() []store.Member {
	findings := slices.SortedFunc(maps.Values(r.known), func(a, b finding) int {
		return cmp.Or(cmp.Compare(b.note, a.note), cmp.Compare(a.address, b.address))
	})
	members := make([]store.Member, len(findings))
	for i, f := range findings {
		members[i] = store.Member{Address: f.address, Absent: f.absent}
	}
	return members
}

// membersAt returns the members at the time of a row.
func (c *chat) membersAt(at moment) []store.Member {
	if len(c.eras) == 0 {
		return listed(c.members).members()
	}
	// The eras end ever earlier: the last one that does not end before the row.
	n := sort.Search(len(c.eras), func(i int) bool { return c.eras[i].end.before(at) })
	return c.eras[max(n-1, 0)].members
}
