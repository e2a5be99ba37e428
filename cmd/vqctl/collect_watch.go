package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// watchInterval is how often the sizes and times of a watched database's files are checked.
const watchInterval = time.Second

// watch collects a database again whenever its files change, until the context ends. first is the result of the collect
// before, and stamp the state of the files before that.
func watch(ctx context.Context, o *collectOptions, kind *format, path, stamp string, first *collectResult, out io.Writer) error {
	if !o.json {
		notice("watching %s; press Ctrl-C to stop", path)
	}
	last := first
	for {
		var err error
		if stamp, err = waitForChange(ctx, kind, path, stamp); err != nil {
			return err
		}
		result, err := collect(ctx, o, kind, path)
		if err != nil {
			return err
		}
		if err := result.printChange(out, last, o.json); err != nil {
			return err
		}
		if err := result.damage(); err != nil {
			return err
		}
		last = result
	}
}

// waitForChange waits until the files of a database differ from the stamp, and returns their new one.
func waitForChange(ctx context.Context, kind *format, path, stamp string) (string, error) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		now, err := kind.stamp(path)
		if err != nil {
			return "", err
		}
		if now != stamp {
			return now, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// stamp returns the state of the source's files if they are to be watched, else "".
func (o *collectOptions) stamp(kind *format, path string) (string, error) {
	switch {
	case !o.watch:
		return "", nil
	case kind.stamp == nil:
		return "", usererr.Usage("--watch follows a chat.db, and %s is an export: collect it again when there is a new one", o.source)
	}
	return kind.stamp(path)
}

// printChange prints what changed since the last time, or nothing if no message did.
func (r *collectResult) printChange(out io.Writer, last *collectResult, asJSON bool) error {
	if r.Changed == 0 && r.Gone == 0 {
		return nil
	}
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	text := fmt.Sprintf("%s  %s new or changed", time.Now().Format(time.TimeOnly), terminal.Quantity(r.Changed, "row"))
	if r.Changed == r.Rows {
		text = fmt.Sprintf("%s  all %s read again", time.Now().Format(time.TimeOnly), terminal.Quantity(r.Rows, "row"))
	}
	if r.Gone > 0 {
		text += fmt.Sprintf(", %s gone", terminal.Quantity(r.Gone, "message"))
	}
	text = fmt.Sprintf("%s: %s (%+d) of %s\n", text, terminal.Quantity(r.Messages, "message"), r.Messages-last.Messages, terminal.Quantity(r.Conversations, "conversation"))
	_, err := io.WriteString(out, fitLines(text, terminalWidth(out)))
	return err
}
