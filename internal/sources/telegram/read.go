package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
)

// fileName is the name of a Telegram Desktop export.
const fileName = "result.json"

// Recognize reports whether a file is a Telegram Desktop export, or a folder holds one.
func Recognize(h *sources.Head) bool {
	if h.Dir {
		return slices.Contains(h.Names, fileName)
	}
	if len(h.Text) == 0 || h.Text[0] != '{' {
		return false
	}
	keys := map[string]bool{}
	s := jsonstream.New(bytes.NewReader(h.Text), largestValue, nil)
	s.Object(func(key string) error {
		keys[key] = true
		return s.Skip()
	})
	return keys["messages"] && keys["type"] && keys["id"] || keys["chats"] || keys["personal_information"]
}

// Reader reads one export.
type Reader struct {
	path    string
	root    string // its folder, with the files
	reading sources.Reading
}

// Open returns a reader for the file at path, or for the export in that folder.
func Open(path string, reading sources.Reading) (*Reader, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		path = filepath.Join(path, fileName)
		_, err = os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	root, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	return &Reader{path: path, root: root, reading: reading}, nil
}

// Path returns the file's path.
func (r *Reader) Path() string { return r.path }

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "messages and reactions" }

// Close does nothing: there is nothing to free.
func (r *Reader) Close() error { return nil }

// Read reads the export.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	s, err := r.survey(ctx, sink)
	if err != nil {
		return 0, err
	}
	if s.phone != "" {
		sink.Own(s.phone)
	}
	for p, name := range s.names {
		if p != s.owner {
			sink.Name(string(p), name)
		}
		if phone := s.phones[p]; phone != "" && p != s.owner {
			sink.Same(string(p), phone)
		}
	}
	e := emitter{survey: s, sink: sink, reader: r}
	err = each(ctx, r.path, visitor{message: e.message, chat: func(int, chatHead) {}, damaged: func(what string) {
		e.done++
		sink.Unreadable(what, 1)
	}})
	if errors.As(err, new(*cutOff)) {
		sink.Unreadable(err.Error(), 0)
		err = nil
	}
	if e.local {
		r.reading.NoteZone(sink)
	}
	sources.NoteReplaced(sink, e.replaced)
	sink.Progress(s.total, s.total)
	return s.total, err
}

// emitter passes the messages to the sink.
type emitter struct {
	*survey
	sink   sources.Sink
	reader *Reader
	done   int64
	seen   sources.Seen
	local  bool // some time had no zone
	// replaced counts messages with something that is no character.
	replaced int
}

func (e *emitter) address(p peer) string {
	if p == e.owner {
		return messages.Owner
	}
	return string(p)
}

// base returns the key of a chat in messages.db.
func (e *emitter) base(p peer) string {
	for _, c := range e.chats {
		if c.key == string(p) {
			return c.base
		}
	}
	return string(p)
}

func (e *emitter) message(number int, m *message) error {
	if e.done++; e.done%1024 == 0 {
		e.sink.Progress(e.done, e.total)
	}
	c := e.chats[number]
	where := func(err error) error {
		return fmt.Errorf("%s: message %s of the chat %q: %w", e.reader.path, m.id, c.title, err)
	}
	fate := e.fate(c, m)
	if fate == sources.Messages {
		if m.unix == "" {
			e.local = true
		}
		if m.replaced {
			e.replaced++
		}
		at, err := m.time(e.reader.reading.Zone)
		if m.id == "" {
			err = errors.New(`no "id"`)
		}
		if err != nil {
			e.sink.Unreadable(where(err).Error(), 1)
			return e.reactions(c, m, nil)
		}
		at = sources.InOrder(at, c.last)
		c.last = at
		out := sources.Message{Chat: &c.Chat, GUID: GUID(c.base, m.id), Row: m.row, Time: at, Sender: e.address(m.fromID)}
		if out.Parts, out.Partial = m.parts(out.GUID, e.reader.root); m.replyTo != "" {
			key := c.base
			if m.replyPeer != "" {
				key = e.base(m.replyPeer)
			}
			out.ReplyTo = GUID(key, m.replyTo)
		}
		switch {
		case !e.seen.IsNew(out.GUID): // a chat that was left may be listed a second time
			fate = sources.Duplicates
		case len(out.Parts) > 0:
			if err := e.sink.Message(&out); err != nil {
				return err
			}
			return e.reactions(c, m, &out)
		case out.Partial:
			fate = sources.Omitted
			if err := e.sink.Seen(&out); err != nil {
				return err
			}
		default:
			fate = sources.Empty
		}
	}
	e.sink.Count(fate, 1)
	return e.reactions(c, m, nil)
}

// fate returns the fate of an entry; Messages means that it is a message.
func (e *emitter) fate(c *chat, m *message) sources.Fate {
	switch {
	case slices.Contains(channelKinds, c.kind):
		return sources.Broadcast
	case m.kind == "service":
		return sources.Events
	case m.kind != "message":
		return sources.UnknownKind
	case !isPerson(m.fromID):
		return sources.Broadcast
	}
	return sources.Messages
}

// reactions passes on the reactions to a message; without a message they are dropped.
func (e *emitter) reactions(c *chat, m *message, to *sources.Message) error {
	if m.kind != "message" {
		return nil
	}
	for _, r := range m.reactions {
		for _, by := range r.recent {
			guid := ReactionGUID(c.base, m.id, e.address(by.fromID), r.emoji)
			if to == nil || r.emoji == "" || !isPerson(by.fromID) || !e.seen.IsNew(guid) {
				fate := sources.LostTarget
				if to != nil {
					fate = sources.UnknownKind
				}
				e.sink.Count(fate, 1)
				continue
			}
			at := to.Time
			if date, err := localTime(by.date, m.zone(e.reader.reading.Zone)); err == nil && date.After(at) {
				at = date
			}
			err := e.sink.Message(&sources.Message{Chat: &c.Chat, GUID: guid, Row: m.row, Time: at,
				Sender: e.address(by.fromID), Parts: []sources.Part{{Kind: messages.Reaction, Text: r.emoji}}, ReplyTo: to.GUID})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
