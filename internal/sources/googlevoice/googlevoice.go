// Package googlevoice reads Google Voice from a Google Takeout: a page for each conversation, call and voicemail.
//
// In: the path of a page, a folder or a zip, and the owner's names. Out: its messages, through source.Sink. It must not know contacts,
// windows or training.
//
// People are known by their numbers. Pages of the same people are one chat.
package googlevoice

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/htmlstream"
	"ventriloquist/internal/usererr"
)

// largestMessage limits a message in memory.
const largestMessage = 4 << 20

// Recognize reports whether a page is a conversation, or a folder or a zip holds Google Voice of a Takeout.
func Recognize(h *sources.Head) bool {
	if len(h.Text) > 0 {
		return bytes.Contains(h.Text, []byte(`class="hChatLog hfeed"`))
	}
	return h.Holds("Voice/Calls/*.html", "Calls/* - Text - *.html", "* - Text - *.html", "Calls/Group Conversation - *.html", "Group Conversation - *.html")
}

// pageName is how pages are called: the other person, what it is, and when it began.
var pageName = regexp.MustCompile(`^(?:(.*) - (Text|Voicemail|Missed|Placed|Received|Recorded)|(Group Conversation)) - \d{4}-\d\d-\d\dT[^/]*\.html$`)

// Reader reads the pages of a Takeout.
type Reader struct {
	*sources.Files
	pages   []*page
	reading sources.Reading
}

// page is a page, and what the first pass learns about it.
type page struct {
	name   string
	title  string // the name or the number of the other person; empty if the page does not say it
	group  bool
	call   bool     // or a voicemail
	people []string // the addresses of the others
	keys   sources.Keys
	*sources.Chat
}

// Open returns a reader for the page, folder or zip at place.
func Open(place string, reading sources.Reading) (*Reader, error) {
	files, err := sources.OpenFiles(place)
	if err != nil {
		return nil, err
	}
	r := &Reader{Files: files, reading: reading.Remembering()}
	for _, name := range files.Names() {
		form := pageName.FindStringSubmatch(path.Base(name))
		switch {
		case form != nil:
			r.pages = append(r.pages, &page{name: name, title: strings.TrimSpace(form[1]), group: form[3] != "", call: form[2] != "Text" && form[3] == ""})
		case files.Alone():
			r.pages = append(r.pages, &page{name: name})
		}
	}
	if len(r.pages) == 0 {
		files.Close()
		return nil, usererr.With(fmt.Errorf("%s holds no pages of Google Voice", place), "name the zip of the Takeout, or its folder Voice")
	}
	return r, nil
}

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "messages and calls" }

// Read reads the pages twice: first for the people, then for the messages.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	e := emitter{reader: r, sink: sink, numbers: map[string]string{}, names: map[string]string{}, chats: map[string]*sources.Chat{}}
	for _, p := range r.pages {
		if err := e.survey(ctx, p); err != nil {
			return 0, err
		}
	}
	e.people()
	for _, p := range r.pages {
		if err := e.page(ctx, p); err != nil {
			return e.done, err
		}
	}
	sink.Progress(e.done, e.done)
	return e.done, nil
}

// each passes the messages and calls of a page, and the list of its participants, to visit.
func (r *Reader) each(ctx context.Context, p *page, visit func(n *htmlstream.Node) error, damaged func(what string, units int64)) error {
	where := r.At(p.name)
	in, err := r.Open(p.name)
	if err != nil {
		damaged(err.Error(), 0)
		return nil
	}
	defer in.Close()
	var failed error // of visit
	err = htmlstream.Read(in, largestMessage, htmlstream.Handler{
		Wants: func(n *htmlstream.Node) bool {
			return n.Tag == "div" && (n.Is("message") || n.Is("participants") || n.Is("haudio"))
		},
		Visit: func(n *htmlstream.Node) error {
			if failed = ctx.Err(); failed == nil {
				failed = visit(n)
			}
			return failed
		},
		Damaged: func(n *htmlstream.Node, err error) {
			damaged(fmt.Sprintf("%s:%d: a message: %v", where, n.Line, err), 1)
		},
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		damaged(fmt.Sprintf("%s: %v", where, err), 0)
	}
	return nil
}
