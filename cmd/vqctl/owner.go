package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
)

// settledSelf is the owner as the settings tell: MY_NAME, and the addresses of USER_IDENTIFIERS.
func settledSelf() people.Self {
	return people.Self{Name: os.Getenv("MY_NAME"), Addresses: people.SplitIdentifiers(os.Getenv("USER_IDENTIFIERS"))}
}

// withFound gives an owner of whom no addresses are known those that the sources told.
func withFound(ctx context.Context, db *messages.DB, self people.Self) (people.Self, error) {
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
func learnNames(ctx context.Context, db *messages.DB, book *people.Book) error {
	reader, err := db.Reader(ctx, nil)
	if err != nil {
		return err
	}
	names, err := reader.Names(ctx)
	if err == nil {
		book.SetSourceNames(names)
	}
	return err
}

// readSelf is the owner as the settings and messages.db tell; nothing may have been collected yet.
func readSelf(ctx context.Context, dataDir string) (people.Self, error) {
	path := filepath.Join(dataDir, "messages.db")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return settledSelf(), nil
	}
	db, err := messages.Open(ctx, path)
	if err != nil {
		return people.Self{}, err
	}
	defer db.Close()
	return withFound(ctx, db, settledSelf())
}
