package windows

import (
	"cmp"
	"maps"
	"slices"

	"ventriloquist/internal/store"
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
	members []string // names, sorted, with the owner's
	parts   []store.Conversation
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
	People        []Unlisted `json:"people"`        // the most messages first
}

// groupConversations joins the conversations of the same people and leaves out those with somebody unlisted and those
// with nobody else. The groups come sorted by their members.
func groupConversations(conversations []store.Conversation, owner string, people People) ([]*group, LeftOut) {
	left := LeftOut{People: []Unlisted{}}
	unlisted := make(map[string]int64)
	groups := make(map[string]*group)
	excluded := make(map[string]bool)
	for _, c := range conversations {
		messages := c.Last - c.First + 1
		members, strangers := namesOf(c.Members, owner, people)
		for _, address := range strangers {
			unlisted[address] += messages
		}
		switch {
		case len(strangers) > 0:
			key, _ := conversationKey(append(members, strangers...))
			excluded[key] = true
			left.Messages += messages
		case len(members) < 2:
			left.ToOneself += messages
		default:
			key, sorted := conversationKey(members)
			if groups[key] == nil {
				groups[key] = &group{members: sorted}
			}
			groups[key].parts = append(groups[key].parts, c)
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
	slices.SortFunc(joined, func(a, b *group) int { return slices.Compare(a.members, b.members) })
	return joined, left
}

// namesOf are the people of a conversation, the owner first and each once, and the addresses that nobody listed has. Of
// somebody with several addresses the first tells whether he was there.
func namesOf(members []store.Member, owner string, people People) (names, strangers []string) {
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
		case name != store.Owner:
			names = append(names, name)
		}
	}
	return names, strangers
}
