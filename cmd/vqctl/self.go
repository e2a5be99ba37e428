package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"ventriloquist/internal/addressbook"
	"ventriloquist/internal/contacts"
	"ventriloquist/internal/store"
)

// settledSelf is the owner as the settings tell: MY_NAME, and the addresses of USER_IDENTIFIERS.
func settledSelf() contacts.Self {
	return contacts.Self{Name: os.Getenv("MY_NAME"), Addresses: contacts.SplitIdentifiers(os.Getenv("USER_IDENTIFIERS"))}
}

// withFound gives an owner of whom no addresses are known those that the sources told.
func withFound(ctx context.Context, db *store.DB, self contacts.Self) (contacts.Self, error) {
	if len(self.Addresses) > 0 {
		return self, nil
	}
	own, err := db.OwnAddresses(ctx)
	if err != nil {
		return self, err
	}
	for _, o := range own {
		self.Addresses = append(self.Addresses, o.Address)
	}
	self.Found = true
	return self, nil
}

// learnNames tells the book what sources call the people of addresses.
func learnNames(ctx context.Context, db *store.DB, book *contacts.Book) error {
	reader, err := db.Reader(ctx, nil)
	if err != nil {
		return err
	}
	names, err := reader.Names(ctx)
	if err == nil {
		book.Know(names)
	}
	return err
}

// keepOwnCards takes the addresses of the owner's own cards to messages.db, from the address books that belong to a
// message database. A book that cannot be read tells nothing: the messages tell most of it.
func keepOwnCards(ctx context.Context, db *store.DB, messages string) error {
	var own []store.OwnAddress
	for _, book := range addressbook.Beside(messages) {
		cards, err := addressbook.Read(ctx, book)
		if err != nil {
			continue
		}
		for _, c := range cards {
			if !c.Me {
				continue
			}
			for _, address := range c.Addresses {
				own = append(own, store.OwnAddress{Address: address, Place: "own card"})
			}
		}
	}
	return db.KeepIdentities(ctx, own, nil)
}

// readSelf is the owner as the settings and messages.db tell; nothing may have been collected yet.
func readSelf(ctx context.Context, dataDir string) (contacts.Self, error) {
	path := filepath.Join(dataDir, "messages.db")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return settledSelf(), nil
	}
	db, err := store.Open(ctx, path)
	if err != nil {
		return contacts.Self{}, err
	}
	defer db.Close()
	return withFound(ctx, db, settledSelf())
}
