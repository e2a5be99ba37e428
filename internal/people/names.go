package people

import (
	"context"
	"strings"
	"unicode"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people/addressbook"
)

// sourceBook is the Book of the cards that sources tell.
const sourceBook = "messages"

// CardsOfSources are the names by which sources know people: some call them by their names beside an address, some have
// no other address.
func CardsOfSources(ctx context.Context, db *messages.DB) ([]addressbook.Card, error) {
	reader, err := db.Reader(ctx, nil)
	if err != nil {
		return nil, err
	}
	names, err := reader.Names(ctx)
	if err != nil {
		return nil, err
	}
	var cards []addressbook.Card
	for _, address := range reader.Addresses() {
		name := strings.Join(strings.Fields(names[address]), " ")
		if name == "" && isName(address) {
			name = strings.Join(strings.Fields(address), " ")
		}
		if name != "" {
			cards = append(cards, addressbook.Card{Book: sourceBook, Name: name, Addresses: []string{address}})
		}
	}
	return cards, nil
}

// isName tells the name of a person from an address, and from the name in capitals that companies send under.
func isName(address string) bool {
	small := func(c rune) bool { return unicode.IsLetter(c) && !unicode.IsUpper(c) }
	return !strings.ContainsAny(address, "@:/+") && strings.ContainsFunc(address, small)
}
