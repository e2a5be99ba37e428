package people

import (
	"context"
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people/addressbook"
)

// KeepOwnCards adds the addresses on the owner's own cards to messages.db, from the address books that belong to the message
// database in file. It skips books that cannot be read: most of the addresses are in the messages.
func KeepOwnCards(ctx context.Context, db *messages.DB, file string) error {
	var own []messages.OwnAddress
	for _, book := range addressbook.Beside(file) {
		cards, err := addressbook.Read(ctx, book, db.Folder())
		if err != nil {
			continue
		}
		for _, c := range cards {
			if !c.Me {
				continue
			}
			for _, address := range c.Addresses {
				own = append(own, messages.OwnAddress{Address: address, Place: "own card"})
			}
		}
	}
	return db.KeepIdentities(ctx, own, nil)
}

// MarkedNames returns the names on the owner's own cards in address books, whose copies are in a temporary folder in temp. Books that
// cannot be read have no cards.
func MarkedNames(ctx context.Context, books []string, temp string) (names []string) {
	for _, book := range books {
		cards, err := addressbook.Read(ctx, book, temp)
		if err != nil {
			continue
		}
		for _, c := range cards {
			if c.Me && c.Name != "" {
				names = append(names, c.Name)
			}
		}
	}
	return names
}

// OwnNames returns the owner's names: that on the owner's own card in an address book, and those on other cards with one of the
// owner's addresses. Books that cannot be read have no cards.
func OwnNames(ctx context.Context, db *messages.DB, books []string) []string {
	own, err := db.OwnAddresses(ctx)
	if err != nil {
		return nil
	}
	addresses := make([]string, len(own))
	for i, o := range own {
		addresses[i] = o.Address
	}
	region := regionOf(addresses)
	known := map[string]bool{}
	for _, address := range addresses {
		known[normalize(address, region)] = true
	}
	var marked, shared []string
	for _, book := range books {
		cards, err := addressbook.Read(ctx, book, db.Folder())
		if err != nil {
			continue
		}
		for _, c := range cards {
			switch {
			case c.Name == "":
			case c.Me:
				marked = append(marked, c.Name)
			case slices.ContainsFunc(c.Addresses, func(a string) bool { return known[normalize(a, region)] }):
				shared = append(shared, c.Name)
			}
		}
	}
	return append(marked, shared...)
}
