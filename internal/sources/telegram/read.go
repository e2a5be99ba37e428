package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/usererr"
)

// fileName is the name of a Telegram Desktop export.
const fileName = "result.json"

// Recognize reports whether a file is a Telegram Desktop export, or a folder or a zip holds one.
func Recognize(h *sources.Head) bool {
	if h.Dir && h.Zips == nil {
		return slices.Contains(h.Names, fileName)
	}
	if len(h.Text) == 0 {
		return h.Holds(fileName)
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
	*sources.Files
	name    string // of the file with the messages
	reading sources.Reading
}

// Open returns a reader for the file at path, or for the export in that folder or zip.
func Open(place string, reading sources.Reading) (*Reader, error) {
	files, err := sources.OpenFiles(place)
	if err != nil {
		return nil, err
	}
	r := &Reader{files, fileName, reading}
	switch names := files.Names(); {
	case len(names) == 1:
		r.name = names[0]
	case !files.Has(fileName):
		folder, found := files.Folder(fileName)
		if !found {
			files.Close()
			return nil, usererr.With(fmt.Errorf("%s holds no result.json of Telegram Desktop", place), "export again in Telegram Desktop, as machine-readable JSON")
		}
		r.name = path.Join(folder, fileName)
	}
	return r, nil
}

// place returns the place of a file that a message names.
func (r *Reader) place(name string) messages.FilePlace {
	return r.Place(path.Join(path.Dir(r.name), name))
}

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "messages and reactions" }

// Read reads the export.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
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
	err = r.each(ctx, visitor{message: e.message, chat: func(int, chatHead) {}, damaged: func(what string) {
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
		return fmt.Errorf("%s: message %s of the chat %q: %w", e.reader.At(e.reader.name), m.id, c.title, err)
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
		if out.Parts, out.Partial = m.parts(out.GUID, e.reader.place); m.replyTo != "" {
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
			sender := e.address(by.fromID)
			one := sources.Reaction{GUID: ReactionGUID(c.base, m.id, sender, r.emoji), Sender: sender, Known: isPerson(by.fromID), Emoji: r.emoji}
			if date, err := localTime(by.date, m.zone(e.reader.reading.Zone)); err == nil && to != nil && date.After(to.Time) {
				one.Time = date
			}
			if err := sources.React(e.sink, &e.seen, to, one); err != nil {
				return err
			}
		}
	}
	return nil
}
