package people

import (
	"strings"
	"unicode"

	"ventriloquist/internal/people/addressbook"
)

// cardIndex finds the first candidate to whom a card belongs.
type cardIndex struct {
	byLink map[string]int    // the first candidate with a link
	byID   map[namedID]int   // the first candidate of a name who has an address
	byName map[string][]int  // all candidates of a name
	notIn  map[namedBook]int // into byName: all candidates before this one are in the book
	steps  int               // candidates that were looked at
}

type (
	namedID   struct{ name, id string }
	namedBook struct{ name, book string }
)

func newCardIndex() *cardIndex {
	return &cardIndex{byLink: map[string]int{}, byID: map[namedID]int{}, byName: map[string][]int{}, notIn: map[namedBook]int{}}
}

// find returns the first of the people to whom a card belongs. name is the card's name as foldKey returns it, ids are its addresses.
func (x *cardIndex) find(people []*candidate, name string, c *addressbook.Card, ids []string) (first int, found bool) {
	first = len(people)
	if at, linked := x.byLink[c.Link]; linked && c.Link != "" {
		first = at
	}
	for _, id := range ids {
		if at, known := x.byID[namedID{name, id}]; known {
			first = min(first, at)
		}
	}
	namesakes, key := x.byName[name], namedBook{name, c.Book}
	at := x.notIn[key]
	for at < len(namesakes) && people[namesakes[at]].books[c.Book] {
		at++
		x.steps++
	}
	x.notIn[key] = at
	if at < len(namesakes) {
		first = min(first, namesakes[at])
	}
	return first, first < len(people)
}

// add records a card of the person at an index.
func (x *cardIndex) add(at int, p *candidate, ids []string) {
	if p.link != "" {
		setFirst(x.byLink, p.link, at)
	}
	key := foldKey(p.name)
	for _, id := range ids {
		setFirst(x.byID, namedID{key, id}, at)
	}
	if list := x.byName[key]; len(list) == 0 || list[len(list)-1] < at {
		x.byName[key] = append(list, at)
	}
}

// setFirst sets the value of a key to the least of the values that it is given.
func setFirst[K comparable](m map[K]int, key K, value int) {
	if old, known := m[key]; !known || value < old {
		m[key] = value
	}
}

// foldKey returns the same text for names that strings.EqualFold takes for equal, also with other marks and letter forms.
func foldKey(name string) string {
	return strings.Map(func(c rune) rune {
		least := c
		for other := unicode.SimpleFold(c); other != c; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, nameKey(name))
}

// sourcePersons is which addresses a source assigns to one person, and which candidates have these addresses.
type sourcePersons struct {
	byKey map[string]*sourcePerson
	last  map[string]*sourcePerson       // the last person of an address
	all   map[string][]personAddress     // all persons of an address
	of    map[*candidate][]*sourcePerson // who have an address of the candidate
	steps int                            // comparisons of candidates
}

// sourcePerson is a person as a source knows them.
type sourcePerson struct {
	addresses int
	owners    map[*candidate]int // who have one of the addresses, with the place of the first of these
	most      *candidate         // the owner with the most messages; the first one wins a tie
}

// personAddress is the place of an address among those of a person.
type personAddress struct {
	person *sourcePerson
	place  int
}

func newSourcePersons() *sourcePersons {
	return &sourcePersons{byKey: map[string]*sourcePerson{}, last: map[string]*sourcePerson{}, all: map[string][]personAddress{},
		of: map[*candidate][]*sourcePerson{}}
}

// add adds an address of a person.
func (s *sourcePersons) add(key, id string) {
	p := s.byKey[key]
	if p == nil {
		p = &sourcePerson{owners: map[*candidate]int{}}
		s.byKey[key] = p
	}
	s.last[id] = p
	s.all[id] = append(s.all[id], personAddress{p, p.addresses})
	p.addresses++
}

// assign records that a candidate has an address.
func (s *sourcePersons) assign(id string, c *candidate) {
	for _, at := range s.all[id] {
		if _, known := at.person.owners[c]; !known {
			s.of[c] = append(s.of[c], at.person)
		}
		setFirst(at.person.owners, c, at.place)
		s.compare(at.person, c)
	}
}

// grown records that a candidate has more messages than before. Nobody ever has fewer.
func (s *sourcePersons) grown(c *candidate) {
	for _, p := range s.of[c] {
		s.compare(p, c)
	}
}

func (s *sourcePersons) compare(p *sourcePerson, c *candidate) {
	s.steps++
	if p.most == nil || c.wrote > p.most.wrote || c.wrote == p.most.wrote && p.owners[c] < p.owners[p.most] {
		p.most = c
	}
}

// mostActive returns the candidate with the most messages among those who have an address of the same person as id; nil if there
// is none.
func (s *sourcePersons) mostActive(id string) *candidate {
	if p := s.last[id]; p != nil {
		return p.most
	}
	return nil
}
