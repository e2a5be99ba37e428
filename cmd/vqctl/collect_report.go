package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/terminal"
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
	total := terminal.Count(r.Rows)
	fmt.Fprintf(&text, "%s %s in %s:\n", total, inNumber(r.Rows, r.Unit), r.Source)
	for _, f := range r.Fates {
		fmt.Fprintf(&text, "%*s %s\n", len(total)+2, terminal.Count(f.Rows), inNumber(f.Rows, f.Fate))
	}
	for _, note := range r.Notes {
		text.WriteString(note + "\n")
	}
	fmt.Fprintf(&text, "%s\n", storedInWords(r.Messages, r.Conversations, r.Database))
	if r.countsDiffer() {
		text.WriteString("counted over all sources: each part of a message (text, attachment) once, however many sources have it\n")
	}
	switch {
	case r.Read == 0 && r.Rows > 0:
		fmt.Fprintf(&text, "unchanged since the last collect\n")
	case r.Read < r.Rows:
		fmt.Fprintf(&text, "re-read %s that may have changed; %s did\n", terminal.Quantity(r.Read, "row"), terminal.Count(r.Changed))
	}
	switch {
	case r.Gone == 0:
	case len(r.Unreadable) > 0:
		fmt.Fprintf(&text, "%s of the last collect not found, and kept, since the source is damaged\n", terminal.Quantity(r.Gone, "message"))
	case r.Kept:
		fmt.Fprintf(&text, "%s no longer in the source, and kept\n", terminal.Quantity(r.Gone, "message"))
	default:
		fmt.Fprintf(&text, "%s removed: no longer in the source (--keep-gone keeps such messages)\n", terminal.Quantity(r.Gone, "message"))
	}
	if r.Forgotten > 0 {
		fmt.Fprintf(&text, "%s of forgotten people left out\n", terminal.Quantity(r.Forgotten, "message"))
	}
	if r.Damaged != nil {
		fmt.Fprintf(&text, "%s damaged; the text that could be recovered was taken: %s\n", terminal.Quantity(r.Damaged.Count, "body"), rowsInWords(r.Damaged))
	}
	for _, value := range slices.Sorted(maps.Keys(r.Unknown)) {
		fmt.Fprintf(&text, "%s with a value that this program does not know, kept as events: %s\n", terminal.Quantity(r.Unknown[value], "row"), value)
	}
	_, err := io.WriteString(out, fitLines(text.String(), terminalWidth(out)))
	return err
}

// countsDiffer reports whether the database has another number of messages than the source has rows that are messages.
func (r *collectResult) countsDiffer() bool {
	rows := int64(0)
	for _, f := range r.Fates {
		if f.Fate == sources.Messages.String() || f.Fate == sources.Reactions.String() {
			rows += f.Rows
		}
	}
	return rows != r.Messages
}

// inNumber returns what is counted, a unit or a fate of a source, in the singular for one.
func inNumber(n int64, counted string) string {
	if one, differs := singular[counted]; differs && n == 1 {
		return one
	}
	return counted
}

// singular has the units and fates that differ in the singular.
var singular = map[string]string{
	"rows": "row", "lines": "line", "messages and reactions": "message or reaction", "rows and reactions": "row or reaction",
	"messages": "message", "further lines of messages": "further line of a message", "reactions": "reaction", "reactions taken back": "reaction taken back",
	"reactions to absent messages": "reaction to an absent message", "group events": "group event", "events": "event", "stickers": "sticker",
	"poll votes": "poll vote", "of channels": "of a channel",
}

// storedInWords says how many messages are in a file.
func storedInWords(messages, conversations int64, file string) string {
	verb := "are"
	if messages == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%s, reactions included, of %s %s in %s", terminal.Quantity(messages, "message"), terminal.Quantity(conversations, "conversation"), verb, file)
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
