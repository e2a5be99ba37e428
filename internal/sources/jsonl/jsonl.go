// Package jsonl reads chats from a file of JSON lines, for histories of any program that can be converted to this form:
//
//	{"chat": "pub night", "time": "2024-03-15T19:02:00Z", "name": "John", "text": "who is in?", "reply_to": null}
//
// In: the path of such a file, which may be compressed (.gz). Out: its messages, through source.Sink.
// It must not know contacts, windows or training.
//
// A chat's members are the people who speak in it. "reply_to" is the number, from 0, of the target message within its
// chat.
// A time without a zone is in the machine's zone, or in Reading.Zone.
//
// Lines may say more, as the files do that package export writes: a line of the kind "chat" names the members of a chat, messages
// have identifiers, kinds, attachments and earlier texts, and lines of the kind "deleted" name messages that were unsent.
package jsonl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"ventriloquist/internal/lines"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// Recognize reports whether a file consists of JSON lines with chats.
func Recognize(h *sources.Head) bool {
	for line := range bytes.Lines(bytes.TrimLeft(lines.WithoutMark(h.Text), " \t\r\n")) {
		if isLine(line) {
			return true
		}
		if !bytes.HasPrefix(line, []byte("{")) {
			return false
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(line, &fields) == nil { // a line of another kind; one that is damaged does not tell
			return false
		}
	}
	return false
}

// isLine reports whether a line is one of a chat.
func isLine(line []byte) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(line, &fields) != nil {
		return false
	}
	names := []string{"chat", "time", "name", "text"}
	if string(fields["kind"]) == `"chat"` {
		names = []string{"chat", "members"}
	}
	for _, name := range names {
		if _, there := fields[name]; !there {
			return false
		}
	}
	return true
}

const form = `a line reads {"chat": "pub night", "time": "2024-03-15T19:02:00Z", "name": "John", "text": "hi", "reply_to": null}`

// Reader reads one file.
type Reader struct {
	path     string
	absolute string
	reading  sources.Reading
	encoding string // a guess, "" for UTF-8
	cut      bool   // it is in a zip whose end is missing
}

// Open returns a reader for the file at path.
func Open(path string, reading sources.Reading) (*Reader, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	return &Reader{path: path, absolute: absolute, reading: reading}, nil
}

// Path returns the file's path.
func (r *Reader) Path() string { return r.path }

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "lines" }

// Close does nothing: there is nothing to free.
func (r *Reader) Close() error { return nil }

// Read reads the file twice: only its end settles who speaks in a chat and which messages have replies.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	s := survey{reader: r, chats: map[string]*chat{}}
	total, err := r.each(ctx, s.line)
	if err != nil {
		return 0, err
	}
	if s.read == 0 && s.wrong != nil {
		return 0, usererr.With(s.wrong, form)
	}
	if r.reading.Owner != nil && !s.owner && total > 0 {
		sink.Note("none of its people is you: name yourself with %v NAME", usererr.Option("me"))
	}
	s.name()
	e := emitter{survey: &s, sink: sink, total: total}
	if total, err = r.each(ctx, e.line); err != nil {
		return total, err
	}
	e.notes()
	sources.NoteEncoding(sink, r.path, r.encoding)
	if r.cut {
		sink.Unreadable(sources.CutZip(r.path).Error(), 0)
	}
	return total, nil
}

// each calls visit for every line; the row of an empty line is nil, and so is that of a line that is wrong.
func (r *Reader) each(ctx context.Context, visit func(number int64, row *row, wrong error) error) (int64, error) {
	in, err := sources.Open(r.path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	defer func() { r.encoding, r.cut = in.Encoding(), in.Cut }()
	var one row
	return lines.Each(ctx, in, r.path, func(number int64, line []byte) error {
		if len(bytes.TrimSpace(line)) == 0 {
			return visit(number, nil, nil)
		}
		one = row{}
		if err := one.parse(line, r.reading.Zone); err != nil {
			return visit(number, &one, fmt.Errorf("%s:%d: %w", r.path, number, err))
		}
		return visit(number, &one, nil)
	})
}
