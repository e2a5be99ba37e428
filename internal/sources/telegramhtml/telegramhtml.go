// Package telegramhtml reads the HTML exports of Telegram Desktop: the pages messages.html, messages2.html, … of one chat, or of all
// chats of an account.
//
// In: the path of a page or of a folder, and the owner's names. Out: its messages, through source.Sink. It must not know contacts,
// windows or training.
//
// The pages are read twice as streams: first for the people (survey.go), then for the messages (emit.go, message.go). They have no
// identifiers of chats and people, only those of messages. A chat that was collected before, from JSON or HTML, is recognized by the
// messages that it has in common with this one (telegram.Identify); otherwise the chat and its people are known by their names.
package telegramhtml

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/htmlstream"
	"ventriloquist/internal/usererr"
)

// largestMessage limits a message in memory.
const largestMessage = 4 << 20

// Recognize reports whether a file is a page of an export, or a folder or a zip holds pages.
func Recognize(h *sources.Head) bool {
	if h.Dir && h.Zips == nil {
		return slices.Contains(h.Names, firstPage) || slices.Contains(h.Names, summaryPage)
	}
	return h.Holds(firstPage, summaryPage) || bytes.Contains(h.Text, []byte("<title>Exported Data</title>"))
}

// Reader reads one export.
type Reader struct {
	*sources.Files
	path    string
	top     string // the folder of the export
	chats   []*chat
	reading sources.Reading
}

// place returns the folder of the export that a path is in: a chat is in several pages.
func place(path string) string {
	name := filepath.Base(path)
	if _, is := pageNumber(name); is || name == summaryPage {
		return filepath.Dir(path)
	}
	return path
}

// Open returns a reader for the export at path: a folder, or a page of a chat.
func Open(path string, reading sources.Reading) (*Reader, error) {
	r := &Reader{path: path, top: ".", reading: reading}
	if err := r.find(place(path)); err != nil {
		return nil, err
	}
	if len(r.chats) == 0 {
		r.Close()
		return nil, usererr.With(fmt.Errorf("%s holds no messages.html of a Telegram export", path), "export the chat again in Telegram Desktop")
	}
	return r, nil
}

// Path returns the export's path.
func (r *Reader) Path() string { return r.path }

// Folder returns the folder whose pages the reader reads.
func (r *Reader) Folder() string { return place(r.path) }

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "messages and reactions" }

// Read reads the export.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	s := &survey{reader: r}
	for _, c := range r.chats {
		if err := s.chat(ctx, c); err != nil {
			return 0, err
		}
	}
	if s.read == 0 && (s.damaged != "" || s.total > 0) {
		what := cmp.Or(s.damaged, r.path+": its messages have no dates, as those of Telegram Desktop have")
		return 0, usererr.With(errors.New(what), "none of its messages can be read: export again in Telegram Desktop, best as machine-readable JSON")
	}
	if err := s.lists(ctx); err != nil {
		return 0, err
	}
	if err := s.people(sink); err != nil {
		return 0, err
	}
	for _, note := range s.notes {
		sink.Note("%s", note)
	}
	e := emitter{survey: s, sink: sink}
	for _, c := range r.chats {
		if err := e.chat(ctx, c); err != nil {
			return e.done, err
		}
	}
	if e.local {
		r.reading.NoteZone(sink)
	}
	sink.Progress(e.done, e.done)
	return e.done, nil
}

// each passes the messages, headers and links to other pages of a chat to visit. It calls damaged for what cannot be read; n is the
// damaged element, or nil.
func (r *Reader) each(ctx context.Context, c *chat, visit func(page string, n *htmlstream.Node) error, damaged func(what string, n *htmlstream.Node)) error {
	for _, page := range c.pages {
		var failed error // of visit, not of the page
		in, err := r.Open(page)
		if err != nil {
			return err
		}
		err = htmlstream.Read(in, largestMessage, htmlstream.Handler{
			Wants: func(n *htmlstream.Node) bool {
				return n.Tag == "div" && (n.Is("message") || n.Is("page_header")) || n.Tag == "a" && n.Is("pagination")
			},
			Visit: func(n *htmlstream.Node) error {
				if err := ctx.Err(); err != nil {
					return err
				}
				failed = visit(page, n)
				return failed
			},
			Damaged: func(n *htmlstream.Node, err error) {
				damaged(fmt.Sprintf("%s:%d: %s: %v", r.At(page), n.Line, strings.TrimSpace("the element "+n.Attr("id")), err), n)
			},
		})
		in.Close()
		if ctx.Err() != nil || failed != nil {
			return cmp.Or(ctx.Err(), failed)
		}
		if err != nil {
			damaged(fmt.Sprintf("%s: %v", r.At(page), err), nil)
		}
	}
	for _, page := range c.missing {
		damaged(r.At(page)+" is missing", nil)
	}
	return nil
}

// names returns the sorted names of people.
func names(people map[string]bool) []string { return slices.Sorted(maps.Keys(people)) }
