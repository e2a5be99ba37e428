package main

import (
	"context"
	"errors"
	"os"

	"ventriloquist/internal/people"
)

// ownerFromSettings is the owner by the settings: MY_NAME, and the addresses of USER_IDENTIFIERS.
func ownerFromSettings() people.Self {
	return people.Self{Name: os.Getenv("MY_NAME"), Addresses: people.SplitIdentifiers(os.Getenv("USER_IDENTIFIERS"))}
}

// loadOwner is the owner by the settings and messages.db, which may not be there yet.
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
