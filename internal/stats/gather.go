package stats

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/messages"
)

// SessionGap is the silence after which a message begins something new.
const SessionGap = 8 * time.Hour

// Options say of whom the report is.
type Options struct {
	Owner string // what the owner is called
	// People says who has an address: store.Owner for the owner, and whether anybody is listed with it.
	People   func(address string) (name string, listed bool)
	Names    map[string]string // what sources call people whom nobody lists, by address; may be nil
	Zone     *time.Location
	Progress func(done, total int64) // may be nil
}

// gatherer goes through the conversations one after another.
type gatherer struct {
	Options
	words  *vocabulary
	people map[string]*tally // by identity
	groups []*tally
	all    tally
	done   int64
	total  int64
}

// set is a conversation: all that the store holds of one set of people, without the owner.
type set struct {
	members []string // identities, sorted
	parts   []messages.Conversation
}

// Gather reads all messages.
func Gather(ctx context.Context, db *messages.DB, o Options) (*Report, error) {
	g := &gatherer{Options: o, words: newVocabulary(), people: map[string]*tally{}, all: newTally("")}
	reader, err := db.Reader(ctx, g.identity)
	if err != nil {
		return nil, err
	}
	conversations, err := reader.Conversations(ctx)
	if err != nil {
		return nil, err
	}
	for i := range conversations {
		g.total += conversations[i].Messages
	}
	for _, s := range g.sets(conversations) {
		c := g.conversation(s)
		if err := reader.Spoken(ctx, s.parts, c.message); err != nil {
			return nil, err
		}
		if len(s.members) > 1 && c.tally.messages > 0 {
			g.groups = append(g.groups, c.tally)
		}
	}
	return g.report(), nil
}

// identity keeps strangers apart from people who are called so.
func (g *gatherer) identity(address string) string {
	if address == messages.Owner {
		return messages.Owner
	}
	name, listed := g.People(address)
	if !listed {
		return strangerMark + name
	}
	return name
}

// strangerMark stands before the address of somebody whom nobody lists.
const strangerMark = "\x00"

// nameOf is what an identity is called in the report.
func (g *gatherer) nameOf(identity string) string {
	address, stranger := strings.CutPrefix(identity, strangerMark)
	switch {
	case identity == messages.Owner:
		return g.Owner
	case stranger && g.Names[address] != "":
		return g.Names[address]
	}
	return address
}

// sets joins the conversations of the same people. Of somebody with several addresses the first tells whether he was there.
func (g *gatherer) sets(conversations []messages.Conversation) []*set {
	byKey := make(map[string]*set)
	for _, c := range conversations {
		seen := make(map[string]bool)
		var members []string
		for _, m := range c.Members {
			id := g.identity(m.Address)
			if !seen[id] && !m.Absent && id != messages.Owner {
				members = append(members, id)
			}
			seen[id] = true
		}
		slices.Sort(members)
		key := strings.Join(members, "\n")
		if byKey[key] == nil {
			byKey[key] = &set{members: members}
		}
		byKey[key].parts = append(byKey[key].parts, c)
	}
	list := slices.Collect(maps.Values(byKey))
	slices.SortFunc(list, func(a, b *set) int { return slices.Compare(a.members, b.members) })
	return list
}

func (g *gatherer) person(identity string) *tally {
	p := g.people[identity]
	if p == nil {
		t := newTally(g.nameOf(identity))
		p = &t
		g.people[identity] = p
	}
	return p
}

// report is what was gathered, in order.
func (g *gatherer) report() *Report {
	r := &Report{Zone: g.Zone.String(), Messages: g.all.messages, Months: g.all.monthList(), Hours: g.all.hours, People: []Person{}, Groups: []Group{}}
	if g.all.messages > 0 {
		r.From, r.To = g.all.first.In(g.Zone), g.all.last.In(g.Zone)
		if g.Zone == time.Local { // "Local" tells nobody anything
			r.Zone, _ = r.To.Zone()
		}
	}
	for _, identity := range slices.Sorted(maps.Keys(g.people)) {
		t := g.people[identity]
		if t.messages+t.reactions == 0 && t.sessions == 0 {
			continue
		}
		p := Person{Name: t.name, Owner: identity == messages.Owner, Habits: t.habits(g), OwnerReply: t.ownerReplies.reply(), Sessions: t.sessions, Started: t.startedBy[identity]}
		r.People = append(r.People, p)
	}
	for _, t := range g.groups {
		r.Groups = append(r.Groups, Group{Members: t.members, Habits: t.habits(g), Sessions: t.sessions, Started: g.named(t.startedBy), By: g.named(t.by)})
	}
	slices.SortStableFunc(r.People, func(a, b Person) int { return cmp.Compare(b.Messages, a.Messages) })
	slices.SortStableFunc(r.Groups, func(a, b Group) int { return cmp.Compare(b.Messages, a.Messages) })
	return r
}

// named are counts by identity as counts by name, most first.
func (g *gatherer) named(counts map[string]int) []Count {
	list := []Count{}
	for _, identity := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, Count{g.nameOf(identity), counts[identity]})
	}
	slices.SortStableFunc(list, func(a, b Count) int { return cmp.Compare(b.Count, a.Count) })
	return list
}
