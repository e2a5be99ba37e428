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
package jsonl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/lines"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// Recognize reports whether a file consists of JSON lines with chats.
func Recognize(h *sources.Head) bool {
	line, _, whole := bytes.Cut(bytes.TrimLeft(lines.WithoutMark(h.Text), " \t\r\n"), []byte("\n"))
	if !whole && len(line) >= 1<<15 {
		return false
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(line, &fields) != nil {
		return false
	}
	for _, name := range []string{"chat", "time", "name", "text"} {
		if _, there := fields[name]; !there {
			return false
		}
	}
	return true
}

const form = `a line reads {"chat": "pub night", "time": "2024-03-15T19:02:00Z", "name": "John", "text": "hi", "reply_to": null}`

// Reader reads one file.
type Reader struct {
	path    string
	name    string // the store's name for it
	reading sources.Reading
}

// Open returns a reader for the file at path.
func Open(path string, reading sources.Reading) (*Reader, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	return &Reader{path: path, name: "jsonl " + absolute, reading: reading}, nil
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
	if r.reading.Owner != nil && !s.owner && total > 0 {
		sink.Note("none of its people is you: name yourself with %v NAME", usererr.Option("me"))
	}
	e := emitter{survey: &s, sink: sink, total: total}
	_, err = r.each(ctx, e.line)
	return total, err
}

// each calls visit for every line; the row of an empty line is nil.
func (r *Reader) each(ctx context.Context, visit func(number int64, row *row) error) (int64, error) {
	in, err := sources.Open(r.path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	return lines.Each(ctx, in, r.path, func(number int64, line []byte) error {
		if len(bytes.TrimSpace(line)) == 0 {
			return visit(number, nil)
		}
		row, err := r.parse(line)
		if err != nil {
			return usererr.With(fmt.Errorf("%s:%d: %w", r.path, number, err), form)
		}
		return visit(number, row)
	})
}

// parse reads a line.
func (r *Reader) parse(line []byte) (*row, error) {
	var chat, name, text *string
	var when json.RawMessage
	var answered *int
	fields := map[string]any{"chat": &chat, "time": &when, "name": &name, "text": &text, "reply_to": &answered}
	if err := jsonfields.ReadLine(line, fields); err != nil {
		return nil, err
	}
	switch {
	case chat == nil:
		return nil, errors.New(`no string "chat"`)
	case name == nil || *name == "":
		return nil, errors.New(`no string "name"`)
	case text == nil:
		return nil, errors.New(`no string "text"`)
	case answered != nil && *answered < 0:
		return nil, fmt.Errorf(`"reply_to" is %d, not the number of a message of the chat, from 0`, *answered)
	}
	at, err := sources.ParseTime(when, r.reading.Zone)
	if err != nil {
		return nil, fmt.Errorf(`"time": %w`, err)
	}
	return &row{chat: *chat, at: at, name: *name, text: *text, answered: answered}, nil
}

// chat is what the survey learns about a chat.
type chat struct {
	sources.Chat
	speakers map[string]bool
	rows     int
	last     time.Time      // of the message before
	answered map[int]string // the identifiers of the messages with replies, by number
}

func (c *chat) speaks(address string) {
	if !c.speakers[address] {
		c.speakers[address] = true
		c.Members = append(c.Members, address)
	}
	others := len(c.Members)
	if c.speakers[messages.Owner] {
		others--
	}
	c.Group = others > 1
}
