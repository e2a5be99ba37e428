package people

import (
	"context"
	"strings"
	"unicode"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people/addressbook"
)

// sourceBook is the Card.Book of the cards that come from message sources.
const sourceBook = "messages"

// CardsOfSources returns cards with the names that sources have for people; some sources have no addresses but names.
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

// isName reports whether an address is the name of a person, and not one in capitals, which companies send under.
func isName(address string) bool {
	small := func(c rune) bool { return unicode.IsLetter(c) && !unicode.IsUpper(c) }
	return !strings.ContainsAny(address, "@:/+") && strings.ContainsFunc(address, small)
}
