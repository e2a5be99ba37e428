package people

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people/addressbook"
)

// slowSuggest is Suggest without indexes: its loops say directly which candidate gets a card, an address or a name.
func slowSuggest(census *Census, book *Book, owner string, cards []addressbook.Card, same []messages.SamePerson) *Draft {
	d := &slowDrafter{book: book, messages: make(map[string]int64), byID: make(map[string]*slowCandidate)}
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

func slowMissing(b *Book, ids []string) []string {
	var missing, seen []string
	for _, id := range ids {
		address := b.Normalize(id)
		if _, listed := b.people[address]; !listed && !slices.Contains(seen, address) {
			missing, seen = append(missing, id), append(seen, address)
		}
	}
	return missing
}

// randomHistory makes few names, addresses and persons, so that they meet often.
func randomHistory(t *testing.T, random *rand.Rand) (*Census, *Book, []addressbook.Card, []messages.SamePerson) {
	t.Helper()
	some := func(list ...string) string { return list[random.IntN(len(list))] }
	number := 2 + random.IntN(12)
	address := func() string { return fmt.Sprintf("%s%d@x.org", some("a", "A"), random.IntN(number)) }
	var file strings.Builder
	for i := range random.IntN(4) {
		fmt.Fprintf(&file, "{\"contact\": \"%s\", \"ids\": [\"a%d@x.org\"]}\n", []string{"Ann", "John", "John 2", "Zoë"}[i], i)
	}
	book, err := ReadBook(strings.NewReader(file.String()), "contacts", Self{Addresses: []string{"a1@x.org", "me@x.org"}[random.IntN(2):], Found: true})
	if err != nil {
		t.Fatal(err)
	}
	census := new(Census)
	for i := range number {
		if random.IntN(4) > 0 {
			census.Unmapped = append(census.Unmapped, Unmapped{Address: fmt.Sprintf("a%d@x.org", i), Messages: int64(random.IntN(4))})
		}
	}
	var cards []addressbook.Card
	for range random.IntN(12) {
		c := addressbook.Card{Name: some("John", "JOHN", "Ann", "Kim", "\u212aim", "Zoë", ""), Book: some("a", "b", "c"), Link: some("", "", "", "L", "M"), Me: random.IntN(20) == 0}
		for range random.IntN(4) {
			c.Addresses = append(c.Addresses, address())
		}
		cards = append(cards, c)
	}
	var same []messages.SamePerson
	for range random.IntN(10) {
		same = append(same, messages.SamePerson{Address: address(), Person: some("P", "Q", "R")})
	}
	return census, book, cards, same
}

func TestSuggest_EqualsTheSlowReference(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1000) {
		random := rand.New(rand.NewPCG(seed, 0))
		census, book, cards, same := randomHistory(t, random)
		owner := []string{"", "Ann"}[random.IntN(2)]
		got, want := Suggest(census, book, owner, cards, same), slowSuggest(census, book, owner, cards, same)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: draft is\n%+v\nwant\n%+v", seed, got, want)
		}
	}
}

// draftSteps drafts contacts for n people and returns how many candidates were looked at.
func draftSteps(t *testing.T, n int, name func(i int) string, person func(i int) string) int {
	t.Helper()
	census := new(Census)
	var cards []addressbook.Card
	var same []messages.SamePerson
	for i := range n {
		address := fmt.Sprintf("p%d@x.org", i)
		census.Unmapped = append(census.Unmapped, Unmapped{Address: address, Messages: int64(i)})
		if i%2 == 0 {
			cards = append(cards, addressbook.Card{Book: "a", Name: name(i), Addresses: []string{address}})
		}
		same = append(same, messages.SamePerson{Address: address, Person: person(i)})
	}
	d := newDrafter(census, NewBook(Self{}))
	draft := d.suggest("", cards, same)
	if len(draft.People)+len(draft.Nameless) == 0 {
		t.Error("nothing is suggested")
	}
	return d.index.steps + d.persons.steps + d.names.steps
}

func TestSuggest_WorkGrowsLinearly(t *testing.T) {
	t.Parallel()
	pair := func(i int) string { return fmt.Sprint("P", i/2) }
	for name, c := range map[string]struct{ name, person func(i int) string }{
		"ManyNames":     {func(i int) string { return fmt.Sprint("Person ", i) }, pair},
		"Namesakes":     {func(int) string { return "John" }, pair},
		"NamesOfAPhone": {func(i int) string { return fmt.Sprint("John ", i/4) }, pair},
		"OnePerson":     {func(int) string { return "John" }, func(int) string { return "P" }},
	} {
		t.Run(name, func(t *testing.T) {
			if few, many := draftSteps(t, 1000, c.name, c.person), draftSteps(t, 4000, c.name, c.person); many > 5*few+100 {
				t.Errorf("%d steps for 1,000 people, %d for 4,000", few, many)
			}
		})
	}
}

// slowDrafter assigns addresses to candidates.
type slowDrafter struct {
	book     *Book
	messages map[string]int64 // of addresses in the history, normalized
	people   []*slowCandidate
	byID     map[string]*slowCandidate // the candidate who has an address
	shared   []Shared
}

// slowCandidate is a person of the address book, or a nameless one of the history.
type slowCandidate struct {
	name  string
	ids   []string // normalized
	owner bool
	link  string
	books map[string]bool
}

// card adds a card to its person. Cards with equal names are one person's if they are from different books, linked, or have an
// address in common; linked cards are one person's whatever their names.
func (d *slowDrafter) card(c addressbook.Card) {
	ids := make([]string, 0, len(c.Addresses))
	for _, address := range c.Addresses {
		if id := d.book.Normalize(address); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, p := range d.people {
		linked := c.Link != "" && c.Link == p.link
		named := strings.EqualFold(nameKey(c.Name), nameKey(p.name)) && (!p.books[c.Book] || slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(p.ids, id) }))
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
	d.people = append(d.people, &slowCandidate{name: c.Name, ids: ids, owner: c.Me, link: c.Link, books: map[string]bool{c.Book: true}})
}

// assignShared assigns an address on several cards, such as a family's telephone, to the person who sent most from other
// addresses; the owner's addresses stay the owner's.
func (d *slowDrafter) assignShared() {
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
func (d *slowDrafter) wrote(p *slowCandidate, except string) (messages int64) {
	for _, id := range p.ids {
		if id != except {
			messages += d.messages[id]
		}
	}
	return messages
}

// join assigns addresses on no card to the person to whom a source assigns them, else to new nameless candidates. It includes
// listed addresses, which show under which name the contacts know the person.
func (d *slowDrafter) join(same []messages.SamePerson) {
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
		var person *slowCandidate
		for _, other := range groups[group[id]] {
			if p := d.byID[other]; p != nil && (person == nil || d.wrote(p, "") > d.wrote(person, "")) {
				person = p
			}
		}
		if person == nil {
			person = &slowCandidate{}
			d.people = append(d.people, person)
		}
		person.ids = append(person.ids, id)
		d.byID[id] = person
	}
}

// draft returns suggestions for the people who occur in the history.
func (d *slowDrafter) draft(owner string) *Draft {
	result := &Draft{People: []Suggestion{}, Nameless: []Suggestion{}, Shared: append([]Shared{}, d.shared...), Namesakes: []Namesake{}}
	taken := map[string]bool{nameKey(owner): true} // names in the file or the draft, and the owner's, by key
	fresh := map[string]string{}                   // names in the file that the draft has not used, by key
	for _, name := range d.book.Names() {
		taken[nameKey(name)], fresh[nameKey(name)] = true, name
	}
	slices.SortStableFunc(d.people, func(a, b *slowCandidate) int { return cmp.Compare(d.wrote(b, ""), d.wrote(a, "")) })
	for _, p := range d.people {
		listedAs, isOwner, occurs := d.examine(p)
		if p.owner || isOwner && !d.ownerHasCard() || !occurs || owner != "" && strings.EqualFold(nameKey(p.name), nameKey(owner)) {
			continue
		}
		listedAs = cmp.Or(listedAs, fresh[nameKey(p.name)])
		delete(fresh, nameKey(listedAs))
		s := Suggestion{Name: p.name, IDs: slowMissing(d.book, p.ids), Messages: d.wrote(p, ""), Listed: listedAs != ""}
		slices.SortStableFunc(s.IDs, func(a, b string) int { return cmp.Compare(d.messages[b], d.messages[a]) })
		switch {
		case listedAs != "":
			s.Name = listedAs
			result.People = append(result.People, s)
		case p.name == "":
			result.Nameless = append(result.Nameless, s)
		default:
			if s.Name = slowUnusedName(p.name, taken); s.Name != p.name {
				result.Namesakes = append(result.Namesakes, Namesake{s.Name, p.name})
			}
			taken[nameKey(s.Name)] = true
			result.People = append(result.People, s)
		}
	}
	return result
}

// examine looks up a person: the name under which the contacts list one of the addresses, whether one is the owner's, and
// whether an unlisted one occurs in the history.
func (d *slowDrafter) examine(p *slowCandidate) (listedAs string, isOwner, occurs bool) {
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
func (d *slowDrafter) ownerHasCard() bool {
	return slices.ContainsFunc(d.people, func(p *slowCandidate) bool { return p.owner })
}

// slowUnusedName returns the name, with a number if another person has it.
func slowUnusedName(name string, taken map[string]bool) string {
	unused := name
	for n := 2; taken[nameKey(unused)]; n++ {
		unused = fmt.Sprintf("%s %d", name, n)
	}
	return unused
}
