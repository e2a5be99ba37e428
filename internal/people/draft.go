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
	// Namesakes are people whose names got numbers because another person has them.
	Namesakes []Namesake `json:"namesakes"`
}

// Namesake is a person with another person's name, who may be the same one, known to several programs.
type Namesake struct {
	Name    string `json:"name"`     // with a number
	AlsoHas string `json:"also_has"` // who has it without
}

// Shared is an address on several cards.
type Shared struct {
	ID      string `json:"id"`
	Contact string `json:"contact"`
	Also    string `json:"also"`
}

// drafter assigns addresses to candidates. All its lookups are indexed, so that the work is linear in the number of cards and
// addresses.
type drafter struct {
	book     *Book
	messages map[string]int64 // of addresses in the history, normalized
	people   []*candidate
	byID     map[string]*candidate // the candidate who has an address
	index    *cardIndex
	persons  *sourcePersons
	names    usedNames
	shared   []Shared
}

// candidate is a person of the address book, or a nameless one of the history.
type candidate struct {
	name  string
	ids   []string        // normalized, each once
	has   map[string]bool // the ids
	owner bool
	link  string
	books map[string]bool
	wrote int64 // messages from all ids
}

// Suggest drafts contacts for the people of the census whom the cards name; same lists addresses that a source assigns to one
// person. It never suggests the owner, whether by card, address or name.
func Suggest(census *Census, book *Book, owner string, cards []addressbook.Card, same []messages.SamePerson) *Draft {
	return newDrafter(census, book).suggest(owner, cards, same)
}

func newDrafter(census *Census, book *Book) *drafter {
	d := &drafter{book: book, messages: make(map[string]int64), byID: make(map[string]*candidate), index: newCardIndex(), persons: newSourcePersons()}
	for _, u := range census.Unmapped {
		d.messages[u.Address] = u.Messages
	}
	return d
}

func (d *drafter) suggest(owner string, cards []addressbook.Card, same []messages.SamePerson) *Draft {
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
	name := foldKey(c.Name)
	ids := make([]string, 0, len(c.Addresses))
	for _, address := range c.Addresses {
		if id := d.book.Normalize(address); id != "" {
			ids = append(ids, id)
		}
	}
	at, known := d.index.find(d.people, name, &c, ids)
	if !known {
		at = len(d.people)
		d.people = append(d.people, &candidate{name: c.Name, has: make(map[string]bool), books: make(map[string]bool)})
	}
	p := d.people[at]
	for _, id := range ids {
		d.give(p, id)
	}
	p.owner = p.owner || c.Me
	p.books[c.Book] = true
	p.link = cmp.Or(p.link, c.Link)
	d.index.add(at, p, ids)
}

// give adds an address to a candidate, unless the candidate has it.
func (d *drafter) give(p *candidate, id string) {
	if p.has[id] {
		return
	}
	if p.has == nil {
		p.has = make(map[string]bool)
	}
	p.has[id] = true
	p.ids = append(p.ids, id)
	if id != "" {
		p.wrote += d.messages[id]
	}
}

// assignShared assigns an address on several cards, such as a family's telephone, to the person who sent most from other
// addresses; the owner's addresses stay the owner's.
func (d *drafter) assignShared() {
	for _, p := range d.people {
		for _, id := range p.ids {
			other := d.byID[id]
			if other == nil || p.owner && !other.owner || p.owner == other.owner && d.wroteElsewhere(p, id) > d.wroteElsewhere(other, id) {
				d.byID[id] = p
			}
		}
	}
	for _, p := range d.people {
		p.ids = slices.DeleteFunc(p.ids, func(id string) bool {
			if _, occurs := d.messages[id]; occurs && d.byID[id] != p {
				d.shared = append(d.shared, Shared{ID: id, Contact: d.byID[id].name, Also: p.name})
			}
			if d.byID[id] == p {
				return false
			}
			delete(p.has, id)
			p.wrote -= d.messages[id]
			return true
		})
	}
}

// wroteElsewhere returns the number of messages that a candidate sent from addresses other than id, which is one of theirs.
func (d *drafter) wroteElsewhere(p *candidate, id string) int64 { return p.wrote - d.messages[id] }

// join assigns addresses on no card to the person to whom a source assigns them, else to new nameless candidates. It includes
// listed addresses, which show under which name the contacts know the person.
func (d *drafter) join(same []messages.SamePerson) {
	ids := sortedByMessages(d.messages)
	for _, s := range same {
		id := d.book.Normalize(s.Address)
		d.persons.add(s.Person, id)
		if _, listed := d.book.Person(id); listed {
			ids = append(ids, id)
		}
	}
	for id, p := range d.byID {
		d.persons.assign(id, p)
	}
	for _, id := range ids {
		if d.byID[id] != nil {
			continue
		}
		p := d.persons.mostActive(id)
		if p == nil {
			p = new(candidate)
			d.people = append(d.people, p)
		}
		d.give(p, id)
		d.byID[id] = p
		d.persons.assign(id, p)
		d.persons.grown(p)
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
	result := &Draft{People: []Suggestion{}, Nameless: []Suggestion{}, Shared: append([]Shared{}, d.shared...), Namesakes: []Namesake{}}
	taken := map[string]bool{}   // names in the file or the draft, and the owner's, by key
	fresh := map[string]string{} // names in the file that the draft has not used, by key
	for _, name := range d.book.Names() {
		taken[nameKey(name)], fresh[nameKey(name)] = true, name
	}
	taken[nameKey(owner)] = true
	ownerHasCard := d.ownerHasCard()
	d.names = usedNames{taken: taken, next: map[string]int{}}
	slices.SortStableFunc(d.people, func(a, b *candidate) int { return cmp.Compare(b.wrote, a.wrote) })
	for _, p := range d.people {
		listedAs, isOwner, occurs := d.examine(p)
		if p.owner || isOwner && !ownerHasCard || !occurs || owner != "" && foldKey(p.name) == foldKey(owner) {
			continue
		}
		listedAs = cmp.Or(listedAs, fresh[nameKey(p.name)])
		delete(fresh, nameKey(listedAs))
		s := Suggestion{Name: p.name, IDs: d.book.Missing(p.ids), Messages: p.wrote, Listed: listedAs != ""}
		slices.SortStableFunc(s.IDs, func(a, b string) int { return cmp.Compare(d.messages[b], d.messages[a]) })
		switch {
		case listedAs != "":
			s.Name = listedAs
			result.People = append(result.People, s)
		case p.name == "":
			result.Nameless = append(result.Nameless, s)
		default:
			if s.Name = d.names.unused(p.name); s.Name != p.name {
				result.Namesakes = append(result.Namesakes, Namesake{s.Name, p.name})
			}
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

// usedNames numbers namesakes.
type usedNames struct {
	taken map[string]bool // by nameKey
	next  map[string]int  // the number that comes next for a name; all numbers before are taken
	steps int             // names that were tried
}

// unused returns the name, with a number if another person has it, and takes it.
func (u *usedNames) unused(name string) string {
	unused := name
	n := max(2, u.next[name])
	for ; u.taken[nameKey(unused)]; n++ {
		unused = fmt.Sprintf("%s %d", name, n)
		u.steps++
	}
	u.taken[nameKey(unused)], u.next[name] = true, n
	return unused
}
