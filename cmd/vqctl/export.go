package main

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/export"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/usererr"
)

type exportOptions struct {
	contactsOptions
	format       string
	output       string
	person       []string
	group        string
	since, until string
	zone         string
	model        exportModelOptions
}

func newExportCommand() *cli.Command {
	var o exportOptions
	return &cli.Command{
		Name:      "export",
		Usage:     "write the collected messages, or the trained model for other programs",
		ArgsUsage: "[--check PATH]",
		Description: `With --format jsonl, csv or txt, writes the messages of messages.db, a conversation after the other, for other programs or for
reading. What collect reads from an export in JSON lines is the same history: replies, reactions, edits, deletions, attachments and
members. docs/sources.md describes the form. CSV and text have the names of the contacts file.

With --format gguf, writes the base model with the adapter merged into it as one file for llama.cpp and programs that are built on
it. With --format safetensors, writes the same as a folder for transformers. With --format peft, gguf-lora or mlx, writes the adapter
alone, as PEFT, llama.cpp and mlx-lm read it. These programs continue a window's text as the person whose name it ends with. With
--format ollama, writes a folder for ollama create, whose model answers as --person; docs/export.md shows how.

--check compares what was written with the model that it was made from: each weight, and the greedy texts and probabilities of 20
held-out windows. With --check and a PATH, only that is done, for an export that is there already.`,
		Flags: slices.Concat(
			inGroup(filterGroup,
				&cli.StringSliceFlag{Name: "person", Usage: "only conversations with the person `NAME`, or with an address (repeatable); with ollama: who answers", Destination: &o.person},
				&cli.StringFlag{Name: "group", Usage: "only the conversation of exactly these people and you: comma-separated `NAMES`", Destination: &o.group},
				&cli.StringFlag{Name: "since", Usage: "skip messages before this `DATE`: 2020, 2020-05 or 2020-05-31", Destination: &o.since},
				&cli.StringFlag{Name: "until", Usage: "skip messages after this `DATE`: the end of 2020, 2020-05 or 2020-05-31", Destination: &o.until}),
			inGroup(outputGroup,
				&cli.StringFlag{Name: "format", Value: export.Formats[0], Usage: "`FORMAT`: " + strings.Join(slices.Concat(export.Formats, modelFormats), ", "), Destination: &o.format},
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, or for safetensors and peft to a new folder, which only you can read (default: standard output)", Destination: &o.output},
				&cli.StringFlag{Name: "zone", Usage: "time `ZONE` of the times, such as Europe/Berlin (default: this machine's)", Destination: &o.zone},
				dataDirFlag(&o.dataDir),
				contactsFlag(&o.contacts)),
			exportModelFlags(&o.model)),
		Action: func(ctx context.Context, c *cli.Command) error {
			if slices.Contains(modelFormats, o.format) || o.model.check && c.Args().Present() {
				return o.exportModel(ctx, c)
			}
			if o.model.check && !c.IsSet("format") {
				return usererr.With(usererr.Usage("--check: which export?"), "name its file or folder: vqctl export --check PATH; or write one with --format and --output")
			}
			if err := noArguments(c, "name the file with --output"); err != nil {
				return err
			}
			if err := refuseFlags(c, o.format, modelExportFlags); err != nil {
				return err
			}
			return runExport(ctx, o, dataOutput())
		},
	}
}

// exportModel writes a model, or checks the one that the argument names.
func (o exportOptions) exportModel(ctx context.Context, c *cli.Command) (err error) {
	if o.model.model, err = modelOptionsOf(c); err != nil {
		return err
	}
	format := o.format
	if c.Args().Present() {
		format = "of a model to check"
	}
	if err := refuseFlags(c, format, messageExportFlags); err != nil {
		return err
	}
	if o.model.check && c.Args().Len() == 1 {
		if err := refuseFlags(c, format, []string{"format", "output", "type", "person", "with"}); err != nil {
			return err
		}
		return runExportCheck(ctx, o, c.Args().First(), stdout)
	}
	if err := noArguments(c, "name the output with --output"); err != nil {
		return err
	}
	if !o.model.check {
		if err := refuseFlags(c, format+" without --check", []string{"data-path", "gpu", "cpu", "precision", "threads"}); err != nil {
			return err
		}
	}
	return runExportModel(ctx, o, stdout)
}

// runExport writes the messages to the file, or to out.
func runExport(ctx context.Context, o exportOptions, out io.Writer) error {
	if !slices.Contains(export.Formats, o.format) {
		return usererr.Usage("--format %q is none of %s", o.format, strings.Join(slices.Concat(export.Formats, modelFormats), ", "))
	}
	options := export.Options{Format: o.format}
	var err error
	if options.Zone, err = timeZone(o.zone); err != nil {
		return err
	}
	if options.Since, options.Until, err = o.span(options.Zone); err != nil {
		return err
	}
	db, book, self, err := openBook(ctx, &o.contactsOptions)
	if err != nil {
		return err
	}
	defer db.Close()
	lookup := people.Lookup(book.Person)
	reader, err := db.Reader(ctx, lookup.Key)
	if err != nil {
		return err
	}
	options.Join = func(list []messages.Conversation) (groups [][]messages.Conversation) {
		for _, c := range lookup.Conversations(list) {
			groups = append(groups, c.Parts)
		}
		return groups
	}
	if options.Names, err = reader.Names(ctx); err != nil {
		return err
	}
	options.Owner = cmp.Or(strings.TrimSpace(self.Name), "me")
	options.Name = nameOf(book, options.Names)
	if options.Select, err = o.selection(ctx, reader, book, options.Names); err != nil {
		return err
	}
	if o.output == "" {
		_, err = export.Write(ctx, out, reader, options)
		return err
	}
	switch err := db.AddOutput(ctx, o.output); { // forget and redact are to know it
	case messages.IsReadOnly(err): // they cannot change such a folder either
		noticeUnrecorded(o.output, err)
	case err != nil:
		return err
	}
	var summary export.Summary
	err = atomicfile.Write(o.output, func(w io.Writer) (err error) {
		summary, err = export.Write(ctx, w, reader, options)
		return err
	})
	if err != nil {
		return err
	}
	notice("%s", storedInWords(int64(summary.Messages), int64(summary.Conversations), o.output))
	return nil
}

// span reads --since and --until, which are days in the zone of the export.
func (o *exportOptions) span(zone *time.Location) (since, until time.Time, err error) {
	if since, _, err = parsePeriod("--since", o.since); err != nil {
		return since, until, err
	}
	if _, until, err = parsePeriod("--until", o.until); err != nil {
		return since, until, err
	}
	in := func(day time.Time) time.Time {
		if day.IsZero() {
			return day
		}
		return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
	}
	since, until = in(since), in(until)
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		return since, until, usererr.Usage("no message is both since %s and until %s", o.since, o.until)
	}
	return since, until, nil
}

// nameOf returns what people are called: by the contacts file, else by their source, else by their address.
func nameOf(book *people.Book, names map[string]string) func(address string) string {
	return func(address string) string {
		if name, listed := book.Person(address); listed {
			return name
		}
		return cmp.Or(names[address], address)
	}
}

// selection returns which conversations --person and --group select, nil for all.
func (o *exportOptions) selection(ctx context.Context, reader *messages.Reader, book *people.Book, names map[string]string) (func(*messages.Conversation) bool, error) {
	var group []string
	for name := range strings.SplitSeq(o.group, ",") {
		if name = strings.TrimSpace(name); name != "" {
			group = append(group, name)
		}
	}
	if len(o.person) == 0 && len(group) == 0 {
		return nil, nil
	}
	is := func(address, wanted string) bool {
		name, listed := book.Person(address)
		return listed && strings.EqualFold(name, wanted) || book.Normalize(address) == book.Normalize(wanted) || strings.EqualFold(names[address], wanted)
	}
	for _, wanted := range slices.Concat(o.person, group) {
		if !slices.ContainsFunc(reader.Addresses(), func(address string) bool { return is(address, wanted) }) {
			known := slices.Concat(book.Names(), reader.Addresses())
			return nil, people.NoSuchPerson(wanted, known, "`vqctl contacts` lists names and addresses")
		}
	}
	return func(c *messages.Conversation) bool {
		has := func(wanted string) bool {
			return slices.ContainsFunc(c.Members, func(m messages.Member) bool { return is(m.Address, wanted) })
		}
		if len(o.person) > 0 && !slices.ContainsFunc(o.person, has) {
			return false
		}
		if len(group) == 0 {
			return true
		}
		for _, m := range c.Members {
			if name, listed := book.Person(m.Address); !m.Absent && !(listed && name == messages.Owner) &&
				!slices.ContainsFunc(group, func(wanted string) bool { return is(m.Address, wanted) }) {
				return false
			}
		}
		return !slices.ContainsFunc(group, func(wanted string) bool { return !has(wanted) })
	}, nil
}
