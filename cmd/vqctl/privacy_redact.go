package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/privacy"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

type redactOptions struct {
	dataDir   string
	outputDir string
	kinds     []string
	dryRun    bool
	json      bool
}

func newRedactCommand() *cli.Command {
	var o redactOptions
	return &cli.Command{
		Name:  "redact",
		Usage: "replace phone numbers, keys and other private values in the messages",
		Description: `Replaces private values in all texts of messages.db: phone numbers, e-mail addresses, numbers of cards, accounts and
ids, one-time codes, PINs, postal addresses, coordinates, keys, passwords and seed phrases. The same value gets the same stand-in everywhere. From then on collect and
preprocess also redact new messages. To undo it, delete messages.db and collect again. The addresses of people stay, since
they identify who writes; they are never in a window.`,
		Flags: []cli.Flag{
			dataDirFlag(&o.dataDir),
			&cli.StringSliceFlag{Name: "kinds", Usage: "`LIST` of the kinds to redact, of " + kindNames() + " (default: all)", Destination: &o.kinds},
			&cli.StringFlag{Name: "output-dir", Value: defaultOutputDir, Usage: "`DIR`: folder of training runs, whose samples are redacted too", Destination: &o.outputDir},
			&cli.BoolFlag{Name: "dry-run", Usage: "only report what would be redacted", Destination: &o.dryRun},
			&cli.BoolFlag{Name: "json", Usage: "print the report as a JSON object", Destination: &o.json},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c, ""); err != nil {
				return err
			}
			return runRedact(ctx, o, stdout)
		},
	}
}

func kindNames() string {
	var list []string
	for _, k := range privacy.Kinds() {
		list = append(list, string(k))
	}
	return strings.Join(list, ", ")
}

// redactResult is what --json prints.
type redactResult struct {
	Database string            `json:"database"`
	DryRun   bool              `json:"dry_run"`
	Kinds    []privacy.Kind    `json:"kinds"` // that are redacted from now on
	Found    []privacy.Finding `json:"found"`
	Texts    int               `json:"texts"` // with findings
	// Samples is how many samples in the logs of training runs were redacted.
	Samples int `json:"samples"`
	// Stale lists window files that may hold texts before redaction.
	Stale []string `json:"stale_files"`
	// Moved lists files that are no longer where they were written.
	Moved []string `json:"moved_files"`
}

func runRedact(ctx context.Context, o redactOptions, out io.Writer) error {
	kinds, err := chosenKinds(o.kinds)
	if err != nil {
		return err
	}
	open := openToChange
	if o.dryRun {
		open = openDatabase
	}
	db, err := open(ctx, o.dataDir)
	if err != nil {
		return err
	}
	defer db.Close()
	self, err := ownerFromSettings().WithFoundAddresses(ctx, db)
	if err != nil {
		return err
	}
	policy, err := privacy.LoadOrNew(ctx, db, self.Addresses)
	if err != nil {
		return err
	}
	policy.AddKinds(kinds)
	looking := policy.Redactor()
	report, finish := newProgress("looking for private data", "texts")
	look, looked := countCalls(looking.Text, func(n int64) { report(n, 0) })
	err = db.EachText(ctx, func(text string) { look(text) })
	finish()
	if err != nil {
		return err
	}
	result := redactResult{Database: db.Path(), DryRun: o.dryRun, Kinds: policy.Kinds(), Stale: []string{}, Moved: []string{}}
	result.Found, result.Texts = looking.Findings()
	if !o.dryRun {
		if err := checkReadable(ctx, db, filepath.Join(o.dataDir, contactsName), o.outputDir); err != nil {
			return err
		}
		if err := redactDatabase(ctx, db, policy, *looked); err != nil {
			return err
		}
		if err := removeDefaultExport(ctx, db, o.dataDir); err != nil {
			return err
		}
		written, err := findWritten(ctx, db, filepath.Join(o.dataDir, contactsName), o.outputDir)
		if err != nil {
			return err
		}
		if result.Samples, result.Stale, err = written.redactLogs(policy); err != nil {
			return err
		}
		result.Moved = written.moved
	}
	if o.json {
		return json.NewEncoder(out).Encode(result)
	}
	return result.print(out)
}

// redactDatabase redacts all texts; their approximate number is for the progress bar.
func redactDatabase(ctx context.Context, db *messages.DB, policy *privacy.Policy, texts int64) error {
	report, finish := newProgress("redacting", "texts")
	defer finish()
	text, _ := countCalls(policy.Redactor().Text, func(n int64) { report(min(n, texts), texts) })
	return policy.Redact(ctx, db, text)
}

// countCalls returns f with a counter of its calls, which it reports now and then.
func countCalls(f func(string) string, report func(n int64)) (counting func(string) string, calls *int64) {
	calls = new(int64)
	return func(s string) string {
		if *calls++; *calls%1024 == 0 {
			report(*calls)
		}
		return f(s)
	}, calls
}

func chosenKinds(names []string) ([]privacy.Kind, error) {
	if len(names) == 0 {
		return privacy.Kinds(), nil
	}
	var kinds []privacy.Kind
	for _, name := range names {
		if !slices.Contains(privacy.Kinds(), privacy.Kind(name)) {
			return nil, usererr.With(usererr.Usage("unknown kind %q", name), "the kinds are %s", kindNames())
		}
		kinds = append(kinds, privacy.Kind(name))
	}
	return kinds, nil
}

func (r *redactResult) print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(r.Found) > 0 {
		fmt.Fprintf(table, "found\tdistinct\n")
	}
	for _, f := range r.Found {
		fmt.Fprintf(table, "%s\t%s\t%s\n", terminal.Count(int64(f.Found)), terminal.Count(int64(f.Distinct)), f.Kind.Describe())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	text := fmt.Sprintf("%s with private values in %s", terminal.Quantity(r.Texts, "text"), r.Database)
	if r.DryRun {
		text += "; nothing was changed\n"
	} else {
		text += ", redacted\nrun `vqctl preprocess` again: the training windows held the old texts and were removed\n"
	}
	if r.Samples > 0 {
		text += fmt.Sprintf("%s in the logs of training runs, redacted\n", terminal.Quantity(r.Samples, "sample"))
	}
	for _, path := range r.Stale {
		text += fmt.Sprintf("%s may hold the old texts\n", path)
	}
	text += movedInWords(r.Moved)
	_, err := io.WriteString(out, fitLines(text, terminalWidth(out)))
	return err
}
