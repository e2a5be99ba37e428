package people

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/messages"
)

// Listed is somebody in the contacts file.
type Listed struct {
	Name          string    `json:"name"`
	Messages      int64     `json:"messages"`      // that they wrote, reactions included
	Conversations int       `json:"conversations"` // sets of people that they are in
	Last          time.Time `json:"last,omitzero"` // when they wrote last
}

// Unmapped is an address that nobody is listed with.
type Unmapped struct {
	Address  string    `json:"address"`
	Name     string    `json:"name,omitempty"` // what a source calls the person
	Messages int64     `json:"messages"`       // written from it
	Groups   int       `json:"groups"`         // that are left out because of it
	LeftOut  int64     `json:"left_out"`       // messages of conversations that are left out because of it, whoever wrote them
	Last     time.Time `json:"last,omitzero"`
}

// Census is who has how many messages.
type Census struct {
	Owner    int64      `json:"owner"` // messages of the owner
	Listed   []Listed   `json:"listed"`
	Unmapped []Unmapped `json:"unmapped"`
	// LeftOut is what all unmapped addresses together leave out.
	LeftOut struct {
		Messages      int64 `json:"messages"`
		Conversations int   `json:"conversations"`
		Groups        int   `json:"groups"`
	} `json:"left_out"`
}

// mark is what is counted of a person or an address.
type mark struct {
	messages, leftOut int64
	last              int64 // ns since 1970
	sets              map[string]bool
	groups            map[string]bool // left out
}

// counter counts conversations one after another.
type counter struct {
	book     *Book
	listed   map[string]*mark // by name
	unmapped map[string]*mark // by normalized address
	leftOut  map[string]bool  // sets of people, and whether they are groups
	census   Census
}

// TakeCensus takes the census of what a database holds.
func TakeCensus(ctx context.Context, db *messages.DB, book *Book) (*Census, error) {
	reader, err := db.Reader(ctx, func(address string) string { return identity(book, address) })
	if err != nil {
		return nil, err
	}
	conversations, err := reader.Conversations(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := reader.Tally(ctx, conversations)
	if err != nil {
		return nil, err
	}
	c := &counter{book: book, listed: map[string]*mark{}, unmapped: map[string]*mark{}, leftOut: map[string]bool{}}
	for _, name := range book.Names() {
		c.listed[name] = newMark()
	}
	slices.SortFunc(counts, func(a, b messages.Count) int { return cmp.Compare(a.Conversation, b.Conversation) })
	for from, to := 0, 0; from < len(counts); from = to {
		for to = from; to < len(counts) && counts[to].Conversation == counts[from].Conversation; to++ {
		}
		c.conversation(conversations[counts[from].Conversation], counts[from:to])
	}
	census := c.finish()
	names, err := reader.Names(ctx)
	if err != nil {
		return nil, err
	}
	called := make(map[string]string, len(names))
	for address, name := range names {
		called[book.Normalize(address)] = name
	}
	for i := range census.Unmapped {
		census.Unmapped[i].Name = called[census.Unmapped[i].Address]
	}
	return census, nil
}

func newMark() *mark { return &mark{sets: map[string]bool{}, groups: map[string]bool{}} }

// identity keeps strangers apart from people who are called so.
func identity(book *Book, address string) string {
	name, listed := book.Person(address)
	if !listed {
		return "stranger " + name
	}
	return name
}

// others are the people of a conversation beside the owner, each once, and which of them nobody is listed with. Of
// somebody with several addresses the first tells whether he was there.
func (c *counter) others(members []messages.Member) (names, strangers []string) {
	seen := make(map[string]bool)
	for _, m := range members {
		name, listed := c.book.Person(m.Address)
		id := identity(c.book, m.Address)
		if seen[id] || name == Owner {
			continue
		}
		seen[id] = true
		switch {
		case m.Absent:
		case listed:
			names = append(names, name)
		default:
			strangers = append(strangers, name)
		}
	}
	return names, strangers
}

func (c *counter) conversation(conversation messages.Conversation, counts []messages.Count) {
	names, strangers := c.others(conversation.Members)
	all := make([]string, 0, len(names)+len(strangers))
	all = append(append(all, names...), strangers...)
	slices.Sort(all)
	set := strings.Join(all, "\n")
	var messages int64
	for _, count := range counts {
		messages += count.Messages
		c.count(count, names, strangers)
	}
	for _, name := range names {
		c.listed[name].sets[set] = true
	}
	for _, address := range strangers {
		m := c.stranger(address)
		m.leftOut += messages
		if len(all) > 1 {
			m.groups[set] = true
		}
	}
	if len(strangers) > 0 {
		c.leftOut[set] = len(all) > 1
		c.census.LeftOut.Messages += messages
	}
}

func (c *counter) stranger(address string) *mark {
	m := c.unmapped[address]
	if m == nil {
		m = newMark()
		c.unmapped[address] = m
	}
	return m
}

// count takes what one address sent. Among two, what is received from an address that nobody is listed with is from the
// other one: the source put it there because it knows more addresses of theirs.
func (c *counter) count(count messages.Count, names, strangers []string) {
	name, listed := c.book.Person(count.Sender)
	if count.Sender == messages.Owner || listed && name == Owner {
		c.census.Owner += count.Messages
		return
	}
	var m *mark
	switch {
	case listed:
		m = c.listed[name]
	case len(names) == 1 && len(strangers) == 0:
		m = c.listed[names[0]]
	case len(names) == 0 && len(strangers) == 1:
		m = c.stranger(strangers[0])
	default:
		m = c.stranger(name)
	}
	m.messages += count.Messages
	m.last = max(m.last, count.Last)
}

func (c *counter) finish() *Census {
	for _, name := range slices.Sorted(maps.Keys(c.listed)) {
		m := c.listed[name]
		c.census.Listed = append(c.census.Listed, Listed{name, m.messages, len(m.sets), m.when()})
	}
	for _, address := range slices.Sorted(maps.Keys(c.unmapped)) {
		m := c.unmapped[address]
		c.census.Unmapped = append(c.census.Unmapped, Unmapped{Address: address, Messages: m.messages, Groups: len(m.groups), LeftOut: m.leftOut, Last: m.when()})
	}
	slices.SortStableFunc(c.census.Listed, func(a, b Listed) int { return cmp.Compare(b.Messages, a.Messages) })
	slices.SortStableFunc(c.census.Unmapped, func(a, b Unmapped) int {
		return cmp.Or(cmp.Compare(b.LeftOut, a.LeftOut), cmp.Compare(b.Messages, a.Messages))
	})
	c.census.LeftOut.Conversations = len(c.leftOut)
	for _, group := range c.leftOut {
		if group {
			c.census.LeftOut.Groups++
		}
	}
	return &c.census
}

func (m *mark) when() time.Time {
	if m.last == 0 {
		return time.Time{}
	}
	return time.Unix(0, m.last).UTC()
}
