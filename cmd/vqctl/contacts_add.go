package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// yesFlag skips the question of a command; does is what the command does then, such as "erase".
func yesFlag(o *contactsOptions, does string) cli.Flag {
	return &cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: does + " without asking", Destination: &o.yes}
}

func newContactsAddCommand(o *contactsOptions) *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add a person, or more addresses of one, to the contacts file",
		ArgsUsage: "NAME ID…",
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() < 2 {
				return usererr.With(usererr.Usage("add takes a name and at least one address"), `vqctl contacts add "John Smith" +12345678900 j@icloud.com`)
			}
			return runContactsAdd(ctx, *o, c.Args().First(), c.Args().Tail(), stdout)
		},
	}
}

func runContactsAdd(ctx context.Context, o contactsOptions, name string, ids []string, out io.Writer) error {
	self, err := loadOwner(ctx, o.dataDir)
	if err != nil {
		return err
	}
	book, err := people.LoadOrNewBook(o.path(), self)
	if err != nil {
		return err
	}
	name = strings.Join(strings.Fields(name), " ")
	known, err := knownIDs(ctx, o.dataDir, book)
	if err != nil {
		return err
	}
	ids = joinNumbers(withoutCommas(ids, book, known), book, known)
	for _, id := range ids {
		if err := checkID(id, book, known); err != nil {
			return err
		}
		switch who, listed := book.Person(id); {
		case listed && who != messages.Owner && who != name:
			return usererr.With(fmt.Errorf("%q is %q in %s already", id, who, o.path()),
				"if %q and %q are one person, move the ids of %q to the other line, and remove that line", name, who, who)
		case listed && who == messages.Owner && book.IsStated(id):
			return usererr.With(fmt.Errorf("%q is your own", id), "USER_IDENTIFIERS names it")
		}
	}
	missing := book.Missing(ids)
	for _, id := range ids {
		// That the address is the owner's was found in the messages, which may be wrong.
		if who, listed := book.Person(id); listed && who == messages.Owner {
			missing = append(missing, id)
		}
	}
	result := contactsChange{File: o.path()}
	if len(missing) > 0 {
		result.Added = []people.Addition{{Name: name, IDs: missing}}
	}
	o.yes = true // adding is what was asked for
	return result.apply(ctx, &o, self, nil, out)
}

// contactsChange is a change of the contacts file; --json prints it.
type contactsChange struct {
	File    string            `json:"file"`
	Written bool              `json:"written"`
	Added   []people.Addition `json:"added"`
}

// apply shows the change and makes it. It changes an existing file only if the user agrees.
func (r *contactsChange) apply(ctx context.Context, o *contactsOptions, self people.Self, in io.Reader, out io.Writer) error {
	_, missing := os.Stat(r.File)
	isNew := errors.Is(missing, os.ErrNotExist)
	switch {
	case len(r.Added) == 0 && isNew:
		return r.report(o, out, fmt.Sprintf("no name is known, so %s is not written; add people with: vqctl contacts add NAME ADDRESS…\n", r.File))
	case len(r.Added) == 0:
		return r.report(o, out, fmt.Sprintf("%s needs no change\n", r.File))
	}
	_, changes, err := r.content(self)
	if err != nil {
		return err
	}
	if !o.json && !isNew {
		printChanges(out, r.File, changes)
	}
	agreed := isNew || o.yes
	if !agreed && !o.json {
		if agreed, err = ask(ctx, "Change "+r.File+"?", in, out); err != nil {
			return err
		}
	}
	if !agreed {
		return r.report(o, out, "nothing was changed\n")
	}
	if err := r.write(ctx, self); err != nil {
		return err
	}
	r.Written = true
	return r.report(o, out, fmt.Sprintf("added to %s: %s\n", r.File, terminal.Quantity(len(r.Added), "person")))
}

// mostContacts limits the size of a contacts file that is changed: room for a million people.
const mostContacts = 256 << 20

// content returns the contacts file with the change in it.
func (r *contactsChange) content(self people.Self) ([]byte, []people.Change, error) {
	old, err := regularfile.Read(r.File, mostContacts)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("cannot read the contacts: %w", err)
	}
	content, changes, err := people.AddContacts(old, r.Added)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", r.File, err)
	}
	_, err = people.ReadBook(strings.NewReader(string(content)), r.File, self)
	return content, changes, err
}

// write makes the change to the file as it is now: another command may have changed it since it was shown.
func (r *contactsChange) write(ctx context.Context, self people.Self) error {
	release, err := lockDataFolder(ctx, filepath.Dir(r.File))
	if err != nil {
		return err
	}
	defer release()
	content, _, err := r.content(self)
	if err != nil {
		return err
	}
	err = atomicfile.WriteBytes(r.File, content)
	if usererr.Of(err) == "" {
		return usererr.With(err, "make the file and its folder writable, or name another file with --contacts")
	}
	return err
}

func (r *contactsChange) report(o *contactsOptions, out io.Writer, words string) error {
	if o.json {
		return json.NewEncoder(out).Encode(r)
	}
	_, err := io.WriteString(out, fitLines(words, terminalWidth(out)))
	return err
}

// printChanges prints the changed lines, old and new.
func printChanges(out io.Writer, file string, changes []people.Change) {
	fmt.Fprintf(out, "%s:\n", file)
	for _, c := range changes {
		if c.Old != "" {
			fmt.Fprintf(out, "- %s\n", strings.TrimSpace(c.Old))
		}
		fmt.Fprintf(out, "+ %s\n", strings.TrimSpace(c.New))
	}
}
