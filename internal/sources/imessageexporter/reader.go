package imessageexporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// largestMessage limits a message in memory, with the answers below it.
const largestMessage = 16 << 20

// Recognize reports whether a file is a chat, or a folder or a zip holds one.
func Recognize(h *sources.Head) bool {
	if len(h.Text) > 0 {
		return isChat(h.Text)
	}
	return h.Begins(func(name string) bool { return isPage(name) || isText(name) }, isChat)
}

func isPage(name string) bool { return strings.EqualFold(path.Ext(name), ".html") }

func isText(name string) bool { return strings.EqualFold(path.Ext(name), ".txt") }

// isChat reports whether a file begins like a chat.
func isChat(text []byte) bool {
	if bytes.Contains(text, []byte(`<span class="timestamp">`)) {
		return bytes.Contains(text, []byte("sms://open?message-guid=")) || bytes.Contains(text, []byte(`<span class="sender">`)) || bytes.Contains(text, []byte(`class="announcement"`)) ||
			bytes.Contains(text, []byte(`class ="announcement"`))
	}
	lines := strings.SplitN(strings.TrimLeft(strings.TrimPrefix(string(text), "\uFEFF"), "\r\n"), "\n", 3)
	_, rest, is := cutTime(strings.TrimRight(lines[0], "\r"))
	if !is {
		return false
	}
	return isNotice(rest) || (rest == "" || isReceipt(rest)) && len(lines) > 1 && strings.TrimSpace(lines[1]) != ""
}

// Reader reads the chats of an export.
type Reader struct {
	*sources.Files
	chats   []*chat
	reading sources.Reading
}

// Open returns a reader for the file, folder or zip at place.
func Open(place string, reading sources.Reading) (*Reader, error) {
	files, err := sources.OpenFiles(place)
	if err != nil {
		return nil, err
	}
	r := &Reader{Files: files, reading: reading.Remembering()}
	for _, name := range files.Names() {
		switch folder, _, _ := strings.Cut(name, "/"); {
		case files.Alone(), isPage(name) && !inAttachments(folder, name), isText(name) && !inAttachments(folder, name) && !files.Has(strings.TrimSuffix(name, path.Ext(name))+".html"):
			r.chats = append(r.chats, newChat(name))
		}
	}
	if len(r.chats) == 0 {
		files.Close()
		return nil, usererr.With(fmt.Errorf("%s holds no chats of imessage-exporter", place), "export them again with imessage-exporter -f html")
	}
	return r, nil
}

// inAttachments reports whether a file is in the folder where imessage-exporter copies attachments to.
func inAttachments(folder, name string) bool {
	return folder == "attachments" && folder != name || strings.Contains(name, "/attachments/")
}

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "messages and reactions" }

// Read reads the chats twice: first for the people, then for the messages.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	e := emitter{reader: r, sink: sink}
	for _, c := range r.chats {
		if err := e.survey(ctx, c); err != nil {
			return 0, err
		}
	}
	read := slices.ContainsFunc(r.chats, func(c *chat) bool { return c.entries > 0 })
	if !read && len(r.chats) > 0 {
		err := fmt.Errorf("%s: %w", r.At(r.chats[0].name), errNoChat)
		return 0, usererr.With(err, "export the messages again with imessage-exporter -f html")
	}
	if err := e.findPeople(); err != nil {
		return 0, err
	}
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

// errNoChat is the error of a file that holds no message.
var errNoChat = errors.New("it holds no message in the form of imessage-exporter")

// each passes the entries of a chat to visit, and what cannot be read to damaged. Entry is valid until visit returns.
func (r *Reader) each(ctx context.Context, c *chat, visit func(m *entry) error, damaged func(what string, units int64)) error {
	in, err := r.Open(c.name)
	if err != nil {
		damaged(err.Error(), 0)
		return nil
	}
	defer in.Close()
	where := r.At(c.name)
	checked := func(m *entry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return visit(m)
	}
	if c.page {
		return readPage(in, where, checked, damaged)
	}
	return readText(in, where, c.writers, checked, damaged)
}
