package discord

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/sources/mediatype"
)

// person is an author, or somebody who reacts.
type person struct {
	id, name, nickname string
	bot                bool
}

func (p *person) called() string { return cmp.Or(p.nickname, p.name) }

func (p *person) read(value []byte) error {
	return jsonstream.Fields(value, func(key, value []byte) (err error) {
		switch string(key) {
		case "id":
			p.id, _, err = jsonstream.String(value)
		case "name":
			p.name, _, err = jsonstream.String(value)
		case "nickname":
			p.nickname, _, err = jsonstream.String(value)
		case "isBot":
			p.bot = string(value) == "true"
		}
		return err
	})
}

// message is an element of messages.
type message struct {
	id, kind, at, edited, text string
	author                     person
	files                      []file
	stickers                   []string
	reactions                  []reaction
	answered                   string // the identifier of the message that it answers
	replaced                   bool
}

// file is an attachment: its name, and its address or its path where the export holds it.
type file struct{ id, name, url string }

type reaction struct {
	emoji string
	users []person
}

func (m *message) string(value []byte) (string, error) {
	text, replaced, err := jsonstream.String(value)
	m.replaced = m.replaced || replaced
	return text, err
}

// read reads a message.
func (m *message) read(raw []byte) error {
	return jsonstream.Fields(raw, func(key, value []byte) (err error) {
		if string(value) == "null" {
			return nil
		}
		switch string(key) {
		case "id":
			m.id, err = m.string(value)
		case "type":
			m.kind, err = m.string(value)
		case "timestamp":
			m.at, err = m.string(value)
		case "timestampEdited":
			m.edited, err = m.string(value)
		case "content", "attachments", "stickers":
			err = m.content(key, value)
		case "author":
			err = m.author.read(value)
		case "reactions":
			err = jsonstream.Elements(value, m.reaction)
		case "reference":
			m.answered, err = m.field(value, "messageId")
			if kind, _ := m.field(value, "type"); kind == "Forward" {
				m.answered = ""
			}
		case "forwardedMessage": // its content is the message's own
			err = jsonstream.Fields(value, m.content)
		}
		return err
	})
}

// content reads a field of the content.
func (m *message) content(key, value []byte) (err error) {
	if string(value) == "null" {
		return nil
	}
	switch string(key) {
	case "content":
		text := ""
		if text, err = m.string(value); text != "" {
			m.text = text
		}
	case "attachments":
		err = jsonstream.Elements(value, m.file)
	case "stickers":
		err = jsonstream.Elements(value, func(one []byte) error {
			name, err := m.field(one, "name")
			m.stickers = append(m.stickers, name)
			return err
		})
	}
	return err
}

// field returns a text of an object.
func (m *message) field(object []byte, name string) (text string, err error) {
	err = jsonstream.Fields(object, func(key, value []byte) (err error) {
		if string(key) == name {
			text, err = m.string(value)
		}
		return err
	})
	return text, err
}

func (m *message) file(value []byte) error {
	var f file
	err := jsonstream.Fields(value, func(key, value []byte) (err error) {
		switch string(key) {
		case "id":
			f.id, err = m.string(value)
		case "fileName":
			f.name, err = m.string(value)
		case "url":
			f.url, err = m.string(value)
		}
		return err
	})
	m.files = append(m.files, f)
	return err
}

func (m *message) reaction(value []byte) error {
	var r reaction
	err := jsonstream.Fields(value, func(key, value []byte) (err error) {
		switch string(key) {
		case "emoji":
			r.emoji, err = m.field(value, "name")
		case "users":
			err = jsonstream.Elements(value, func(one []byte) error {
				var p person
				err := p.read(one)
				r.users = append(r.users, p)
				return err
			})
		}
		return err
	})
	m.reactions = append(m.reactions, r)
	return err
}

// emitter passes the messages to the sink.
type emitter struct {
	reader   *Reader
	sink     sources.Sink
	channels map[string]*channel
	byFile   map[string]*channel
	names    map[string]string
	owner    string
	seen     sources.Seen
	done     int64
	total    int64
	replaced int
}

func guid(id string) string { return sources.Hashed("discord", id) }

// file passes the messages of a file to the sink.
func (e *emitter) file(ctx context.Context, file string) error {
	c := e.byFile[file]
	err := e.reader.each(ctx, file, func([]byte) error { return nil }, func(m *message) error { return e.message(file, c, m) }, func(what string) {
		e.done++
		e.sink.Unreadable(what, 1)
	})
	if sources.IsDamage(ctx, e.sink, err) && e.done > 0 {
		e.sink.Unreadable(err.Error(), 0)
		return nil
	}
	return err
}

func (e *emitter) message(file string, c *channel, m *message) error {
	e.done++
	if e.done%1024 == 0 {
		e.sink.Progress(e.done, e.total)
	}
	if m.replaced {
		e.replaced++
	}
	fate := sources.Messages
	switch {
	case m.kind != "" && m.kind != "Default" && m.kind != "Reply":
		fate = sources.Events
	case m.author.bot:
		fate = sources.Broadcast
	}
	out := sources.Message{Chat: &c.Chat, GUID: guid(m.id), Row: e.done, Sender: e.sender(m.author.id)}
	if fate == sources.Messages {
		at, err := parseTime(m.at)
		if m.id == "" || m.author.id == "" {
			err = errors.New("it has no identifier or no author")
		}
		if err != nil {
			e.sink.Unreadable(fmt.Sprintf("%s: message %s: %v", e.reader.At(file), m.id, err), 1)
			return e.reactions(m, nil)
		}
		out.Time = at
		if out.Parts = m.parts(out.GUID, func(url string) messages.FilePlace { return e.reader.Place(path.Join(path.Dir(file), url)) }); len(out.Parts) == 0 {
			fate = sources.Empty
		} else if !e.seen.IsNew(out.GUID) {
			fate = sources.Duplicates
		}
	}
	if fate != sources.Messages {
		e.sink.Count(fate, 1)
		return e.reactions(m, nil)
	}
	if m.answered != "" {
		out.ReplyTo = guid(m.answered)
	}
	if err := e.sink.Message(&out); err != nil {
		return err
	}
	return e.reactions(m, &out)
}

// parts returns the content of a message: its files and stickers, then its words.
func (m *message) parts(guid string, place func(url string) messages.FilePlace) (parts []sources.Part) {
	for i, f := range m.files {
		p := sources.Part{Kind: mediatype.Of("", "", f.name), Text: f.name, Attachment: fmt.Sprintf("%s/%d", guid, i)}
		if f.url != "" && !strings.Contains(f.url, "://") {
			p.File = place(strings.ReplaceAll(f.url, `\\`, "/"))
		}
		parts = append(parts, p)
	}
	for i, name := range m.stickers {
		parts = append(parts, sources.Part{Kind: messages.Image, Text: name, Attachment: fmt.Sprintf("%s/s%d", guid, i), Transcript: name})
	}
	if strings.TrimSpace(m.text) != "" {
		parts = append(parts, sources.Part{Text: m.text})
	}
	return parts
}

// reactions passes on the reactions to a message; without a message they are dropped. Discord does not say when they were made.
func (e *emitter) reactions(m *message, to *sources.Message) error {
	for _, r := range m.reactions {
		for _, by := range r.users {
			e.done++
			one := sources.Reaction{GUID: sources.Hashed("discord", m.id, by.id, r.emoji), Sender: e.sender(by.id), Known: by.id != "", Emoji: r.emoji}
			if err := sources.React(e.sink, &e.seen, to, one); err != nil {
				return err
			}
		}
	}
	return nil
}
