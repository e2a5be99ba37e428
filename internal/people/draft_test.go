package people_test

import (
	"reflect"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/people/addressbook"
)

func card(book, name string, addresses ...string) addressbook.Card {
	return addressbook.Card{Book: book, Name: name, Addresses: addresses}
}

// suggest drafts contacts from addresses with these numbers of messages.
func suggest(t *testing.T, file string, self people.Self, messages map[string]int64, cards []addressbook.Card, same ...messages.SamePerson) *people.Draft {
	t.Helper()
	book, err := people.ReadBook(strings.NewReader(file), "contacts", self)
	if err != nil {
		t.Fatal(err)
	}
	census := new(people.Census)
	for address, n := range messages {
		census.Unmapped = append(census.Unmapped, people.Unmapped{Address: book.Normalize(address), Messages: n})
	}
	return people.Suggest(census, book, self.Name, cards, same)
}

func names(list []people.Suggestion) []string {
	out := []string{}
	for _, s := range list {
		out = append(out, s.Name+": "+strings.Join(s.IDs, " "))
	}
	return out
}

func TestSuggest_DraftsFromCards(t *testing.T) {
	t.Parallel()
	me := addressbook.Card{Book: "a", Name: "Aidan", Addresses: []string{"me@x.org", "+12125550199"}, Me: true}
	for name, c := range map[string]struct {
		file             string
		self             people.Self
		messages         map[string]int64
		cards            []addressbook.Card
		same             []messages.SamePerson
		people, nameless []string
	}{
		"NamesakesOfOneBookAreTwo": {messages: map[string]int64{"a@x.org": 1, "b@x.org": 2},
			cards:  []addressbook.Card{card("a", "John", "a@x.org"), card("a", "John", "b@x.org")},
			people: []string{"John: b@x.org", "John 2: a@x.org"}},
		"NamesakesOfTwoBooksAreOne": {messages: map[string]int64{"a@x.org": 1, "b@x.org": 2},
			cards:  []addressbook.Card{card("a", "John", "a@x.org"), card("b", "JOHN", "b@x.org")},
			people: []string{"John: b@x.org a@x.org"}},
		"LinkedCardsAreOne": {messages: map[string]int64{"a@x.org": 1},
			cards: []addressbook.Card{{Book: "a", Name: "John", Addresses: []string{"a@x.org"}, Link: "L"},
				{Book: "b", Name: "Johnny", Addresses: []string{"b@x.org"}, Link: "L"}},
			people: []string{"John: a@x.org b@x.org"}},
		"OnlyWhoOccurs": {messages: map[string]int64{"a@x.org": 0},
			cards: []addressbook.Card{card("a", "John", "a@x.org"), card("a", "Ann", "ann@x.org")}, people: []string{"John: a@x.org"}},
		"PersonsOfTheSource": {messages: map[string]int64{"a@x.org": 1, "b@x.org": 5, "c@x.org": 1, "d@x.org": 2},
			cards: []addressbook.Card{card("a", "John", "a@x.org")},
			same: []messages.SamePerson{{Address: "a@x.org", Person: "P"}, {Address: "B@x.org", Person: "P"},
				{Address: "c@x.org", Person: "Q"}, {Address: "d@x.org", Person: "Q"}},
			people: []string{"John: b@x.org a@x.org"}, nameless: []string{": d@x.org c@x.org"}},
		"OwnerByCard": {messages: map[string]int64{"me@x.org": 1}, cards: []addressbook.Card{me}},
		"OwnerByName": {self: people.Self{Name: "Aidan"}, messages: map[string]int64{"a@x.org": 1},
			cards: []addressbook.Card{card("a", "Aidan", "a@x.org")}},
		"OwnerByAddress": {self: people.Self{Addresses: []string{"me@x.org"}}, messages: map[string]int64{"a@x.org": 1},
			cards: []addressbook.Card{card("a", "A. Lee", "a@x.org", "me@x.org")}},
		"WhoSharesTheOwnersTelephone": {messages: map[string]int64{"ann@x.org": 1},
			self:  people.Self{Addresses: []string{"+12125550199"}},
			cards: []addressbook.Card{card("a", "Ann", "ann@x.org", "+12125550199"), me}, people: []string{"Ann: ann@x.org"}},
		"ListedUnderAnotherName": {file: `{"contact": "Johnny", "ids": ["a@x.org"]}`, messages: map[string]int64{"(212) 555-0101": 3},
			cards: []addressbook.Card{card("a", "John", "a@x.org", "212 555 0101")}, people: []string{"Johnny: +12125550101"}},
		"ListedByName": {file: `{"contact": "John", "ids": ["a@x.org"]}`, messages: map[string]int64{"b@x.org": 3, "c@x.org": 2},
			cards: []addressbook.Card{card("a", "John", "b@x.org"), card("a", "John", "c@x.org")}, people: []string{"John: b@x.org", "John 2: c@x.org"}},
	} {
		t.Run(name, func(t *testing.T) {
			draft := suggest(t, c.file, c.self, c.messages, c.cards, c.same...)
			if c.people == nil {
				c.people = []string{}
			}
			if c.nameless == nil {
				c.nameless = []string{}
			}
			if got := names(draft.People); !reflect.DeepEqual(got, c.people) {
				t.Errorf("people are %q, want %q", got, c.people)
			}
			if got := names(draft.Nameless); !reflect.DeepEqual(got, c.nameless) {
				t.Errorf("nameless are %q, want %q", got, c.nameless)
			}
		})
	}
}
