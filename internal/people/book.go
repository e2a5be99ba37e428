package people

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"ventriloquist/internal/charset"
	"ventriloquist/internal/lines"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// Self is the owner of the messages.
type Self struct {
	Name      string   // MY_NAME; may be unknown
	Addresses []string // the first with a country code sets the region of numbers without one
	// Found marks addresses that were found in the messages rather than stated by the owner. The contacts file then takes
	// precedence over them.
	Found bool
	// AlsoFound are found addresses in addition to stated ones; the contacts file takes precedence over them, too.
	AlsoFound []string
}

// Book knows people by their addresses.
type Book struct {
	region string
	self   Self
	people map[string]string // by normalized address
	names  []string
	called map[string]string // names that sources have for addresses
	same   map[string]string // other addresses that sources attribute to the same person
	// seen caches the result for addresses as messages spell them.
	seen map[string]entry
}

type entry struct {
	name   string
	listed bool
}

// SplitIdentifiers splits USER_IDENTIFIERS at commas, semicolons and newlines.
func SplitIdentifiers(s string) []string {
	var list []string
	for _, one := range strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ';' || c == '\n' }) {
		if one = strings.TrimSpace(one); one != "" {
			list = append(list, one)
		}
	}
	return list
}

// nameKey returns the form in which the names of people are compared.
func nameKey(name string) string { return PlainText(name) }

// NewBook returns a book that knows only the owner.
func NewBook(self Self) *Book {
	self.Name = strings.TrimSpace(self.Name)
	b := &Book{region: regionOf(self.Addresses), self: self, people: map[string]string{}, seen: map[string]entry{}}
	// In some exports people have no addresses and are known by their names.
	for _, address := range slices.Concat([]string{self.Name}, self.Addresses, self.AlsoFound) {
		if id := b.Normalize(address); id != "" {
			b.people[id] = messages.Owner
		}
	}
	return b
}

// Normalize returns the normalized form of an address.
func (b *Book) Normalize(address string) string { return normalize(address, b.region) }

// Person returns the name of the person who has an address, messages.Owner for the owner, and whether the person is listed. The
// name of a stranger is the normalized address.
func (b *Book) Person(address string) (name string, listed bool) {
	if e, known := b.seen[address]; known {
		return e.name, e.listed
	}
	id := b.Normalize(address)
	if name, listed = b.people[id]; !listed {
		if name, listed = b.byOther(b.same[address]); !listed {
			name, listed = b.byOther(b.called[address])
		}
	}
	if !listed {
		name = id
	}
	b.seen[address] = entry{name, listed}
	return name, listed
}

// SetSourceNames sets the names that sources have for addresses; in some exports these are opaque numbers. A name that is
// among the ids of a listed person identifies that person. Same are other addresses of the people at addresses.
func (b *Book) SetSourceNames(called, same map[string]string) {
	b.called, b.same = called, same
	clear(b.seen)
}

// byOther returns the person who has a name or another address among the ids. A namesake of the owner is not the owner.
func (b *Book) byOther(id string) (name string, listed bool) {
	if id == "" {
		return "", false
	}
	name, listed = b.people[b.Normalize(id)]
	return name, listed && name != messages.Owner
}

// Names returns the names of the listed people, in file order.
func (b *Book) Names() []string { return b.names }

// Addresses returns the addresses of a listed person, sorted.
func (b *Book) Addresses(name string) []string {
	var list []string
	for address, who := range b.people {
		if who == name && who != messages.Owner {
			list = append(list, address)
		}
	}
	slices.Sort(list)
	return list
}

// LoadBook reads the contacts file at path. It must not list the owner.
func LoadBook(path string, self Self) (*Book, error) {
	f, err := regularfile.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, usererr.With(fmt.Errorf("there is no contacts file %s", path),
			"`vqctl contacts suggest` drafts one; a line of it reads %s", lineExample)
	}
	if err != nil {
		err = fmt.Errorf("cannot read the contacts: %w", err)
		if errors.Is(err, fs.ErrPermission) {
			err = usererr.With(err, "%s", usererr.PermissionAdvice(runtime.GOOS, path))
		}
		return nil, err
	}
	defer f.Close()
	return ReadBook(f, path, self)
}

// ReadBook is LoadBook for an open file; name is for errors.
func ReadBook(in io.Reader, name string, self Self) (*Book, error) {
	b := NewBook(self)
	err := b.read(in, name, func(err error) error { return err })
	if err != nil {
		return nil, err
	}
	return b, nil
}

// CheckBook reads a whole contacts file, and returns what could be read and all errors.
func CheckBook(in io.Reader, name string, self Self) (*Book, []error) {
	b := NewBook(self)
	var wrong []error
	err := b.read(in, name, func(err error) error {
		wrong = append(wrong, err)
		return nil
	})
	if err != nil {
		wrong = append(wrong, err)
	}
	return b, wrong
}

// read reads a contacts file. It calls refuse with the error of a bad line, and stops if refuse returns an error.
func (b *Book) read(in io.Reader, name string, refuse func(error) error) error {
	lineOf := map[string]int{} // line number of each person
	_, err := lines.Each(context.Background(), charset.NewReader(in), name, func(number int64, line []byte) error {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			return nil
		}
		if err := b.add(line, int(number), lineOf); err != nil {
			return refuse(atLine(err, name, number))
		}
		return nil
	})
	return err
}

// atLine adds file and line to an error, and keeps its advice.
func atLine(err error, name string, line int64) error {
	placed := fmt.Errorf("%s:%d: %w", name, line, err)
	if advice := usererr.Of(err); advice != "" {
		return usererr.With(placed, "%s", advice)
	}
	return placed
}

const (
	lineExample = `{"contact": "John", "ids": ["+12345678900", "j@icloud.com"]}`
	lineForm    = "a line reads " + lineExample
)

// person is a line of the contacts file.
type person struct {
	Contact string   `json:"contact"`
	IDs     []string `json:"ids"`
}

// add adds one line of the file.
func (b *Book) add(line []byte, number int, lineOf map[string]int) error {
	var p person
	if err := json.Unmarshal(line, &p); err != nil {
		return notAContact(line, err)
	}
	p.Contact = strings.TrimSpace(p.Contact)
	key := nameKey(p.Contact)
	switch first := lineOf[key]; {
	case p.Contact == "":
		return usererr.With(errors.New(`"contact" is missing or empty`), lineForm)
	case key == nameKey(b.self.Name):
		return usererr.With(fmt.Errorf("%q is the owner, as MY_NAME says", p.Contact),
			"if MY_NAME is wrong, correct it; if the line is about someone else, give them another name, such as %q; if it is yours, remove it", p.Contact+" 2")
	case len(p.IDs) == 0:
		return usererr.With(fmt.Errorf("%q has no ids", p.Contact), lineForm)
	case first > 0:
		return usererr.With(fmt.Errorf("%q is already listed on line %d", p.Contact, first), "put all ids of a person on one line")
	}
	lineOf[key] = number
	b.names = append(b.names, p.Contact)
	for _, id := range p.IDs {
		if err := b.addID(id, p.Contact, lineOf); err != nil {
			return err
		}
	}
	return nil
}

// IsStated reports whether an address is one that the owner stated, rather than one that was found, or the owner's name.
func (b *Book) IsStated(address string) bool { return !b.self.Found && b.isOwn(b.Normalize(address)) }

// isOwn reports whether a normalized address is among the owner's first ones.
func (b *Book) isOwn(address string) bool {
	return slices.ContainsFunc(b.self.Addresses, func(own string) bool { return b.Normalize(own) == address })
}

// addID adds an id of a person. Somebody who shares the owner's name may have it as an id: a name is less than what the
// file says.
func (b *Book) addID(id, name string, lineOf map[string]int) error {
	address := b.Normalize(id)
	if address == "" || isCutNumber(id) {
		return usererr.With(fmt.Errorf("%q of %q is neither a telephone number nor an e-mail address", id, name), lineForm)
	}
	switch other, taken := b.people[address]; {
	case taken && other == messages.Owner && b.IsStated(address):
		return usererr.With(fmt.Errorf("%q of %q is the owner's own", id, name), "remove it here, or from USER_IDENTIFIERS")
	case taken && other == name:
		return nil // another spelling of the same address
	case taken && other != messages.Owner:
		return usererr.With(fmt.Errorf("%q of %q is also %q, on line %d", id, name, other, lineOf[nameKey(other)]), "an address belongs to one person")
	}
	b.people[address] = name
	return nil
}
