package people

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"ventriloquist/internal/messages"
)

// Census counts the messages of every person.
type Census struct {
	Owner    int64      `json:"owner"` // messages sent by the owner
	Listed   []Listed   `json:"listed"`
	Unmapped []Unmapped `json:"unmapped"`
	// LeftOut is what all unmapped addresses together keep out of training.
	LeftOut struct {
		Messages      int64 `json:"messages"`
		Conversations int   `json:"conversations"`
		Groups        int   `json:"groups"`
	} `json:"left_out"`
}

// Listed is a person in the contacts file.
type Listed struct {
	Name          string    `json:"name"`
	Messages      int64     `json:"messages"` // sent by the person, reactions included
	Conversations int       `json:"conversations"`
	Last          time.Time `json:"last,omitzero"` // when the person last sent one
}

// Unmapped is an address that the contacts file does not list.
type Unmapped struct {
	Address  string    `json:"address"`
	Name     string    `json:"name,omitempty"` // what a source calls the person
	Messages int64     `json:"messages"`       // sent from the address
	Groups   int       `json:"groups"`         // left out because of it
	LeftOut  int64     `json:"left_out"`       // messages by anyone in conversations left out because of it
	Last     time.Time `json:"last,omitzero"`
}

// tally is what is counted for a person.
type tally struct {
	messages, leftOut     int64
	conversations, groups int
	last                  int64 // nanoseconds since 1970
}

// census counts one conversation after another.
type census struct {
	lookup Lookup
	people map[Person]*tally
	result Census
}

// TakeCensus counts the messages of a database by person.
func TakeCensus(ctx context.Context, db *messages.DB, book *Book) (*Census, error) {
	c := &census{lookup: book.Person, people: map[Person]*tally{}}
	reader, err := db.Reader(ctx, c.lookup.Key)
	if err != nil {
		return nil, err
	}
	if err := c.count(ctx, reader); err != nil {
		return nil, err
	}
	c.summarize(book.Names())
	names, err := reader.Names(ctx)
	if err != nil {
		return nil, err
	}
	sourceNames := make(map[string]string, len(names))
	for address, name := range names {
		sourceNames[book.Normalize(address)] = name
	}
	for i := range c.result.Unmapped {
		u := &c.result.Unmapped[i]
		u.Name = sourceNames[u.Address]
	}
	return &c.result, nil
}

// count adds all conversations that have messages.
func (c *census) count(ctx context.Context, reader *messages.Reader) error {
	list, err := reader.Conversations(ctx)
	if err != nil {
		return err
	}
	conversations := c.lookup.Conversations(list)
	var parts []messages.Conversation
	var owner []int // of each part: an index into conversations
	for i, conversation := range conversations {
		parts = append(parts, conversation.Parts...)
		owner = append(owner, slices.Repeat([]int{i}, len(conversation.Parts))...)
	}
	counts, err := reader.Tally(ctx, parts)
	if err != nil {
		return err
	}
	byConversation := make(map[int][]messages.Count)
	for _, count := range counts {
		i := owner[count.Conversation]
		byConversation[i] = append(byConversation[i], count)
	}
	for i, counts := range byConversation {
		c.add(conversations[i], counts)
	}
	return nil
}

// add counts one conversation.
func (c *census) add(conversation *Conversation, counts []messages.Count) {
	var total int64
	for _, count := range counts {
		total += count.Messages
		t := c.of(conversation.Sender(c.lookup, count.Sender))
		t.messages += count.Messages
		t.last = max(t.last, count.Last)
	}
	complete := true
	for _, other := range conversation.Others {
		t := c.of(other.Person)
		t.conversations++
		if other.Listed {
			continue
		}
		complete = false
		t.leftOut += total
		if conversation.IsGroup() {
			t.groups++
		}
	}
	if complete {
		return
	}
	c.result.LeftOut.Messages += total
	c.result.LeftOut.Conversations++
	if conversation.IsGroup() {
		c.result.LeftOut.Groups++
	}
}

func (c *census) of(p Person) *tally {
	if c.people[p] == nil {
		c.people[p] = new(tally)
	}
	return c.people[p]
}

// summarize fills the lists of the result, those with the most messages first. names are all listed people, most of whom may have no
// messages.
func (c *census) summarize(names []string) {
	c.result.Owner = c.tallyOf(Person{Name: messages.Owner, Listed: true}).messages
	if len(names) > 0 {
		c.result.Listed = make([]Listed, 0, len(names))
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		t := c.tallyOf(Person{Name: name, Listed: true})
		c.result.Listed = append(c.result.Listed, Listed{name, t.messages, t.conversations, t.lastTime()})
	}
	for _, p := range slices.SortedFunc(maps.Keys(c.people), ComparePeople) {
		if t := c.people[p]; !p.Listed {
			c.result.Unmapped = append(c.result.Unmapped, Unmapped{Address: p.Name, Messages: t.messages, Groups: t.groups, LeftOut: t.leftOut, Last: t.lastTime()})
		}
	}
	slices.SortStableFunc(c.result.Listed, func(a, b Listed) int { return cmp.Compare(b.Messages, a.Messages) })
	slices.SortStableFunc(c.result.Unmapped, func(a, b Unmapped) int {
		return cmp.Or(cmp.Compare(b.LeftOut, a.LeftOut), cmp.Compare(b.Messages, a.Messages))
	})
}

// tallyOf returns what was counted for a person; zeros for a person without messages.
func (c *census) tallyOf(p Person) tally {
	if t := c.people[p]; t != nil {
		return *t
	}
	return tally{}
}

func (t *tally) lastTime() time.Time {
	if t.last == 0 {
		return time.Time{}
	}
	return time.Unix(0, t.last).UTC()
}
