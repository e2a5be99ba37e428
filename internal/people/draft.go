package people

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people/addressbook"
)

// Suggestion is somebody of the history whom the contacts file does not list, or not with all addresses.
type Suggestion struct {
	Name     string   `json:"contact"`
	IDs      []string `json:"ids"`      // that the file does not have
	Messages int64    `json:"messages"` // written by the person
	Listed   bool     `json:"listed"`   // the file has a line of this name: the ids go there
}

// Draft is what could be added to a contacts file.
type Draft struct {
	People []Suggestion `json:"people"` // the most messages first
	// Nameless are addresses of the history that no card names, those of one person together.
	Nameless []Suggestion `json:"nameless"`
	// Shared are addresses that stand on the cards of several people, and to whom of them they went.
	Shared []Shared `json:"shared"`
}

// Shared is an address on several cards.
type Shared struct {
	ID      string `json:"id"`
	Contact string `json:"contact"`
	Also    string `json:"also"`
}

// drafter gathers addresses into
type drafter struct {
	book     *Book
	messages map[string]int64 // of the history's addresses, normalized
	people   []*somebody
	byID     map[string]*somebody // whose an address is
	shared   []Shared
}

// somebody is a person of the address book, or a nameless one of the history.
type somebody struct {
	name  string
	ids   []string // normalized
	owner bool
	link  string
	books map[string]bool
}

// Suggest drafts from the census the people whom the cards name; same tells which addresses the source counts to one
// person. Nobody who is the owner, by card, address or name, is suggested.
func Suggest(census *Census, book *Book, owner string, cards []addressbook.Card, same []messages.SamePerson) *Draft {
	d := &drafter{book: book, messages: make(map[string]int64), byID: make(map[string]*somebody)}
	for _, u := range census.Unmapped {
		d.messages[u.Address] = u.Messages
	}
	for _, c := range cards {
		d.card(c)
	}
	d.settle()
	d.join(same)
	return d.draft(strings.TrimSpace(owner))
}

// card adds a card to the person whom it is of: of several cards of one name, those of different books, those that are
// linked and those with an address in common are one person's. Linked cards are one whatever their names.
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
	d.people = append(d.people, &somebody{name: c.Name, ids: ids, owner: c.Me, link: c.Link, books: map[string]bool{c.Book: true}})
}

// settle gives an address that stands on several cards, such as a family's telephone, to the one who wrote most from
// other addresses; the owner's addresses are nobody else's.
func (d *drafter) settle() {
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

// wrote is how many messages somebody wrote from addresses other than this one.
func (d *drafter) wrote(p *somebody, except string) (messages int64) {
	for _, id := range p.ids {
		if id != except {
			messages += d.messages[id]
		}
	}
	return messages
}

// join gives addresses that no card has to the person with whom the source puts them, or makes nameless people of them.
// An address that the contacts list is joined too: it tells as whom they know the person.
func (d *drafter) join(same []messages.SamePerson) {
	groups := make(map[string][]string)
	group := make(map[string]string, len(same)) // of an address
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
		var person *somebody
		for _, other := range groups[group[id]] {
			if p := d.byID[other]; p != nil && (person == nil || d.wrote(p, "") > d.wrote(person, "")) {
				person = p
			}
		}
		if person == nil {
			person = &somebody{}
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

// draft makes suggestions of the people who occur in the history.
func (d *drafter) draft(owner string) *Draft {
	result := &Draft{People: []Suggestion{}, Nameless: []Suggestion{}, Shared: append([]Shared{}, d.shared...)}
	taken := map[string]bool{} // names that the file or the draft has
	fresh := map[string]bool{} // names of the file that the draft has not used
	for _, name := range d.book.Names() {
		taken[name], fresh[name] = true, true
	}
	slices.SortStableFunc(d.people, func(a, b *somebody) int { return cmp.Compare(d.wrote(b, ""), d.wrote(a, "")) })
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

// examine looks up a person in the contacts and in the history: the name that the contacts have for one of the
// addresses, whether the owner has one, and whether one that the contacts lack occurs in the history.
func (d *drafter) examine(p *somebody) (listedAs string, isOwner, occurs bool) {
	for _, id := range p.ids {
		name, listed := d.book.Person(id)
		switch {
		case listed && name == Owner:
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

// ownerHasCard is whether a card is marked as the owner's: then another one with an address of the owner's is of somebody
// who shares it.
func (d *drafter) ownerHasCard() bool {
	return slices.ContainsFunc(d.people, func(p *somebody) bool { return p.owner })
}

// unusedName tells people of one name apart.
func unusedName(name string, taken map[string]bool) string {
	unused := name
	for n := 2; taken[unused]; n++ {
		unused = fmt.Sprintf("%s %d", name, n)
	}
	return unused
}
