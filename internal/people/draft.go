package people

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people/addressbook"
)

// Suggestion is a person in the history whom the contacts file does not list, or not with all addresses.
type Suggestion struct {
	Name     string   `json:"contact"`
	IDs      []string `json:"ids"`      // missing from the file
	Messages int64    `json:"messages"` // sent by the person
	Listed   bool     `json:"listed"`   // the file has a line of this name, to which the ids belong
}

// Draft is a list of suggested additions to a contacts file.
type Draft struct {
	People []Suggestion `json:"people"` // the most messages first
	// Nameless are addresses in the history that no card names, grouped by person.
	Nameless []Suggestion `json:"nameless"`
	// Shared are addresses on the cards of several people, and which of them got the address.
	Shared []Shared `json:"shared"`
}

// Shared is an address on several cards.
type Shared struct {
	ID      string `json:"id"`
	Contact string `json:"contact"`
	Also    string `json:"also"`
}

// drafter assigns addresses to candidates.
type drafter struct {
	book     *Book
	messages map[string]int64 // of addresses in the history, normalized
	people   []*candidate
	byID     map[string]*candidate // the candidate who has an address
	shared   []Shared
}

// candidate is a person of the address book, or a nameless one of the history.
type candidate struct {
	name  string
	ids   []string // normalized
	owner bool
	link  string
	books map[string]bool
}

// Suggest drafts contacts for the people of the census whom the cards name; same lists addresses that a source assigns to one
// person. It never suggests the owner, whether by card, address or name.
func Suggest(census *Census, book *Book, owner string, cards []addressbook.Card, same []messages.SamePerson) *Draft {
	d := &drafter{book: book, messages: make(map[string]int64), byID: make(map[string]*candidate)}
	for _, u := range census.Unmapped {
		d.messages[u.Address] = u.Messages
	}
	for _, c := range cards {
		d.card(c)
	}
	d.assignShared()
	d.join(same)
	return d.draft(strings.TrimSpace(owner))
}

// card adds a card to its person. Cards with equal names are one person's if they are from different books, linked, or have an
// address in common; linked cards are one person's whatever their names.
func (d *drafter) card(c addressbook.Card) {
	ids := make([]string, 0, len(c.Addresses))
	for _, address := range c.Addresses {
		if id := d.book.Normalize(address); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, p := range d.people {
		linked := c.Link != "" && c.Link == p.link
		named := strings.EqualFold(c.Name, p.name) && (!p.books[c.Book] || slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(p.ids, id) }))
		if !linked && !named {
			continue
		}
		for _, id := range ids {
			if !slices.Contains(p.ids, id) {
				p.ids = append(p.ids, id)
			}
		}
		p.owner = p.owner || c.Me
		p.books[c.Book] = true
		p.link = cmp.Or(p.link, c.Link)
		return
	}
	d.people = append(d.people, &candidate{name: c.Name, ids: ids, owner: c.Me, link: c.Link, books: map[string]bool{c.Book: true}})
}

// assignShared assigns an address on several cards, such as a family's telephone, to the person who sent most from other
// addresses; the owner's addresses stay the owner's.
func (d *drafter) assignShared() {
	for _, p := range d.people {
		for _, id := range p.ids {
			other := d.byID[id]
			if other == nil || p.owner && !other.owner || p.owner == other.owner && d.wrote(p, id) > d.wrote(other, id) {
				d.byID[id] = p
			}
		}
	}
	for _, p := range d.people {
		p.ids = slices.DeleteFunc(p.ids, func(id string) bool {
			if _, occurs := d.messages[id]; occurs && d.byID[id] != p {
				d.shared = append(d.shared, Shared{ID: id, Contact: d.byID[id].name, Also: p.name})
			}
			return d.byID[id] != p
		})
	}
}

// wrote returns the number of messages that a person sent from addresses other than except.
func (d *drafter) wrote(p *candidate, except string) (messages int64) {
	for _, id := range p.ids {
		if id != except {
			messages += d.messages[id]
		}
	}
	return messages
}

// join assigns addresses on no card to the person to whom a source assigns them, else to new nameless candidates. It includes
// listed addresses, which show under which name the contacts know the person.
func (d *drafter) join(same []messages.SamePerson) {
	groups := make(map[string][]string)
	group := make(map[string]string, len(same)) // by address
	ids := sortedByMessages(d.messages)
	for _, s := range same {
		id := d.book.Normalize(s.Address)
		groups[s.Person] = append(groups[s.Person], id)
		group[id] = s.Person
		if _, listed := d.book.Person(id); listed {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		if d.byID[id] != nil {
			continue
		}
		var person *candidate
		for _, other := range groups[group[id]] {
			if p := d.byID[other]; p != nil && (person == nil || d.wrote(p, "") > d.wrote(person, "")) {
				person = p
			}
		}
		if person == nil {
			person = &candidate{}
			d.people = append(d.people, person)
		}
		person.ids = append(person.ids, id)
		d.byID[id] = person
	}
}

func sortedByMessages(messages map[string]int64) []string {
	ids := make([]string, 0, len(messages))
	for id := range messages {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(messages[b], messages[a]), cmp.Compare(a, b)) })
	return ids
}

// draft returns suggestions for the people who occur in the history.
func (d *drafter) draft(owner string) *Draft {
	result := &Draft{People: []Suggestion{}, Nameless: []Suggestion{}, Shared: append([]Shared{}, d.shared...)}
	taken := map[string]bool{} // names in the file or the draft
	fresh := map[string]bool{} // names in the file that the draft has not used
	for _, name := range d.book.Names() {
		taken[name], fresh[name] = true, true
	}
	slices.SortStableFunc(d.people, func(a, b *candidate) int { return cmp.Compare(d.wrote(b, ""), d.wrote(a, "")) })
	for _, p := range d.people {
		listedAs, isOwner, occurs := d.examine(p)
		if p.owner || isOwner && !d.ownerHasCard() || !occurs || owner != "" && strings.EqualFold(p.name, owner) {
			continue
		}
		if listedAs == "" && fresh[p.name] {
			listedAs = p.name
		}
		fresh[listedAs] = false
		s := Suggestion{Name: p.name, IDs: d.book.Missing(p.ids), Messages: d.wrote(p, ""), Listed: listedAs != ""}
		slices.SortStableFunc(s.IDs, func(a, b string) int { return cmp.Compare(d.messages[b], d.messages[a]) })
		switch {
		case listedAs != "":
			s.Name = listedAs
			result.People = append(result.People, s)
		case p.name == "":
			result.Nameless = append(result.Nameless, s)
		default:
			s.Name = unusedName(p.name, taken)
			taken[s.Name] = true
			result.People = append(result.People, s)
		}
	}
	return result
}

// examine looks up a person: the name under which the contacts list one of the addresses, whether one is the owner's, and
// whether an unlisted one occurs in the history.
func (d *drafter) examine(p *candidate) (listedAs string, isOwner, occurs bool) {
	for _, id := range p.ids {
		name, listed := d.book.Person(id)
		switch {
		case listed && name == messages.Owner:
			isOwner = true
		case listed && listedAs == "":
			listedAs = name
		}
		if _, there := d.messages[id]; there {
			occurs = true
		}
	}
	return listedAs, isOwner, occurs
}

// ownerHasCard reports whether a card is marked as the owner's. Another card with an address of the owner's then belongs to a
// person who shares the address.
func (d *drafter) ownerHasCard() bool {
	return slices.ContainsFunc(d.people, func(p *candidate) bool { return p.owner })
}

// unusedName returns the name, with a number if another person has it.
func unusedName(name string, taken map[string]bool) string {
	unused := name
	for n := 2; taken[unused]; n++ {
		unused = fmt.Sprintf("%s %d", name, n)
	}
	return unused
}
