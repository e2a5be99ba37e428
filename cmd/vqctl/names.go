package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/people"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

// knownPeople are the people whose names flags can give.
type knownPeople struct {
	owner    string   // MY_NAME
	trained  []string // those that the adapter was trained on; nil if they are not known, so that any name is accepted
	contacts []string
}

// knownPeople returns the people of the settings, the adapter and the contacts file. What cannot be read has none: names are checked
// to catch typing errors, and its own reader says what is wrong with a file.
func (o modelOptions) knownPeople() knownPeople {
	known := knownPeople{owner: strings.TrimSpace(os.Getenv("MY_NAME"))}
	if book, err := people.LoadBook(filepath.Join(defaultDataDir, contactsName), ownerFromSettings()); err == nil {
		known.contacts = book.Names()
	}
	for _, dir := range o.adapterDirs() {
		state, err := train.ReadState(dir)
		if err != nil || state.People == nil || state.People.Others {
			known.trained = nil // any name may be one of its people
			break
		}
		known.trained = append(known.trained, state.People.Names...)
	}
	slices.Sort(known.trained)
	known.trained = slices.Compact(known.trained)
	if name, found := usererr.Match(known.owner, known.trained); found {
		known.owner = name
	}
	return known
}

// resolve returns the person that a flag names, in any case: one of the known people or of those given. Others are accepted only if
// it is not known whom the model was trained on.
func (k *knownPeople) resolve(flag, given string, also []string) (string, error) {
	names := slices.Concat(k.trained, k.contacts, also)
	if k.owner != "" {
		names = append(names, k.owner)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if name, found := usererr.Match(given, names); found {
		return name, nil
	}
	if len(k.trained) == 0 {
		return given, nil
	}
	return "", usererr.Suggest(usererr.Usage("%s %q: the model does not know this person", flag, given), given, names, "%q",
		"it was trained on "+strings.Join(k.trained[:min(12, len(k.trained))], ", ")+more(len(k.trained)-12))
}

// more says how many further names there are.
func more(n int) string {
	if n <= 0 {
		return ""
	}
	return " and others"
}
