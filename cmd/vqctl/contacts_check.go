package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

func newContactsCheckCommand(o *contactsOptions) *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "check the contacts file for mistakes",
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c, "name the file with --contacts"); err != nil {
				return err
			}
			return runContactsCheck(ctx, *o, stdout)
		},
	}
}

// contactsCheck is what --json prints.
type contactsCheck struct {
	File   string  `json:"file"`
	People int     `json:"people"`
	Wrong  []fault `json:"wrong"`
	// Silent are people without messages: their addresses may be mistyped.
	Silent []string `json:"without_messages"`
	// Yours lists addresses that the file gives to someone else, and the messages to the owner.
	Yours []string `json:"perhaps_yours"`
}

type fault struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

func runContactsCheck(ctx context.Context, o contactsOptions, out io.Writer) error {
	self, err := loadOwner(ctx, o.dataDir)
	if err != nil {
		return err
	}
	f, err := os.Open(o.path())
	if err != nil {
		return usererr.With(fmt.Errorf("cannot read the contacts: %w", err), "`vqctl contacts suggest` drafts the file")
	}
	defer f.Close()
	book, wrong := people.CheckBook(f, o.path(), self)
	result := contactsCheck{File: o.path(), People: len(book.Names()), Wrong: []fault{}, Silent: []string{}, Yours: []string{}}
	for _, address := range self.Addresses {
		if who, listed := book.Person(address); listed && who != messages.Owner {
			result.Yours = append(result.Yours, address)
		}
	}
	for _, err := range wrong {
		result.Wrong = append(result.Wrong, fault{err.Error(), usererr.Of(err)})
	}
	if result.Silent, err = silentPeople(ctx, o.dataDir, book); err != nil {
		return err
	}
	if o.json {
		err = json.NewEncoder(out).Encode(result)
	} else {
		err = result.print(out)
	}
	if err == nil && len(wrong) > 0 {
		err = fmt.Errorf("%s in %s", terminal.Quantity(len(wrong), "problem"), o.path())
	}
	return err
}

// silentPeople returns the people in the file who wrote nothing; none if nothing was collected yet.
func silentPeople(ctx context.Context, dataDir string, book *people.Book) ([]string, error) {
	silent := []string{}
	path := databasePath(dataDir)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return silent, nil
	}
	db, err := messages.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	census, err := people.TakeCensus(ctx, db, book)
	if err != nil {
		return nil, err
	}
	for _, p := range census.Listed {
		if p.Messages == 0 && p.Conversations == 0 {
			silent = append(silent, p.Name)
		}
	}
	return silent, nil
}

func (r *contactsCheck) print(out io.Writer) error {
	text := ""
	for _, f := range r.Wrong {
		text += f.Error + "\n"
		if f.Hint != "" {
			text += "  " + f.Hint + "\n"
		}
	}
	for _, name := range r.Silent {
		text += fmt.Sprintf("%q has no messages: are the ids right?\n", name)
	}
	for _, address := range r.Yours {
		text += fmt.Sprintf("the messages say that %q is yours, and the file lists it for another person\n", address)
	}
	if len(r.Wrong) == 0 {
		text += fmt.Sprintf("%s lists %s\n", r.File, terminal.Quantity(r.People, "person"))
	}
	_, err := io.WriteString(out, fitLines(text, terminalWidth(out)))
	return err
}
