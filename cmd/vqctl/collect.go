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

	"ventriloquist/internal/hint"
	"ventriloquist/internal/imessage"
	"ventriloquist/internal/store"
)

// defaultSource is where a Mac keeps its messages.
const defaultSource = "~/Library/Messages/chat.db"

type collectOptions struct {
	source   string
	dataDir  string
	keepGone bool
	json     bool
}

func newCollectCommand() *cli.Command {
	var o collectOptions
	return &cli.Command{
		Name:  "collect",
		Usage: "read the message history into messages.db",
		Description: `Reads chat.db of a Mac, or the unencrypted backup of an iPhone, and never changes it. messages.db then holds what
the source holds: run it again at any time.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "source", Value: defaultSource, Usage: "chat.db, or the folder of an iOS backup", Destination: &o.source},
			&cli.StringFlag{Name: "data-dir", Value: defaultDataDir, Usage: "folder of messages.db", Destination: &o.dataDir},
			&cli.BoolFlag{Name: "keep-gone", Usage: "keep messages that are no longer in the source", Destination: &o.keepGone},
			&cli.BoolFlag{Name: "json", Usage: "print the summary as a JSON object", Destination: &o.json},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return hint.Usage("collect takes no argument, but got %q: name the database with --source", c.Args().First())
			}
			return runCollect(ctx, o, os.Stdout)
		},
	}
}

// runCollect fills messages.db from the source and tells out about it.
func runCollect(ctx context.Context, o collectOptions, out io.Writer) error {
	path, err := expandHome(o.source)
	if err != nil {
		return err
	}
	source, err := imessage.Open(ctx, path)
	if err != nil {
		return err
	}
	defer source.Close()
	target := filepath.Join(o.dataDir, "messages.db")
	summary, err := collect(ctx, source, target, o.keepGone)
	if err != nil {
		return err
	}
	result := newCollectResult(source.Path(), target, &summary)
	if o.json {
		return json.NewEncoder(out).Encode(result)
	}
	return result.print(out)
}

// collect fills the database at target. One that did not exist before does not exist after a failure either.
func collect(ctx context.Context, source *imessage.Source, target string, keepGone bool) (summary imessage.Summary, err error) {
	_, missing := os.Stat(target)
	db, err := store.Create(ctx, target)
	if err != nil {
		return summary, err
	}
	defer func() {
		db.Close()
		if err != nil && errors.Is(missing, os.ErrNotExist) {
			os.Remove(target)
		}
	}()
	report, finish := newProgress("rows", "rows")
	defer finish()
	return imessage.Collect(ctx, source, db, imessage.Options{KeepGone: keepGone, Progress: report})
}

// expandHome replaces the ~ of a path, which a shell leaves alone in --source=~/….
func expandHome(path string) (string, error) {
	rest, found := strings.CutPrefix(path, "~/")
	if !found {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", hint.With(fmt.Errorf("cannot find your home folder: %w", err), "name the database with --source")
	}
	return filepath.Join(home, rest), nil
}

// collectResult is what --json prints.
type collectResult struct {
	Source        string `json:"source"`
	Database      string `json:"database"`
	Rows          int64  `json:"rows"`
	Messages      int64  `json:"messages"` // now in the database, reactions among them; a row may give several
	Conversations int64  `json:"conversations"`
	// Fates are where the rows went; their numbers add up to Rows.
	Fates []rowFate `json:"fates"`
	Gone  int64     `json:"gone"` // rows of the last time that the source no longer has
	Kept  bool      `json:"kept"` // with --keep-gone
}

type rowFate struct {
	Fate string `json:"fate"`
	Rows int64  `json:"rows"`
}

func newCollectResult(source, target string, s *imessage.Summary) *collectResult {
	r := &collectResult{Source: source, Database: target, Rows: s.Total, Messages: s.Messages, Conversations: s.Conversations,
		Gone: s.Gone, Kept: s.Kept, Fates: []rowFate{}}
	for fate, n := range s.Rows {
		if n > 0 {
			r.Fates = append(r.Fates, rowFate{imessage.Fate(fate).String(), n})
		}
	}
	return r
}

func (r *collectResult) print(out io.Writer) error {
	text := fmt.Sprintf("%d rows in %s:\n", r.Rows, r.Source)
	width := len(fmt.Sprint(r.Rows)) + 2
	for _, f := range r.Fates {
		text += fmt.Sprintf("%*d %s\n", width, f.Rows, f.Fate)
	}
	text += fmt.Sprintf("%d messages, reactions included, of %d conversations are in %s\n", r.Messages, r.Conversations, r.Database)
	if r.Gone > 0 && r.Kept {
		text += fmt.Sprintf("%d messages are no longer in the source and were kept\n", r.Gone)
	} else if r.Gone > 0 {
		text += fmt.Sprintf("%d messages were no longer in the source and are gone (--keep-gone keeps such)\n", r.Gone)
	}
	_, err := io.WriteString(out, text)
	return err
}
