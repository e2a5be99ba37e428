package people

import (
	"context"
	"errors"
	"os"

	"ventriloquist/internal/messages"
)

// WithFoundAddresses returns the owner with the addresses that sources call the owner's. If the owner stated some, the found
// ones come second.
func (s Self) WithFoundAddresses(ctx context.Context, db *messages.DB) (Self, error) {
	own, err := db.OwnAddresses(ctx)
	if err != nil {
		return s, err
	}
	found := make([]string, len(own))
	for i, o := range own {
		found[i] = o.Address
	}
	if len(s.Addresses) > 0 {
		s.AlsoFound = found
	} else {
		s.Addresses, s.Found = found, true
	}
	return s, nil
}

// LoadSourceNames sets the names that the sources of a database have for addresses, and the other addresses that they know.
func (b *Book) LoadSourceNames(ctx context.Context, db *messages.DB) error {
	reader, err := db.Reader(ctx, nil)
	if err != nil {
		return err
	}
	names, err := reader.Names(ctx)
	if err != nil {
		return err
	}
	persons, err := db.SamePersons(ctx)
	same := make(map[string]string)
	for _, s := range persons {
		if s.Address != s.Person {
			same[s.Address] = s.Person
		}
	}
	b.SetSourceNames(names, same)
	return err
}

// LoadOrNewBook reads a contacts file if it exists.
func LoadOrNewBook(path string, self Self) (*Book, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return NewBook(self), nil
	}
	return LoadBook(path, self)
}
