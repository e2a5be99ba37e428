package googlechat

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/sources/mediatype"
)

// person is somebody in a chat.
type person struct {
	name, email string
	bot         bool
}

// address returns the e-mail address in lower case, else the name.
func (p *person) address() string {
	if p.email != "" {
		return strings.ToLower(p.email)
	}
	return p.name
}

func (p *person) read(value []byte) error {
	return jsonstream.Fields(value, func(key, value []byte) (err error) {
		switch string(key) {
		case "name":
			p.name, _, err = jsonstream.String(value)
		case "email":
			p.email, _, err = jsonstream.String(value)
		case "user_type":
			p.bot = string(value) == `"Bot"`
		}
		return err
	})
}

// message is an element of messages.
type message struct {
	creator   person
	at, text  string
	id, topic string
	quoted    string // the identifier of the message that it quotes
	deleted   bool
	files     []file
	reactions []reaction
	replaced  bool
}

// file is an attachment: its name, and that of the exported file.
type file struct{ name, exported string }

// reaction is the emoji that somebody chose.
type reaction struct{ emoji, by string }

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
		case "creator":
			err = m.creator.read(value)
		case "created_date":
			m.at, err = m.string(value)
		case "text":
			m.text, err = m.string(value)
		case "topic_id":
			m.topic, err = m.string(value)
		case "message_id":
			m.id, err = m.string(value)
		case "message_state":
			m.deleted = m.deleted || string(value) == `"DELETED"`
		case "deletion_metadata":
			m.deleted = true
		case "quoted_message_metadata":
			err = jsonstream.Fields(value, func(key, value []byte) (err error) {
				if string(key) == "message_id" && jsonstream.IsString(value) {
					m.quoted, err = m.string(value)
				}
				return err
			})
		case "attached_files":
			err = jsonstream.Elements(value, m.file)
		case "reactions":
			err = jsonstream.Elements(value, m.reaction)
		}
		return err
	})
}

func (m *message) file(value []byte) error {
	var f file
	err := jsonstream.Fields(value, func(key, value []byte) (err error) {
		switch string(key) {
		case "original_name":
			f.name, err = m.string(value)
		case "export_name":
			f.exported, err = m.string(value)
		}
		return err
	})
	m.files = append(m.files, f)
	return err
}

func (m *message) reaction(value []byte) error {
	emoji := ""
	var by []string
	err := jsonstream.Fields(value, func(key, value []byte) (err error) {
		switch string(key) {
		case "emoji":
			err = jsonstream.Fields(value, func(key, value []byte) (err error) {
				if string(key) == "unicode" && jsonstream.IsString(value) {
					emoji, err = m.string(value)
				}
				return err
			})
		case "reactor_emails":
			err = jsonstream.Elements(value, func(one []byte) error {
				email, err := m.string(one)
				by = append(by, email)
				return err
			})
		}
		return err
	})
	for _, email := range by {
		m.reactions = append(m.reactions, reaction{emoji, email})
	}
	return err
}

// began is the year of the first messages in Google Chat, which those of Hangouts became.
const began = 2005

// parseTime parses a date such as "Wednesday, April 15, 2015 at 12:51:41 AM UTC".
func parseTime(date string) (time.Time, error) {
	if sources.IsNoTime(date) {
		return time.Time{}, nil
	}
	plain := date
	if strings.Contains(date, "\u202f") || strings.Contains(date, "\u00a0") {
		plain = strings.ReplaceAll(strings.ReplaceAll(date, "\u202f", " "), "\u00a0", " ")
	}
	for _, form := range []string{"Monday, January 2, 2006 at 3:04:05 PM MST", "Monday, January 2, 2006 at 15:04:05 MST", "Monday, 2 January 2006 at 15:04:05 MST", time.RFC3339} {
		at, err := time.Parse(form, plain)
		if err != nil {
			continue
		}
		if name, offset := at.Zone(); offset == 0 && name != "UTC" && name != "GMT" && name != "" {
			return at, fmt.Errorf("the zone of %.60q is not UTC", date)
		}
		return at, sources.CheckDate(at, "Google Chat", began)
	}
	return time.Time{}, fmt.Errorf("%.60q is no date such as \"Wednesday, April 15, 2015 at 12:51:41 AM UTC\": set the account's language to English (US), and export again", date)
}

// emitter passes the messages to the sink.
type emitter struct {
	reader      *Reader
	sink        sources.Sink
	names       map[string]string
	owner       string
	keys        sources.Keys
	seen        sources.Seen
	done, total int64
	replaced    int
	failed      error // of the sink
}

func (e *emitter) sender(address string) string {
	if address == e.owner {
		return messages.Owner
	}
	return address
}

func (e *emitter) chat(ctx context.Context, c *chat) error {
	return e.each(ctx, c, func(m *message) { e.failed = e.message(c, m) }, func(what string, units int64) {
		e.done += units
		e.sink.Unreadable(what, units)
	})
}

func guid(id string) string { return sources.Hashed("google chat", id) }

// answered returns the identifier of the message that a message quotes, else of the first one of its topic: the identifier of a message
// is those of its chat and its topic, and its own, which is the topic's for the first.
func (m *message) answered() string {
	if m.quoted != "" {
		return m.quoted
	}
	parts := strings.Split(m.id, "/")
	if len(parts) != 3 || parts[1] == parts[2] {
		return ""
	}
	return parts[0] + "/" + parts[1] + "/" + parts[1]
}

func (e *emitter) message(c *chat, m *message) error {
	if e.done++; e.done%1024 == 0 {
		e.sink.Progress(e.done, e.total)
	}
	if m.replaced {
		e.replaced++
	}
	fate := sources.Messages
	switch {
	case m.deleted:
		fate = sources.Deleted
	case m.creator.bot:
		fate = sources.Broadcast
	case m.creator.address() == "":
		fate = sources.NoSender
	}
	if fate != sources.Messages {
		e.sink.Count(fate, 1)
		return e.reactions(m, nil)
	}
	at, err := parseTime(m.at)
	if err != nil {
		e.sink.Unreadable(fmt.Sprintf("%s: message %d: %v", e.reader.At(path.Join(c.folder, messagesFile)), e.done, err), 1)
		return e.reactions(m, nil)
	}
	out := sources.Message{Chat: &c.Chat, Row: e.done, Time: at, Sender: e.sender(m.creator.address())}
	if m.id != "" {
		out.GUID = guid(m.id)
	} else {
		out.GUID = e.keys.GUID(c.Source, m.creator.address(), at, fmt.Sprint(m.text, m.files))
	}
	if to := m.answered(); to != "" {
		out.ReplyTo = guid(to)
	}
	switch out.Parts = m.parts(out.GUID, func(name string) messages.FilePlace { return e.reader.Place(path.Join(c.folder, name)) }); {
	case !e.seen.IsNew(out.GUID):
		fate = sources.Duplicates
	case len(out.Parts) == 0:
		fate = sources.Empty
	default:
		if err := e.sink.Message(&out); err != nil {
			return err
		}
		return e.reactions(m, &out)
	}
	e.sink.Count(fate, 1)
	return e.reactions(m, nil)
}

// parts returns the content of a message: its files, then its words.
func (m *message) parts(guid string, place func(name string) messages.FilePlace) (parts []sources.Part) {
	for i, f := range m.files {
		name := f.name
		if name == "" {
			name = f.exported
		}
		p := sources.Part{Kind: mediatype.Of("", "", name), Text: name, Attachment: fmt.Sprintf("%s/%d", guid, i)}
		if f.exported != "" && filepath.IsLocal(filepath.FromSlash(f.exported)) {
			p.File = place(f.exported)
		}
		if name != "" {
			parts = append(parts, p)
		}
	}
	if strings.TrimSpace(m.text) != "" {
		parts = append(parts, sources.Part{Text: m.text})
	}
	return parts
}

// reactions passes on the reactions to a message; without a message they are dropped. The Takeout does not say when they were made.
func (e *emitter) reactions(m *message, to *sources.Message) error {
	for _, r := range m.reactions {
		e.done++
		by := (&person{email: r.by}).address()
		one := sources.Reaction{Sender: e.sender(by), Known: by != "", Emoji: r.emoji}
		if to != nil {
			one.GUID = sources.Hashed("google chat", to.GUID, by, r.emoji)
		}
		if err := sources.React(e.sink, &e.seen, to, one); err != nil {
			return err
		}
	}
	return nil
}
