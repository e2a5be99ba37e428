package sources

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"ventriloquist/internal/messages"
)

// Membership is what a source records about who was in a group when: today's members, changes, and who wrote.
type Membership struct {
	today   []string
	changes []change // in order once there is an author
	wrote   map[stretch]change
}

// change is a record that somebody joined or left, or wrote.
type change struct {
	at            time.Time
	row           int64
	person        string // an address
	joined, wrote bool
}

func (c *change) compare(d *change) int {
	return cmp.Or(c.at.Compare(d.at), cmp.Compare(c.row, d.row))
}

// stretch is the time between two changes, of which only the last message of each author counts.
type stretch struct {
	change int // the one that ends it
	person string
}

// Today adds somebody who is in the group today.
func (m *Membership) Today(address string) { m.today = append(m.today, address) }

// Joined adds a record, in this row of the source, that somebody joined.
func (m *Membership) Joined(at time.Time, row int64, address string) {
	m.changes = append(m.changes, change{at: at, row: row, person: address, joined: true})
}

// Left adds a record that somebody left.
func (m *Membership) Left(at time.Time, row int64, address string) {
	m.changes = append(m.changes, change{at: at, row: row, person: address})
}

// Wrote adds the author of a message, after all records of changes.
func (m *Membership) Wrote(at time.Time, row int64, address string) {
	if m.wrote == nil {
		m.wrote = make(map[stretch]change)
		slices.SortFunc(m.changes, func(a, b change) int { return a.compare(&b) })
	}
	c := change{at: at, row: row, person: address, wrote: true}
	end, _ := slices.BinarySearchFunc(m.changes, c, func(a, b change) int { return a.compare(&b) })
	key := stretch{end, address}
	if last, known := m.wrote[key]; !known || last.compare(&c) < 0 {
		m.wrote[key] = c
	}
}

// Periods returns who was in the group when, earliest period first. It starts from today's members and walks back through the changes.
// Whoever wrote was a member, even if the record of the departure is lost.
func (m *Membership) Periods() (list []messages.Period) {
	changes := slices.AppendSeq(slices.Clone(m.changes), maps.Values(m.wrote))
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(b.compare(&a), cmp.Compare(a.person, b.person)) })
	members := make(map[string]bool)
	for _, address := range m.today {
		members[address] = true
	}
	add := func(date, row int64) {
		p := messages.Period{UntilDate: date, UntilRow: row, Members: messages.Members(slices.Sorted(maps.Keys(members))...)}
		if last := len(list) - 1; last >= 0 && list[last].UntilDate == date && list[last].UntilRow == row {
			list[last] = p
		} else {
			list = append(list, p)
		}
	}
	add(messages.Forever, messages.Forever)
	for _, c := range changes {
		if wasMember := !c.joined; wasMember == members[c.person] {
			continue
		} else if wasMember {
			members[c.person] = true
		} else {
			delete(members, c.person)
		}
		row := c.row
		if !c.wrote {
			row-- // the record itself belongs to the time behind it
		}
		add(c.at.UnixNano(), row)
	}
	slices.Reverse(list)
	return list
}
