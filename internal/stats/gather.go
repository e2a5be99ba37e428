package stats

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
)

// SessionGap is the silence after which a message begins something new.
const SessionGap = 8 * time.Hour

// Options of a report.
type Options struct {
	Owner    string            // the owner's name
	People   people.Lookup     // who has an address
	Names    map[string]string // what sources call strangers, by normalized address; may be nil
	Zone     *time.Location
	Progress func(done, total int64) // may be nil
}

// gatherer reads one conversation after another.
type gatherer struct {
	Options
	words  *vocabulary
	people map[people.Person]*tally
	groups []*tally
	all    tally
	days   map[int]int // messages by day, numbered by dayOf
	years  map[int]map[people.Person]int
	done   int64
	total  int64
}

// Gather reads all messages of a database and reports on them.
func Gather(ctx context.Context, db *messages.DB, o Options) (*Report, error) {
	g := &gatherer{Options: o, words: newVocabulary(), people: map[people.Person]*tally{}, all: newTally(""),
		days: map[int]int{}, years: map[int]map[people.Person]int{}}
	reader, err := db.Reader(ctx, o.People.Key)
	if err != nil {
		return nil, err
	}
	stored, err := reader.Conversations(ctx)
	if err != nil {
		return nil, err
	}
	for i := range stored {
		g.total += stored[i].Messages
	}
	for _, each := range o.People.Conversations(stored) {
		c := g.conversation(each)
		if err := reader.WindowMessages(ctx, each.Parts, c.message); err != nil {
			return nil, err
		}
		if each.IsGroup() && c.tally.messages > 0 {
			g.groups = append(g.groups, c.tally)
		}
	}
	return g.report(), nil
}

// nameOf returns the name of a person in the report, never one that cannot be seen.
func (g *gatherer) nameOf(p people.Person) string {
	name := p.Name
	switch {
	case p.IsOwner():
		name = g.Owner
	case !p.Listed && g.Names[p.Name] != "":
		name = g.Names[p.Name]
	}
	if !strings.ContainsFunc(name, func(c rune) bool { return unicode.IsGraphic(c) && !unicode.IsSpace(c) }) {
		return "(no name)"
	}
	return name
}

func (g *gatherer) person(who people.Person) *tally {
	p := g.people[who]
	if p == nil {
		t := newTally(g.nameOf(who))
		p = &t
		g.people[who] = p
	}
	return p
}

// appleEpoch is the date 0 of Apple's databases.
var appleEpoch = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// timeOf returns the time of a date in nanoseconds since 1970, in the report's zone; the zero time if it stands for an unknown one.
func (g *gatherer) timeOf(date int64) time.Time {
	if date == 0 || date == appleEpoch {
		return time.Time{}
	}
	return time.Unix(0, date).In(g.Zone)
}

// report returns the finished report.
func (g *gatherer) report() *Report {
	r := &Report{Zone: g.Zone.String(), Messages: g.all.messages, Undated: g.all.messages - g.all.dated, Months: g.all.monthList(), Years: g.yearList(),
		Hours: g.all.hours, Busiest: g.busiestDay(), Emoji: g.all.emojiList(), People: []Person{}, Groups: []Group{}}
	if g.all.dated > 0 {
		r.From, r.To = g.all.first.In(g.Zone), g.all.last.In(g.Zone)
		if g.Zone == time.Local { // the name "Local" says nothing
			r.Zone, _ = r.To.Zone()
		}
	}
	for _, who := range slices.SortedFunc(maps.Keys(g.people), people.ComparePeople) {
		t := g.people[who]
		if t.messages+t.reactions == 0 && t.sessions == 0 {
			continue
		}
		p := Person{Name: t.name, Owner: who.IsOwner(), Habits: t.habits(g), OwnerReply: t.ownerReplies.reply(), Sessions: t.sessions, Started: t.startedBy[who]}
		if t.direct.messages > 0 {
			p.Direct = &Direct{Messages: t.direct.messages, FromYou: t.direct.fromYou, Peak: t.direct.hours.peak()}
		}
		r.People = append(r.People, p)
	}
	for _, t := range g.groups {
		r.Groups = append(r.Groups, Group{Name: t.group, Members: t.members, Habits: t.habits(g), Sessions: t.sessions, Started: g.named(t.startedBy), By: g.named(t.by)})
	}
	slices.SortStableFunc(r.People, func(a, b Person) int { return cmp.Compare(b.Messages, a.Messages) })
	slices.SortStableFunc(r.Groups, func(a, b Group) int { return cmp.Compare(b.Messages, a.Messages) })
	return r
}

// named returns counts by name, the largest first.
func (g *gatherer) named(counts map[people.Person]int) []Count {
	list := []Count{}
	for _, who := range slices.SortedFunc(maps.Keys(counts), people.ComparePeople) {
		list = append(list, Count{g.nameOf(who), counts[who]})
	}
	slices.SortStableFunc(list, func(a, b Count) int { return cmp.Compare(b.Count, a.Count) })
	return list
}
