package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/stats"
	"ventriloquist/internal/usererr"
)

type statsOptions struct {
	contactsOptions
	html   string
	zone   string
	top    int
	person string // the person to show in detail; "" for tables of everyone
}

func newStatsCommand() *cli.Command {
	var o statsOptions
	return &cli.Command{
		Name:      "stats",
		Usage:     "show statistics: volume, activity, reply times, vocabulary",
		ArgsUsage: "[NAME]",
		Description: `Counts the messages of messages.db per person and per group. Reply times, first messages and silence of a person are those
of the direct conversation; a silence of 8 hours ends a session. Distinctive words are those that a person uses more than
all others do. With a NAME it shows one person in detail, by hour and month.`,
		Flags: append(o.contactsOptions.flags(),
			&cli.StringFlag{Name: "html", Usage: "write a page with charts to `FILE` (it needs no network)", Destination: &o.html},
			&cli.StringFlag{Name: "zone", Usage: "time `ZONE` of the hours, such as Europe/Berlin (default: this machine's)", Destination: &o.zone},
			&cli.IntFlag{Name: "top", Value: 20, Usage: "`N`: number of people and groups in the tables", Destination: &o.top}),
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() > 1 {
				return usererr.With(usererr.Usage("stats takes one name"), "put a name of several words in quotes")
			}
			o.person = c.Args().First()
			return runStats(ctx, o, stdout)
		},
	}
}

func runStats(ctx context.Context, o statsOptions, out io.Writer) error {
	if o.top < 1 {
		return usererr.Usage("--top is %d: a table shows at least 1", o.top)
	}
	result, err := o.gather(ctx)
	if err != nil {
		return err
	}
	var person *stats.Person
	if o.person != "" {
		if person, err = findPerson(result, o.person); err != nil {
			return err
		}
	}
	if o.html != "" {
		if err := o.writePage(ctx, result); err != nil {
			return err
		}
	}
	return o.print(out, result, person)
}

// writePage writes the page, and records it in messages.db for forget and redact where that can be written.
func (o *statsOptions) writePage(ctx context.Context, result *stats.Report) error {
	recordOutput(ctx, o.dataDir, o.html)
	return atomicfile.Write(o.html, func(w io.Writer) error { return stats.WritePage(w, result) })
}

// gather computes the statistics of messages.db.
func (o *statsOptions) gather(ctx context.Context) (*stats.Report, error) {
	zone, err := timeZone(o.zone)
	if err != nil {
		return nil, err
	}
	db, book, self, err := openBook(ctx, &o.contactsOptions)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	reader, err := db.Reader(ctx, nil)
	if err != nil {
		return nil, err
	}
	options := stats.Options{Owner: cmp.Or(strings.TrimSpace(self.Name), "you"), People: book.Person, Zone: zone}
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

// print writes tables of everyone, or the details of a person.
func (o *statsOptions) print(out io.Writer, result *stats.Report, person *stats.Person) (err error) {
	switch {
	case o.json && person != nil:
		return json.NewEncoder(out).Encode(person)
	case o.json:
		return json.NewEncoder(out).Encode(result)
	case person != nil:
		err = printPerson(out, person)
	default:
		err = printStats(out, result, o.top)
	}
	if err == nil && o.html != "" {
		_, err = fmt.Fprintf(out, "\nthe page is in %s\n", o.html)
	}
	return err
}

func printStats(out io.Writer, r *stats.Report, top int) error {
	fmt.Fprintf(out, "%d messages from %s to %s, times of %s\n\n", r.Messages, day(r.From), day(r.To), r.Zone)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "who\tmessages\twords\treactions\treplies in\tyou reply in\tbegins\tsilence\tby month\temoji\tdistinctive words")
	for _, p := range r.People[:min(top, len(r.People))] {
		begins := "–"
		if p.Sessions > 0 {
			begins = fmt.Sprintf("%.0f%%", 100*float64(p.Started)/float64(p.Sessions))
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%.0f%%\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.Name, p.Messages, p.Words, 100*p.ReactionShare, stats.Duration(p.Reply.Median),
			stats.Duration(p.OwnerReply.Median), begins, silenceInWords(p.Silence), sparkline(p.Months), emojiInWords(p.Emoji), wordsInWords(p.Beyond))
	}
	if len(r.Groups) > 0 {
		fmt.Fprintln(table, "\nyou and\tmessages\twords\treactions\treplies in\t\tbegins most\tsilence\tby month\temoji\tdistinctive words")
	}
	for _, g := range r.Groups[:min(top, len(r.Groups))] {
		begins := "–"
		if len(g.Started) > 0 {
			begins = g.Started[0].Name
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%.0f%%\t%s\t\t%s\t%s\t%s\t%s\t%s\n", strings.Join(g.Members, ", "), g.Messages, g.Words, 100*g.ReactionShare, stats.Duration(g.Reply.Median),
			begins, silenceInWords(g.Silence), sparkline(g.Months), emojiInWords(g.Emoji), wordsInWords(g.Beyond))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if more := max(len(r.People)-top, 0) + max(len(r.Groups)-top, 0); more > 0 {
		_, err := fmt.Fprintf(out, "and %d more (--top, --json)\n", more)
		return err
	}
	return nil
}

func silenceInWords(s *stats.Silence) string {
	if s == nil {
		return "–"
	}
	return s.Length()
}

// shownInTable is the maximum number of emoji, and of words, per row.
const shownInTable = 4

func emojiInWords(list []stats.Count) string {
	var out []string
	for _, e := range list[:min(shownInTable, len(list))] {
		out = append(out, e.Name)
	}
	return strings.Join(out, " ")
}

func wordsInWords(list []stats.Usage) string {
	var out []string
	for _, u := range list[:min(shownInTable, len(list))] {
		out = append(out, u.Word)
	}
	return strings.Join(out, ", ")
}

// sparkline draws the last two years, one character per month.
func sparkline(months []stats.Month) string {
	const most = 24
	months = months[max(len(months)-most, 0):]
	top := 1
	for _, m := range months {
		top = max(top, m.Messages)
	}
	levels := []rune("▁▂▃▄▅▆▇█")
	var out strings.Builder
	for _, m := range months {
		out.WriteRune(levels[m.Messages*(len(levels)-1)/top])
	}
	return out.String()
}
