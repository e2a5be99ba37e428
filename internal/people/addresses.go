package people

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/usererr"
)

// AddressesOf returns all addresses of the person whom the contacts list under name, or who has the address name: those in the
// contacts file, those in the messages, and those that a source assigns to the same person and the contacts to no one else.
func (b *Book) AddressesOf(ctx context.Context, db *messages.DB, name string) ([]string, error) {
	if who, listed := b.Person(name); listed && who == messages.Owner {
		return nil, fmt.Errorf("%q is you", name)
	} else if listed {
		name = who
	}
	reader, err := db.Reader(ctx, nil)
	if err != nil {
		return nil, err
	}
	called, err := reader.Names(ctx)
	if err != nil {
		return nil, err
	}
	same, err := db.SamePersons(ctx)
	if err != nil {
		return nil, err
	}
	known := append(b.Addresses(name), reader.Addresses()...)
	persons := map[string]bool{} // keys of a source's persons who have an address of this person
	for _, s := range same {
		known = append(known, s.Address)
		persons[s.Person] = persons[s.Person] || b.has(name, s.Address)
	}
	var list []string
	for _, address := range known {
		_, listed := b.Person(address)
		if b.has(name, address) || !listed && called[address] == name {
			list = append(list, b.Normalize(address))
		}
	}
	for _, s := range same {
		if _, listed := b.Person(s.Address); persons[s.Person] && !listed {
			list = append(list, b.Normalize(s.Address))
		}
	}
	slices.Sort(list)
	if list = slices.Compact(list); len(list) == 0 {
		names := slices.Concat(b.Names(), slices.Sorted(maps.Values(called)), reader.Addresses())
		return nil, NoSuchPerson(name, names, "`vqctl contacts` lists names and addresses")
	}
	return list, nil
}

// has reports whether an address belongs to the person listed under name, or is name.
func (b *Book) has(name, address string) bool {
	who, listed := b.Person(address)
	return listed && who == name || !listed && (who == b.Normalize(name) || address == name)
}

// NoSuchPerson returns the error of a name that no person has, with the one among names that it resembles, else another hint.
func NoSuchPerson(given string, names []string, otherwise string) error {
	return usererr.Suggest(usererr.Usage("no person is called %q", given), given, names, "%q", otherwise)
}
