package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

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
	if err := printListed(buffered, census); err != nil {
		return err
	}
	if len(census.Unmapped) > 0 {
		table := tabwriter.NewWriter(buffered, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "\nmessages\tlost without them\tgroups\tlast\tnot in %s\n", file)
		for _, u := range census.Unmapped[:min(shownUnmapped, len(census.Unmapped))] {
			fmt.Fprintf(table, "%d\t%d\t%d\t%s\t%s\n", u.Messages, u.LeftOut, u.Groups, day(u.Last), strings.TrimSpace(u.Address+"  "+u.Name))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if len(census.Unmapped) == 0 {
		return nil
	}
	text := ""
	if more := len(census.Unmapped) - shownUnmapped; more > 0 {
		text = fmt.Sprintf("and %d more (--json lists all)\n", more)
	}
	text += fmt.Sprintf("without them the windows lose %s of %s, %s of them groups\n",
		some(int(census.LeftOut.Messages), "message"), some(census.LeftOut.Conversations, "conversation"), terminal.Count(int64(census.LeftOut.Groups)))
	text += "`vqctl contacts suggest` takes names from an address book; `vqctl contacts add NAME ID…` adds a person\n"
	_, err = io.WriteString(buffered, text)
	return err
}

// printListed prints the table of contacts line by line: a tabwriter would hold all of it.
func printListed(out io.Writer, census *people.Census) error {
	const count, conversations, last = "messages", "conversations", "last"
	widths := [3]int{len(count), len(conversations), len(last)}
	for _, p := range census.Listed {
		for i, cell := range []string{strconv.FormatInt(p.Messages, 10), strconv.Itoa(p.Conversations), day(p.Last)} {
			widths[i] = max(widths[i], len(cell))
		}
	}
	widths[0] = max(widths[0], len(strconv.FormatInt(census.Owner, 10)))
	line := func(messages, conversations, last, name string) error {
		_, err := fmt.Fprintf(out, "%-*s  %-*s  %-*s  %s\n", widths[0], messages, widths[1], conversations, widths[2], last, name)
		return err
	}
	err := line(count, conversations, last, "contact")
	for i := 0; i < len(census.Listed) && err == nil; i++ {
		p := &census.Listed[i]
		err = line(strconv.FormatInt(p.Messages, 10), strconv.Itoa(p.Conversations), day(p.Last), p.Name)
	}
	if err == nil {
		err = line(strconv.FormatInt(census.Owner, 10), "", "", "you")
	}
	return err
}

// shownUnmapped is the maximum number of unmapped addresses in the table.
const shownUnmapped = 30
