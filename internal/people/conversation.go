package people

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ventriloquist/internal/messages"
)

// Lookup names the person behind an address. For a person whom the contacts list it returns the name, messages.Owner for
// the owner, and true; for a stranger it returns the normalized address and false. Book.Person is a Lookup.
type Lookup func(address string) (name string, listed bool)

// Person is someone who writes or receives messages. Equal values are the same person.
type Person struct {
	Name   string // messages.Owner for the owner, the normalized address of a stranger
	Listed bool   // the contacts name the person
}

// Person returns the person behind an address.
func (l Lookup) Person(address string) Person {
	if address == messages.Owner {
		return Person{Name: messages.Owner, Listed: true}
	}
	name, listed := l(address)
	return Person{Name: name, Listed: listed}
}

// Key returns the key of the person behind an address; a messages.Reader tells people apart by it.
func (l Lookup) Key(address string) string { return l.Person(address).Key() }

// IsOwner reports whether p is the owner of the messages.
func (p Person) IsOwner() bool { return p.Listed && p.Name == messages.Owner }

// Key identifies p among all people: strangers have keys that no name can have.
func (p Person) Key() string {
	if p.Listed {
		return p.Name
	}
	return "\x00" + p.Name
}

// ComparePeople orders people by their keys: the owner, then strangers, then contacts.
func ComparePeople(a, b Person) int { return cmp.Compare(a.Key(), b.Key()) }

// Participant is a person in a conversation.
type Participant struct {
	Person
	Address string // the first one that the source has for the person, as it spells it
}

// Conversation is everything that was said among one set of people, in however many chats.
type Conversation struct {
	Others []Participant // everyone but the owner, ordered by ComparePeople
	Parts  []messages.Conversation
}

// IsDirect reports whether the conversation is between the owner and one other person.
func (c *Conversation) IsDirect() bool { return len(c.Others) == 1 }

// IsGroup reports whether more than one person takes part besides the owner.
func (c *Conversation) IsGroup() bool { return len(c.Others) > 1 }

// Messages returns the number of messages in all parts.
func (c *Conversation) Messages() (n int64) {
	for i := range c.Parts {
		n += c.Parts[i].Messages
	}
	return n
}

// Name returns the name that its members gave a group, "" if they gave none.
func (c *Conversation) Name() string {
	for i := range c.Parts {
		if name := c.Parts[i].Name; name != "" {
			return name
		}
	}
	return ""
}

// Sender returns the person who sent a message of the conversation. In a direct conversation an unlisted address belongs
// to the other person: the source put the message there because it knows more addresses of theirs than the contacts do.
func (c *Conversation) Sender(lookup Lookup, address string) Person {
	p := lookup.Person(address)
	if !p.Listed && c.IsDirect() {
		return c.Others[0].Person
	}
	return p
}

// Conversations joins the conversations of messages.db that the same people took part in. They come ordered by those
// people.
func (l Lookup) Conversations(list []messages.Conversation) []*Conversation {
	byPeople := make(map[string]*Conversation)
	for _, c := range list {
		others := l.participants(c.Members)
		keys := make([]string, len(others))
		for i := range others {
			keys[i] = strconv.Quote(others[i].Key())
		}
		key := strings.Join(keys, ",")
		if byPeople[key] == nil {
			byPeople[key] = &Conversation{Others: others}
		}
		byPeople[key].Parts = append(byPeople[key].Parts, c)
	}
	return slices.SortedFunc(maps.Values(byPeople), (*Conversation).Compare)
}

// Compare orders conversations by their participants.
func (c *Conversation) Compare(other *Conversation) int {
	return slices.CompareFunc(c.Others, other.Others, compareParticipants)
}

func compareParticipants(a, b Participant) int { return ComparePeople(a.Person, b.Person) }

// participants returns the people who were present besides the owner, each once. For a person with several addresses the
// first address decides whether they were present.
func (l Lookup) participants(members []messages.Member) []Participant {
	var others []Participant
	seen := make(map[Person]bool)
	for _, m := range members {
		p := l.Person(m.Address)
		if seen[p] || p.IsOwner() {
			continue
		}
		seen[p] = true
		if !m.Absent {
			others = append(others, Participant{Person: p, Address: m.Address})
		}
	}
	slices.SortFunc(others, compareParticipants)
	return others
}
