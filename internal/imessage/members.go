package imessage

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sort"
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
	members []string
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
	now := make(map[string]string)
	for _, p := range today {
		now[p.key] = p.address
	}
	eras := []era{{end: moment{date: 1<<63 - 1, row: 1<<63 - 1}, members: addresses(now)}}
	for _, e := range events {
		changed := false
		if e.active.key != "" {
			if _, member := now[e.active.key]; !member {
				now[e.active.key], changed = e.active.address, true
				eras = appendEra(eras, e.at, now)
			}
		}
		if _, member := now[e.parted.key]; e.parted.key != "" && !member {
			now[e.parted.key], changed = e.parted.address, true
		}
		if _, member := now[e.joined.key]; e.joined.key != "" && member {
			delete(now, e.joined.key)
			changed = true
		}
		if changed {
			eras = appendEra(eras, moment{e.at.date, e.at.row - 1}, now)
		}
	}
	return eras
}

func appendEra(eras []era, end moment, now map[string]string) []era {
	return append(eras, era{end: end, members: addresses(now)})
}

func addresses(members map[string]string) []string {
	return slices.Sorted(maps.Values(members))
}

// membersAt returns the addresses of the members at the time of a row.
func (c *chat) membersAt(at moment) []string {
	if len(c.eras) == 0 {
		now := make(map[string]string)
		for _, p := range c.members {
			now[p.key] = p.address
		}
		return addresses(now)
	}
	// The eras end ever earlier: the last one that does not end before the row.
	n := sort.Search(len(c.eras), func(i int) bool { return c.eras[i].end.before(at) })
	return c.eras[max(n-1, 0)].members
}
