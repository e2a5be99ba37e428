package windows

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"ventriloquist/internal/messages"
)

// People says who has an address. For an address of the owner name is store.Owner; listed is whether the contacts name
// the person, which holds for the owner too. The name of a stranger is the address, spelled in one way.
type People func(address string) (name string, listed bool)

// identity is People as the store wants it: strangers stay apart by their addresses, also from people who are called so.
func (p People) identity(address string) string {
	name, listed := p(address)
	if !listed {
		return "stranger " + name
	}
	return name
}

// group is a conversation to train on: all that the store holds of one set of people.
type group struct {
	key     string
	members []string          // names, sorted, with the owner's
	unknown map[string]string // what people whom the contacts do not name are called, by their addresses spelled in one way
	parts   []messages.Conversation
}

// Unlisted is somebody whom the contacts do not name, and how many messages are left out where they take part.
type Unlisted struct {
	Address  string `json:"address"`
	Messages int64  `json:"messages"`
}

// LeftOut says what does not become a message to train on, and why.
type LeftOut struct {
	Conversations int        `json:"conversations"` // with somebody unlisted
	Messages      int64      `json:"messages"`      // of those conversations
	ToOneself     int64      `json:"to_oneself"`    // messages of conversations with nobody but the owner
	Empty         int64      `json:"empty"`         // messages without words, and reactions to such
	NotChosen     int64      `json:"not_chosen"`    // messages of conversations that --only and --exclude leave out
	Few           int64      `json:"few"`           // messages of conversations with fewer than --min-messages
	OtherTime     int64      `json:"other_time"`    // messages before --since or after --until
	People        []Unlisted `json:"people"`        // the most messages first
}

// groupConversations joins the conversations of the same people and leaves out those that are not chosen, those with
// somebody unlisted and those with nobody else. The groups come sorted by their members.
func groupConversations(conversations []messages.Conversation, o *Options) ([]*group, LeftOut) {
	left := LeftOut{People: []Unlisted{}}
	unlisted := make(map[string]int64)
	groups := make(map[string]*group)
	excluded := make(map[string]bool)
	for _, c := range conversations {
		messages := c.Messages
		members, strangers := namesOf(c.Members, o.Owner, o.People)
		all := len(members) + len(strangers)
		switch {
		case !o.allowsMembers(members):
			left.NotChosen += messages
		case len(strangers) > 0 && !(o.Anonymous && all > 2):
			for _, address := range strangers {
				unlisted[address] += messages
			}
			key, _ := conversationKey(append(members, strangers...))
			excluded[key] = true
			left.Messages += messages
		case all < 2:
			left.ToOneself += messages
		default:
			g := newGroup(members, strangers, o.People)
			if groups[g.key] == nil {
				groups[g.key] = g
			}
			groups[g.key].parts = append(groups[g.key].parts, c)
		}
	}
	left.Conversations = len(excluded)
	for address, messages := range unlisted {
		left.People = append(left.People, Unlisted{address, messages})
	}
	slices.SortFunc(left.People, func(a, b Unlisted) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Address, b.Address))
	})
	joined := slices.Collect(maps.Values(groups))
	slices.SortFunc(joined, func(a, b *group) int { return cmp.Or(slices.Compare(a.members, b.members), cmp.Compare(a.key, b.key)) })
	return joined, left
}

// newGroup is the conversation of these people. Strangers are numbered by their addresses, so that each is called the
// same whenever the conversation is made.
func newGroup(members, strangers []string, people People) *group {
	g := &group{unknown: make(map[string]string, len(strangers))}
	everybody := slices.Clone(members)
	for _, address := range strangers {
		name, _ := people(address)
		g.unknown[name] = ""
		everybody = append(everybody, people.identity(address))
	}
	g.key, _ = conversationKey(everybody)
	number := 0
	for _, address := range slices.Sorted(maps.Keys(g.unknown)) {
		name := ""
		for name == "" || slices.Contains(members, name) { // a contact may be called so
			number++
			name = fmt.Sprintf("Unknown %d", number)
		}
		g.unknown[address] = name
		members = append(members, name)
	}
	_, g.members = conversationKey(members)
	return g
}

// namesOf are the people of a conversation, the owner first and each once, and the addresses that nobody listed has. Of
// somebody with several addresses the first tells whether he was there.
func namesOf(members []messages.Member, owner string, people People) (names, strangers []string) {
	names = []string{owner}
	seen := make(map[string]bool)
	for _, m := range members {
		name, listed := people(m.Address)
		identity := people.identity(m.Address)
		if seen[identity] {
			continue
		}
		seen[identity] = true
		switch {
		case m.Absent:
		case !listed:
			strangers = append(strangers, m.Address)
		case name != messages.Owner:
			names = append(names, name)
		}
	}
	return names, strangers
}
