package imazing

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/mediatype"
)

// chat is a chat; it may be in several tables.
type chat struct {
	sources.Chat
	session string
	names   map[string]string // of its people, by address
}

// table is a table, and the chat whose rows are read.
type table struct {
	file    string
	app     string // "" for messages
	session string
	keys    sources.Keys
	names   map[string]string // paths of the files of the export, by their names
	// answered are the messages that others answer, by what names them: their identifier, or their words. "" if none was read yet,
	// several if there is more than one.
	answered map[answered]string
}

// answered is a chat, and what names a message in it.
type answered struct{ session, name string }

// several stands for messages of the same words.
const several = "several"

// emitter passes the messages to the sink.
type emitter struct {
	reader    *Reader
	sink      sources.Sink
	chats     map[string]*chat
	tables    []*table
	seen      sources.Seen
	last      time.Time // of the message before
	local     bool      // some time had no zone
	total     int64
	done      int64
	reactions int
}

// app tells tables of WhatsApp from those of messages, which name the service of each message.
func app(file string) string {
	if strings.HasPrefix(path.Base(file), "WhatsApp") {
		return "whatsapp "
	}
	return ""
}

func (e *emitter) at(app, session string) *chat {
	key := app + session
	c := e.chats[key]
	if c == nil {
		c = &chat{session: session, names: map[string]string{}}
		c.Source, c.Extent = "imazing "+key, messages.Span
		e.chats[key] = c
	}
	return c
}

// survey reads who takes part in the chats of a table. A file that is no table of iMazing is passed over, if it is one of several.
func (e *emitter) survey(ctx context.Context, file string) error {
	t := &table{file: file, app: app(file), answered: map[answered]string{}}
	err := e.reader.each(ctx, file, func(c *columns, fields []string, _ int) error {
		e.total++
		if name := strings.TrimSpace(of(fields, c.answered)); name != "" {
			t.answered[answered{of(fields, c.session), name}] = ""
		}
		if address := sender(c, fields); of(fields, c.kind) == incoming {
			e.at(t.app, of(fields, c.session)).names[address] = of(fields, c.senderName)
		} else {
			e.at(t.app, of(fields, c.session))
		}
		return nil
	}, func(string) { e.total++ })
	if errors.Is(err, errNoTable) && len(e.reader.tables) > 1 {
		e.sink.Note("%s is no table of iMazing and was passed over", path.Base(file))
		return nil
	}
	e.tables = append(e.tables, t)
	return err
}

// The types of rows.
const (
	incoming = "Incoming"
	outgoing = "Outgoing"
)

// sender returns the address of who sent an incoming message: the number or e-mail address, else the name.
func sender(c *columns, fields []string) string {
	return cmp.Or(of(fields, c.senderID), of(fields, c.senderName), of(fields, c.session))
}

// people determines who is in the chats.
func (e *emitter) people() {
	for _, c := range e.chats {
		for address, name := range c.names {
			if e.reader.reading.Sender(address) == messages.Owner { // a message to oneself
				continue
			}
			c.Members = append(c.Members, address)
			e.sink.Name(address, name)
		}
		slices.Sort(c.Members)
		c.Group = len(c.Members) > 1 || strings.Contains(c.session, " & ") && (len(c.Members) == 0 || c.names[c.Members[0]] != c.session)
		switch {
		case c.Group:
			c.Name = c.session
		case len(c.Members) == 0:
			c.Members = []string{c.session}
		}
	}
}

// table passes the messages of a table to the sink. Rows of one message follow each other.
func (e *emitter) table(ctx context.Context, t *table) error {
	e.done++
	e.sink.Count(sources.Envelope, 1) // the names of the columns
	e.last = time.Time{}
	var m *sources.Message
	flush := func() (err error) {
		if m != nil {
			err = e.put(m)
		}
		m = nil
		return err
	}
	id := ""
	err := e.reader.each(ctx, t.file, func(c *columns, fields []string, line int) error {
		if e.done++; e.done%1024 == 0 {
			e.sink.Progress(e.done, e.total)
		}
		if own := of(fields, c.id); m != nil && own != "" && own == id {
			m.Parts = append(m.Parts, e.parts(t, c, fields, m.GUID, len(m.Parts))...)
			e.sink.Count(sources.Continued, 1)
			return nil
		}
		if err := flush(); err != nil {
			return err
		}
		id = of(fields, c.id)
		next, err := e.message(t, c, fields)
		if err != nil {
			e.sink.Unreadable(fmt.Sprintf("%s:%d: %v", e.reader.At(t.file), line, err), 1)
			return nil
		}
		m = next
		return nil
	}, func(what string) {
		e.done++
		e.sink.Unreadable(what, 1)
	})
	return errors.Join(err, flush())
}

// put passes a message on, and counts its first row.
func (e *emitter) put(m *sources.Message) error {
	switch {
	case len(m.Parts) == 0:
		e.sink.Count(sources.Empty, 1)
	case !e.seen.IsNew(m.GUID):
		e.sink.Count(sources.Duplicates, 1)
	default:
		return e.sink.Message(m)
	}
	return nil
}

// message reads the first row of a message; nil if it is none.
func (e *emitter) message(t *table, c *columns, fields []string) (*sources.Message, error) {
	kind, session := of(fields, c.kind), of(fields, c.session)
	switch {
	case of(fields, c.deleted) != "":
		e.sink.Count(sources.Deleted, 1)
		return nil, nil
	case kind != incoming && kind != outgoing:
		e.sink.Count(sources.Events, 1)
		return nil, nil
	}
	at, err := e.time(of(fields, c.date))
	if err != nil {
		return nil, err
	}
	t.session = session
	m := &sources.Message{Chat: &e.at(t.app, session).Chat, Row: e.done, Time: at}
	if kind == incoming {
		m.Sender = e.reader.reading.Sender(sender(c, fields))
	} else if own := of(fields, c.senderID); own != "" {
		e.sink.Own(own)
	}
	if of(fields, c.reactions) != "" {
		e.reactions++
	}
	if id := of(fields, c.id); id != "" {
		m.GUID = sources.Hashed("imazing", t.app+session, id)
	} else {
		words := of(fields, c.subject) + "\x00" + of(fields, c.text) + "\x00" + of(fields, c.attachment)
		m.GUID = t.keys.GUID("imazing "+t.app+session, m.Sender, at, words)
	}
	m.Parts = e.parts(t, c, fields, m.GUID, 0)
	if target := t.answered[answered{session, strings.TrimSpace(of(fields, c.answered))}]; target != several {
		m.ReplyTo = target
	}
	t.remember(session, of(fields, c.id), m.GUID)
	t.remember(session, of(fields, c.text), m.GUID)
	return m, nil
}

// remember notes a message that others may answer.
func (t *table) remember(session, name, guid string) {
	key := answered{session, strings.TrimSpace(name)}
	switch former, is := t.answered[key]; {
	case !is:
	case former == "" || former == guid:
		t.answered[key] = guid
	default:
		t.answered[key] = several
	}
}

// began is the year of the first iPhone.
const began = 2007

// time parses a date: iMazing writes local times.
func (e *emitter) time(date string) (time.Time, error) {
	quoted, err := json.Marshal(date)
	if err != nil {
		return time.Time{}, err
	}
	at, err := sources.ParseTime(quoted, e.reader.reading.Zone)
	if err == nil {
		err = sources.CheckDate(at, "the iPhone", began)
	}
	if err != nil || at.IsZero() {
		return at, err
	}
	if !strings.HasSuffix(date, "Z") && !strings.ContainsAny(date[min(len(date), 11):], "+-") {
		e.local = true
		at = sources.InOrder(at, e.last)
		e.last = at
	}
	return at, nil
}

// parts returns the content of a row: its subject, its attachment, its words.
func (e *emitter) parts(t *table, c *columns, fields []string, guid string, before int) (parts []sources.Part) {
	if subject := of(fields, c.subject); strings.TrimSpace(subject) != "" {
		parts = append(parts, sources.Part{Text: subject})
	}
	if name := of(fields, c.attachment); name != "" {
		p := sources.Part{Kind: mediatype.Of("", "", name), Text: name, Attachment: fmt.Sprintf("%s/%d", guid, before)}
		if kind, known := attachmentKinds[of(fields, c.attachmentType)]; known && p.Kind == messages.File {
			p.Kind = kind
		}
		if file := e.reader.place(t, of(fields, c.date), name); file != "" {
			p.File = e.reader.Place(file)
		}
		parts = append(parts, p)
	}
	text := strings.ReplaceAll(strings.ReplaceAll(of(fields, c.text), "\r\n", "\n"), "\uFFFC", "")
	if strings.TrimSpace(text) != "" {
		parts = append(parts, sources.Part{Text: strings.TrimRight(text, " \n")})
	}
	return parts
}

var attachmentKinds = map[string]messages.Kind{"Image": messages.Image, "Video": messages.Video, "Audio": messages.Audio, "Contact": messages.Contact,
	"Location": messages.Location, "Document": messages.Document}
