package windows

import (
	"cmp"
	"fmt"
	"slices"

	"ventriloquist/internal/people"
)

// conversation is a conversation to train on.
type conversation struct {
	*people.Conversation
	members []string          // names, sorted, with the owner's
	unknown map[string]string // in a group with strangers: what each is called, by normalized address
}

// Unlisted is a person whom the contacts do not name, and how many messages that keeps out of training.
type Unlisted struct {
	Address  string `json:"address"`
	Messages int64  `json:"messages"`
}

// LeftOut counts what is not trained on, by reason.
type LeftOut struct {
	Conversations int        `json:"conversations"` // with someone unlisted
	Messages      int64      `json:"messages"`      // in those conversations
	ToOneself     int64      `json:"to_oneself"`    // messages in conversations of the owner alone
	Empty         int64      `json:"empty"`         // messages without words, and reactions to them
	NotChosen     int64      `json:"not_chosen"`    // messages in conversations that Filter.Only and Filter.Exclude leave out
	Few           int64      `json:"few"`           // messages in conversations with fewer than Filter.MinMessages
	OtherTime     int64      `json:"other_time"`    // messages outside Filter.Since and Filter.Until
	People        []Unlisted `json:"people"`        // those with the most messages first
}

// selectConversations returns the conversations to train on, ordered by their members: without those that the filter
// excludes, those with unlisted people, and notes to oneself.
func selectConversations(all []*people.Conversation, o *Options) ([]*conversation, LeftOut) {
	left := LeftOut{People: []Unlisted{}}
	unlisted := make(map[people.Person]*Unlisted)
	var selected []*conversation
	for _, c := range all {
		listed, strangers := split(c)
		messages := c.Messages()
		switch {
		case !o.allowsMembers(append([]string{o.Owner}, listed...)):
			left.NotChosen += messages
		case len(strangers) > 0 && !(o.Anonymous && c.IsGroup()):
			for _, s := range strangers {
				if unlisted[s.Person] == nil {
					unlisted[s.Person] = &Unlisted{Address: s.Address}
				}
				unlisted[s.Person].Messages += messages
			}
			left.Conversations++
			left.Messages += messages
		case len(c.Others) == 0:
			left.ToOneself += messages
		default:
			selected = append(selected, newConversation(c, o.Owner))
		}
	}
	for _, u := range unlisted {
		left.People = append(left.People, *u)
	}
	slices.SortFunc(left.People, func(a, b Unlisted) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Address, b.Address))
	})
	slices.SortFunc(selected, func(a, b *conversation) int {
		return cmp.Or(slices.Compare(a.members, b.members), a.Compare(b.Conversation))
	})
	return selected, left
}

// split returns the names of the listed participants besides the owner, and the strangers.
func split(c *people.Conversation) (listed []string, strangers []people.Participant) {
	for _, p := range c.Others {
		if p.Listed {
			listed = append(listed, p.Name)
		} else {
			strangers = append(strangers, p)
		}
	}
	return listed, strangers
}

// newConversation names the members. Strangers are numbered in the order of their addresses, so that their names do not
// change from one Build to the next.
func newConversation(c *people.Conversation, owner string) *conversation {
	listed, strangers := split(c)
	taken := append([]string{owner}, listed...)
	members := slices.Clone(taken)
	made := &conversation{Conversation: c, unknown: make(map[string]string, len(strangers))}
	number := 0
	for _, s := range strangers {
		name := ""
		for name == "" || slices.Contains(taken, name) { // a contact may have this name
			number++
			name = fmt.Sprintf("Unknown %d", number)
		}
		made.unknown[s.Name] = name
		members = append(members, name)
	}
	_, made.members = conversationKey(members)
	return made
}

// author returns the name of a sender in a window, false if the sender is no member, and whether the model learns to
// write as this person.
func (c *conversation) author(o *Options, address string) (name string, known, target bool) {
	p := c.Sender(o.People, address)
	switch {
	case p.IsOwner():
		return o.Owner, true, true
	case p.Listed:
		return p.Name, true, true
	}
	name, known = c.unknown[p.Name]
	return name, known, false
}
