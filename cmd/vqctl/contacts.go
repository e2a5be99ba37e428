package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/terminal"
)

// contactsOptions are the flags that the contacts commands share.
type contactsOptions struct {
	dataDir  string
	contacts string
	json     bool
	yes      bool
}

func (o *contactsOptions) flags() []cli.Flag {
	return []cli.Flag{
		dataDirFlag(&o.dataDir),
		contactsFlag(&o.contacts),
		&cli.BoolFlag{Name: "json", Usage: "print a JSON object", Destination: &o.json},
	}
}

func contactsFlag(to *string) cli.Flag {
	return &cli.StringFlag{Name: "contacts", Usage: "contacts `FILE` (default: contacts_to_ids.jsonl in --data-dir)", Destination: to}
}

func (o *contactsOptions) path() string {
	if o.contacts != "" {
		return o.contacts
	}
	return filepath.Join(o.dataDir, contactsName)
}

func newContactsCommand() *cli.Command {
	var o contactsOptions
	return &cli.Command{
		Name:  "contacts",
		Usage: "count messages per contact, and list addresses missing from the contacts file",
		Description: `Without a command: counts the messages of each contact, and lists the addresses that are missing from the contacts file
and how many messages the training windows lose by them.`,
		Flags:    o.flags(),
		Commands: []*cli.Command{newContactsSuggestCommand(&o), newContactsCheckCommand(&o), newContactsAddCommand(&o)},
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return unknownCommand(c, c.Args().First())
			}
			return runContacts(ctx, o, stdout)
		},
	}
}

// openBook opens messages.db and the contacts file; a missing file counts as empty.
func openBook(ctx context.Context, o *contactsOptions) (*messages.DB, *people.Book, people.Self, error) {
	db, err := openDatabase(ctx, o.dataDir)
	if err != nil {
		return nil, nil, people.Self{}, err
	}
	noteOldRules(ctx, db)
	self, err := ownerFromSettings().WithFoundAddresses(ctx, db)
	var book *people.Book
	if err == nil {
		book, err = people.LoadOrNewBook(o.path(), self)
	}
	if err == nil {
		err = book.LoadSourceNames(ctx, db)
	}
	if err != nil {
		db.Close()
		return nil, nil, self, err
	}
	return db, book, self, nil
}

func runContacts(ctx context.Context, o contactsOptions, out io.Writer) error {
	db, book, _, err := openBook(ctx, &o)
	if err != nil {
		return err
	}
	defer db.Close()
	census, err := people.TakeCensus(ctx, db, book)
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(out).Encode(census)
	}
	return printCensus(out, census, o.path())
}

func printCensus(out io.Writer, census *people.Census, file string) (err error) {
	buffered := bufio.NewWriter(out)
	defer func() { err = errors.Join(err, buffered.Flush()) }()
	if err := printListed(buffered, census, terminal.Columns(out)); err != nil {
		return err
	}
	if len(census.Unmapped) > 0 {
		table := terminal.NewTable("messages", "lost without them", "groups", "last", "not in "+filepath.Base(file)).WithNames(4)
		for _, u := range census.Unmapped[:min(shownUnmapped, len(census.Unmapped))] {
			table.Add(terminal.Count(u.Messages), terminal.Count(u.LeftOut), terminal.Count(int64(u.Groups)), day(u.Last), strings.TrimSpace(u.Address+"  "+u.Name))
		}
		if _, err := io.WriteString(buffered, "\n"+table.Fit(terminal.Columns(out))); err != nil {
			return err
		}
	}
	if len(census.Unmapped) == 0 {
		return nil
	}
	if more := len(census.Unmapped) - shownUnmapped; more > 0 {
		fmt.Fprintf(buffered, "and %s more (--json lists all)\n", terminal.Count(int64(more)))
	}
	width := terminalWidth(out)
	lost := fmt.Sprintf("without them the windows lose %s of %s, %s", terminal.Quantity(census.LeftOut.Messages, "message"),
		terminal.Quantity(census.LeftOut.Conversations, "conversation"), inGroups(census.LeftOut.Groups))
	fmt.Fprintln(buffered, fitLines(lost, width))
	fmt.Fprintln(buffered, fitLines("`vqctl contacts suggest` takes names from an address book; `vqctl contacts add NAME ID…` adds a person", width))
	return nil
}

// inGroups says how many of the conversations are groups.
func inGroups(n int) string {
	switch n {
	case 0:
		return "none of them a group"
	case 1:
		return "1 of them a group"
	}
	return terminal.Count(int64(n)) + " of them groups"
}

// printListed prints the table of contacts line by line: a tabwriter would hold all of it.
func printListed(out io.Writer, census *people.Census, width int) error {
	const count, conversations, last = "messages", "conversations", "last"
	widths := [3]int{len(count), len(conversations), len(last)}
	for _, p := range census.Listed {
		for i, cell := range []string{terminal.Count(p.Messages), terminal.Count(int64(p.Conversations)), day(p.Last)} {
			widths[i] = max(widths[i], len(cell))
		}
	}
	widths[0] = max(widths[0], len(terminal.Count(census.Owner)))
	const gap, leastName = 2, 12
	room, shown := width, 3 // columns before the name
	for _, w := range widths {
		room -= w + gap
	}
	for ; width > 0 && room < leastName && shown > 1; shown-- {
		room += widths[shown-1] + gap
	}
	line := func(name string, cells ...string) error {
		if width > 0 {
			name = terminal.Cut(terminal.Escape(name), max(room, 1))
		}
		text := ""
		for i, cell := range cells[:shown] {
			text += fmt.Sprintf("%-*s", widths[i]+gap, cell)
		}
		_, err := fmt.Fprintln(out, text+name)
		return err
	}
	err := line("contact", count, conversations, last)
	for i := 0; i < len(census.Listed) && err == nil; i++ {
		p := &census.Listed[i]
		err = line(p.Name, terminal.Count(p.Messages), terminal.Count(int64(p.Conversations)), day(p.Last))
	}
	if err == nil {
		err = line("you", terminal.Count(census.Owner), "", "")
	}
	return err
}

// shownUnmapped is the maximum number of unmapped addresses in the table.
const shownUnmapped = 30
