package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/stats"
	"ventriloquist/internal/usererr"
)

type statsOptions struct {
	contactsOptions
	html   string
	open   bool
	zone   string
	top    int
	person string // the person to show in detail; "" for tables of everyone
}

func newStatsCommand() *cli.Command {
	var o statsOptions
	return &cli.Command{
		Name:      "stats",
		Usage:     "show who writes how much, when, and how fast they reply",
		ArgsUsage: "[NAME]",
		Description: `Counts the messages of messages.db per person and per group; with a NAME, shows one person in detail. The table shows as
many columns as fit into the terminal; --json has all figures.

reply   typical (median) reply time, in the direct conversation
your reply   your typical reply time
starts   share of conversations that the person starts; after 8 hours of silence a conversation starts anew
silence   longest time without a message
reactions   share of reactions in all that the person sends
characteristic words   words that the person uses more than everyone else`,
		Flags: append(o.contactsOptions.flags(),
			&cli.StringFlag{Name: "html", Usage: "write a page with charts to `FILE`, and print its path", Destination: &o.html},
			&cli.BoolFlag{Name: "open", Usage: "open the page in the browser (default file: stats.html in --data-dir)", Destination: &o.open},
			&cli.StringFlag{Name: "zone", Usage: "time `ZONE` of the hours, such as Europe/Berlin (default: this machine's)", Destination: &o.zone},
			&cli.IntFlag{Name: "top", Value: 20, Usage: "`N`: number of people and groups in the tables", Destination: &o.top}),
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() > 1 {
				return usererr.With(usererr.Usage("stats takes one name"), "put a name of several words in quotes")
			}
			o.person = c.Args().First()
			if c.IsSet("html") && o.html == "" {
				return usererr.Usage("--html is empty: name the file to write")
			}
			if o.open && o.html == "" {
				o.html = filepath.Join(o.dataDir, "stats.html")
			}
			return runStats(ctx, o, stdout)
		},
	}
}

func (o *statsOptions) check() error {
	switch {
	case o.top < 1:
		return usererr.Usage("--top is %d, must be at least 1", o.top)
	case o.html != "" && o.person != "":
		return usererr.With(usererr.Usage("the page is about everyone, not only %q", o.person), "leave out the name: each person has a card on the page")
	}
	return nil
}

// checkPage returns an error if the page cannot be written where it is to be.
func (o *statsOptions) checkPage() error {
	if o.html == "" {
		return nil
	}
	return checkPagePath(o.html, "stats.html")
}

func runStats(ctx context.Context, o statsOptions, out io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	db, book, self, err := openBook(ctx, &o.contactsOptions)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := o.checkPage(); err != nil {
		return err
	}
	result, err := o.gather(ctx, db, book, self)
	if err != nil {
		return err
	}
	if o.html != "" {
		recordOutputIn(ctx, db, o.html)
		if err := writeHTML(o.html, func(page io.Writer) error { return stats.WritePage(page, result) }); err != nil {
			return err
		}
		if o.open {
			openInBrowser(ctx, o.html)
		}
	}
	return o.print(out, result)
}

// gather computes the statistics of messages.db.
func (o *statsOptions) gather(ctx context.Context, db *messages.DB, book *people.Book, self people.Self) (*stats.Report, error) {
	zone, err := timeZone(o.zone)
	if err != nil {
		return nil, err
	}
	reader, err := db.Reader(ctx, nil)
	if err != nil {
		return nil, err
	}
	options := stats.Options{Owner: cmp.Or(strings.TrimSpace(self.Name), "you"), People: book.Person, Zone: namedZone(zone)}
	if options.Names, err = reader.Names(ctx); err != nil {
		return nil, err
	}
	report, finish := newProgress("reading messages", "messages")
	defer finish()
	options.Progress = report
	result, err := stats.Gather(ctx, db, options)
	if err == nil && result.Messages == 0 {
		err = usererr.With(fmt.Errorf("%s holds no messages", db.Path()), "run: vqctl collect")
	}
	return result, err
}

// print writes tables of everyone, the details of a person, or the path of the page.
func (o *statsOptions) print(out io.Writer, result *stats.Report) error {
	var shown any = result
	if o.person != "" {
		person, err := findPerson(result, o.person)
		if err != nil {
			return err
		}
		if !o.json {
			return printPerson(out, person, terminalWidth(out))
		}
		shown = person
	}
	switch {
	case o.json:
		return json.NewEncoder(out).Encode(shown)
	case o.html != "":
		_, err := fmt.Fprintln(out, o.html)
		return err
	}
	return printStats(out, result, o.top, terminalWidth(out))
}
