package main

import (
	"context"
	"errors"
	"os"

	"ventriloquist/internal/people"
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
