package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/people"
	"ventriloquist/internal/people/addressbook"
	"ventriloquist/internal/sources/iosbackup"
	"ventriloquist/internal/terminal"
)

func newContactsSuggestCommand(o *contactsOptions) *cli.Command {
	var book string
	return &cli.Command{
		Name:  "suggest",
		Usage: "draft the contacts file from an address book",
		Description: `Takes names from the address books of this Mac, or from --address-book, for all people with messages, the most messages
first. An existing file keeps its lines, and the additions are shown before anything is changed.`,
		Flags: []cli.Flag{
			yesFlag(o, "change an existing file"),
			&cli.StringFlag{Name: "address-book", Value: "~", Usage: "`PATH` of an address book, a file of vCards (.vcf), a home folder, or the folder of an iPhone backup", Destination: &book},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c, "name an address book with --address-book"); err != nil {
				return err
			}
			return runContactsSuggest(ctx, *o, book, os.Stdin, stdout)
		},
	}
}

// suggestion is what --json prints.
type suggestion struct {
	contactsChange
	*people.Draft
	Books []string `json:"address_books"`
}

func runContactsSuggest(ctx context.Context, o contactsOptions, bookPath string, in io.Reader, out io.Writer) error {
	cards, books, err := readCards(ctx, bookPath, o.dataDir)
	if err != nil {
		return err
	}
	db, book, self, err := openBook(ctx, &o)
	if err != nil {
		return err
	}
	defer db.Close()
	named, err := people.CardsOfSources(ctx, db)
	if err != nil {
		return err
	}
	census, err := people.TakeCensus(ctx, db, book)
	if err != nil {
		return err
	}
	same, err := db.SamePersons(ctx)
	if err != nil {
		return err
	}
	draft := people.Suggest(census, book, self.Name, append(cards, named...), same)
	result := suggestion{contactsChange: contactsChange{File: o.path(), Added: []people.Addition{}}, Draft: draft, Books: append([]string{}, books...)}
	for _, p := range draft.People {
		result.Added = append(result.Added, people.Addition{Name: p.Name, IDs: p.IDs})
	}
	if o.json {
		if err := result.apply(ctx, &o, self, in, io.Discard); err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(result)
	}
	if err := printDraft(out, draft); err != nil {
		return err
	}
	if len(cards) == 0 {
		printWrapped(out, "", fmt.Sprintf("there is no address book in %s: name one with --address-book", bookPath))
	}
	if self.Name == "" {
		printWrapped(out, "", "MY_NAME is not set; "+nameHint(people.OwnNames(ctx, db, books)))
	}
	return result.apply(ctx, &o, self, in, out)
}

// readCards reads all address books at a path. It copies them to a temporary folder in temp.
func readCards(ctx context.Context, path, temp string) (cards []addressbook.Card, books []string, err error) {
	if path == "~" {
		path = "~/"
	}
	expanded, err := expandHome(path)
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(expanded); err != nil {
		return nil, nil, fmt.Errorf("cannot read the address book: %w", err)
	}
	if iosbackup.IsEncrypted(expanded) {
		passphrase, err := readPassphrase(ctx, expanded, "")
		if err != nil {
			return nil, nil, err
		}
		noteUnlocking()
		folder, err := iosbackup.Decrypt(ctx, expanded, passphrase, temp, nil, []iosbackup.File{iosbackup.AddressBook})
		if err != nil {
			return nil, nil, err
		}
		defer folder.Remove()
		expanded = folder.Path
	}
	if err := addressbook.Unreadable(expanded); err != nil {
		return nil, nil, err
	}
	books = addressbook.Find(expanded)
	for _, one := range books {
		found, err := addressbook.Read(ctx, one, temp)
		if err != nil {
			return nil, nil, err
		}
		cards = append(cards, found...)
	}
	return cards, books, nil
}

func printDraft(out io.Writer, draft *people.Draft) error {
	width := terminal.Columns(out)
	var text strings.Builder
	people := terminal.NewTable("messages", "contact", "ids").WithNames(1)
	for _, p := range draft.People {
		people.Add(terminal.Count(p.Messages), p.Name, strings.Join(p.IDs, ", "))
	}
	if !people.Empty() {
		text.WriteString(people.Fit(width))
	}
	nameless := terminal.NewTable("messages", "no known name").WithNames(1)
	for _, p := range draft.Nameless[:min(shownUnmapped, len(draft.Nameless))] {
		nameless.Add(terminal.Count(p.Messages), strings.Join(p.IDs, ", "))
	}
	if !nameless.Empty() {
		text.WriteString("\n" + nameless.Fit(width))
	}
	if more := len(draft.Nameless) - shownUnmapped; more > 0 {
		fmt.Fprintf(&text, "and %s more (--json lists all)\n", terminal.Count(int64(more)))
	}
	for _, s := range draft.Shared {
		writeWrapped(&text, "", fmt.Sprintf("%s is also on the card of %q: it goes to %q", s.ID, s.Also, s.Contact), width)
	}
	for i, n := range draft.Namesakes {
		if i == shownUnmapped {
			fmt.Fprintf(&text, "and %s more (--json lists all)\n", terminal.Count(int64(len(draft.Namesakes)-i)))
			break
		}
		writeWrapped(&text, "", fmt.Sprintf("%q may be %q: if so, move the ids to that line and remove this one", n.Name, n.AlsoHas), width)
	}
	_, err := io.WriteString(out, text.String())
	return err
}
