package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// collectResult is what collect --json prints.
type collectResult struct {
	Source   string `json:"source"`
	Unit     string `json:"unit"` // what Rows counts
	Database string `json:"database"`
	Rows     int64  `json:"rows"`
	// Read counts the rows read this time, and Changed those of them that differ from the last time.
	Read          int64 `json:"rows_read"`
	Changed       int64 `json:"rows_changed"`
	Messages      int64 `json:"messages"` // now in the database, including reactions; a row may become several
	Conversations int64 `json:"conversations"`
	// Fates counts what became of the rows; the counts add up to Rows.
	Fates []rowFate `json:"fates"`
	Gone  int64     `json:"gone"` // messages of the last collect that the source no longer has
	// Forgotten are messages left out because their sender was forgotten.
	Forgotten int64 `json:"forgotten,omitempty"`
	Kept      bool  `json:"kept"` // with --keep-gone
	// Damaged lists rows whose body cannot be decoded. Unknown counts values that this program does not know, by column.
	Damaged *sources.RowList `json:"damaged_bodies,omitempty"`
	Unknown map[string]int64 `json:"unknown_values,omitempty"`
	// Unreadable names the parts of a damaged file that cannot be read.
	Unreadable []string `json:"unreadable,omitempty"`
	repair     string   // how to repair it
	// Notes are remarks on an export as a whole.
	Notes []string `json:"notes,omitempty"`
}

type rowFate struct {
	Fate string `json:"fate"`
	Rows int64  `json:"rows"`
}

func newCollectResult(source sources.Source, target string, s *sources.Summary) *collectResult {
	r := &collectResult{Source: source.Path(), Unit: source.Unit(), Database: target, Rows: s.Total, Read: s.Read, Changed: s.Changed,
		Messages: s.Messages, Conversations: s.Conversations, Gone: s.Gone, Kept: s.Kept, Forgotten: s.Forgotten, Fates: []rowFate{},
		Unknown: s.Unknown, Unreadable: s.Unreadable, repair: s.Repair, Notes: s.Notes}
	if s.Damaged.Count > 0 {
		r.Damaged = &s.Damaged
	}
	for _, fate := range source.Fates() {
		if n := s.Rows[fate]; n > 0 {
			r.Fates = append(r.Fates, rowFate{fate.String(), n})
		}
	}
	return r
}

func (r *collectResult) print(out io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%d %s in %s:\n", r.Rows, r.Unit, r.Source)
	width := len(fmt.Sprint(r.Rows)) + 2
	for _, f := range r.Fates {
		fmt.Fprintf(&text, "%*d %s\n", width, f.Rows, f.Fate)
	}
	for _, note := range r.Notes {
		text.WriteString(note + "\n")
	}
	fmt.Fprintf(&text, "%d messages, reactions included, of %d conversations are in %s\n", r.Messages, r.Conversations, r.Database)
	switch {
	case r.Read == 0 && r.Rows > 0:
		fmt.Fprintf(&text, "unchanged since the last collect\n")
	case r.Read < r.Rows:
		fmt.Fprintf(&text, "re-read %d rows that may have changed; %d did\n", r.Read, r.Changed)
	}
	switch {
	case r.Gone == 0:
	case len(r.Unreadable) > 0:
		fmt.Fprintf(&text, "%d messages of the last collect were not found; they were kept, since the source is damaged\n", r.Gone)
	case r.Kept:
		fmt.Fprintf(&text, "%d messages are no longer in the source and were kept\n", r.Gone)
	default:
		fmt.Fprintf(&text, "%d messages were no longer in the source and are gone (--keep-gone keeps them)\n", r.Gone)
	}
	if r.Forgotten > 0 {
		fmt.Fprintf(&text, "%d messages of forgotten people were left out\n", r.Forgotten)
	}
	if r.Damaged != nil {
		fmt.Fprintf(&text, "%d bodies are damaged; the text that could be recovered was taken: %s\n", r.Damaged.Count, rowsInWords(r.Damaged))
	}
	for _, value := range slices.Sorted(maps.Keys(r.Unknown)) {
		fmt.Fprintf(&text, "%d rows have a value that this program does not know; they were kept as events: %s\n", r.Unknown[value], value)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// rowsInWords returns the numbers of the rows in a list.
func rowsInWords(l *sources.RowList) string {
	text := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(l.First)), ", "), "[]")
	if l.Count > int64(len(l.First)) {
		text += ", …"
	}
	return "row " + text
}

// damage returns an error if parts of the source could not be read.
func (r *collectResult) damage() error {
	if len(r.Unreadable) == 0 {
		return nil
	}
	err := errors.New("parts of " + r.Source + " cannot be read: " + strings.Join(r.Unreadable, "; "))
	if r.repair == "" {
		return usererr.With(err, "what could be read is in %s; for the rest, make the export again, or take it from a backup", r.Database)
	}
	return usererr.With(err, "what could be read is in %s; for the rest, %s", r.Database, r.repair)
}
