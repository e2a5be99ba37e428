package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"ventriloquist/internal/people"
	"ventriloquist/internal/people/addressbook"
)

// ownerFromSettings returns the owner that the settings MY_NAME and USER_IDENTIFIERS name.
func ownerFromSettings() people.Self {
	return people.Self{Name: os.Getenv("MY_NAME"), Addresses: people.SplitIdentifiers(os.Getenv("USER_IDENTIFIERS"))}
}

// loadOwner returns the owner according to the settings and, if there is one yet, messages.db.
func loadOwner(ctx context.Context, dataDir string) (people.Self, error) {
	if _, err := os.Stat(databasePath(dataDir)); errors.Is(err, os.ErrNotExist) {
		return ownerFromSettings(), nil
	}
	db, err := openDatabase(ctx, dataDir)
	if err != nil {
		return people.Self{}, err
	}
	defer db.Close()
	return ownerFromSettings().WithFoundAddresses(ctx, db)
}

// offeredName says how to set MY_NAME, to the name that the owner's card or the sources have if one is found.
func offeredName(ctx context.Context, dataDir string) string {
	return nameHint(foundNames(ctx, dataDir))
}

// nameHint says how to set MY_NAME to the first of the names that were found.
func nameHint(names []string) string {
	if len(names) == 0 {
		return howToSet("MY_NAME", "Your Name")
	}
	return fmt.Sprintf("you seem to be %q: %s", names[0], howToSet("MY_NAME", names[0]))
}

// foundNames returns the owner's names according to messages.db and the address books of this machine. Whatever cannot be read has
// none: they are only a suggestion.
func foundNames(ctx context.Context, dataDir string) []string {
	var books []string
	if home, err := os.UserHomeDir(); err == nil {
		books = addressbook.Find(home)
	}
	if statOf(databasePath(dataDir)) == nil {
		return people.MarkedNames(ctx, books, os.TempDir())
	}
	db, err := openDatabase(ctx, dataDir)
	if err != nil {
		return nil
	}
	defer db.Close()
	return people.OwnNames(ctx, db, books)
}
