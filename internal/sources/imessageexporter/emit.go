package imessageexporter

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// emitter passes the messages to the sink.
type emitter struct {
	reader      *Reader
	sink        sources.Sink
	owner       string // what the texts call the owner
	seen        sources.Seen
	last        time.Time // of the message before
	local       bool
	done, total int64
	pending     map[string]answer // answers that stood below what they answer, by what tells them apart
	order       []string          // their keys
}

// answer is an answer below the message that it answers.
type answer struct {
	to    string // the identifier of that message
	entry entry
}

// mostPending limits the answers in memory that were not yet read at their own time.
const mostPending = 1 << 16

// survey reads who takes part in a chat.
func (e *emitter) survey(ctx context.Context, c *chat) error {
	c.writers = nil
	writers := map[string]bool{}
	err := e.reader.each(ctx, c, func(m *entry) error {
		e.count(c, m, writers)
		return nil
	}, func(string, int64) {})
	c.writers = writers
	return err
}

// count counts an entry with what is below it.
func (e *emitter) count(c *chat, m *entry, writers map[string]bool) {
	c.entries++
	e.total += 1 + int64(len(m.reactions))
	if !m.notice && m.from != "" {
		if writers[m.from] = true; m.sent {
			c.people[m.from] = messages.Owner
		} else if _, known := c.people[m.from]; !known {
			c.people[m.from] = m.from
		}
	}
	for _, r := range m.reactions {
		if _, known := c.people[r.by]; !known && r.emoji != "" {
			c.people[r.by] = r.by
		}
	}
	for i := range m.answered {
		e.count(c, &m.answered[i], writers)
	}
}

// chat passes the messages of a chat to the sink.
func (e *emitter) chat(ctx context.Context, c *chat) error {
	e.last, e.pending, e.order = time.Time{}, map[string]answer{}, nil
	err := e.reader.each(ctx, c, func(m *entry) error { return e.entry(c, m, "") }, func(what string, units int64) {
		e.done += units
		e.sink.Unreadable(what, units)
	})
	if err != nil {
		return err
	}
	for i := 0; i < len(e.order); i++ { // answers that are nowhere else, and what answers them
		key := e.order[i]
		if a, left := e.pending[key]; left {
			delete(e.pending, key)
			e.done -= 1 + int64(len(a.entry.reactions))
			if err := e.entry(c, &a.entry, a.to); err != nil {
				return err
			}
		}
	}
	return nil
}

// key tells answers apart: by their identifiers, else by their time and words.
func (m *entry) key() string {
	if m.guid != "" {
		return m.guid
	}
	return m.date + "\x00" + m.from + "\x00" + m.words()
}

// entry takes an entry; to is what it answers, if that is known.
func (e *emitter) entry(c *chat, m *entry, to string) error {
	if e.done++; e.done%1024 == 0 {
		e.sink.Progress(e.done, e.total)
	}
	fate := sources.Messages
	sender, known := c.people[m.from]
	switch {
	case m.notice:
		fate = sources.Events
	case m.deleted:
		fate = sources.RecentlyDeleted
	case m.sent:
		sender = messages.Owner
		if isAddress(m.from) {
			e.sink.Own(m.from)
		}
	case m.from == "" || !known || m.from == "Unknown":
		fate = sources.NoSender
	}
	if fate != sources.Messages {
		e.sink.Count(fate, 1)
		return e.rest(c, m, nil)
	}
	at, err := e.time(m.date)
	if err != nil {
		e.sink.Unreadable(fmt.Sprintf("%s:%d: %v", e.reader.At(c.name), m.line, err), 1)
		return e.rest(c, m, nil)
	}
	out := sources.Message{Chat: c.Chat, GUID: m.guid, Row: e.done, Time: at, Sender: sender, Derived: true, ReplyTo: to}
	if out.GUID == "" {
		out.GUID = c.keys.GUID("imessage-exporter "+c.title, sender, at, m.words())
	}
	if m.answers {
		if a, found := e.pending[m.key()]; found {
			out.ReplyTo = a.to
			delete(e.pending, m.key())
			e.sink.Count(sources.Duplicates, 1+int64(len(a.entry.reactions)))
		}
	}
	e.parts(c, m, &out)
	switch {
	case len(out.Parts) == 0 && m.unsent:
		fate, out.Retracted = sources.Deleted, m.guid != ""
		if err := e.sink.Seen(&out); err != nil {
			return err
		}
	case len(out.Parts) == 0 && out.Partial:
		fate = sources.Omitted
		if err := e.sink.Seen(&out); err != nil {
			return err
		}
	case len(out.Parts) == 0:
		fate = sources.Empty
	case !e.seen.IsNew(sources.Hashed(out.GUID)):
		fate = sources.Duplicates
	default:
		if err := e.sink.Message(&out); err != nil {
			return err
		}
		return e.rest(c, m, &out)
	}
	e.sink.Count(fate, 1)
	return e.rest(c, m, nil)
}

// rest takes the reactions to a message, and what answers it.
func (e *emitter) rest(c *chat, m *entry, to *sources.Message) error {
	for _, r := range m.reactions {
		e.done++
		by, known := c.people[r.by]
		if r.emoji == "" {
			e.sink.Count(sources.Stickers, 1)
			continue
		}
		one := sources.Reaction{Sender: by, Known: known, Emoji: r.emoji}
		if to != nil {
			one.GUID = sources.Hashed("imessage-exporter", to.GUID, by, r.emoji)
			one.Time = to.Time.Add(time.Second) // it follows the message, whose time has no fraction
		}
		if err := sources.React(e.sink, &e.seen, to, one); err != nil {
			return err
		}
	}
	for _, a := range m.answered {
		answered := ""
		if to != nil {
			answered = to.GUID
		}
		e.done += 1 + int64(len(a.reactions))
		key := a.key()
		if _, twice := e.pending[key]; twice || len(e.pending) >= mostPending {
			e.sink.Count(sources.Duplicates, 1+int64(len(a.reactions)))
			continue
		}
		e.pending[key] = answer{answered, a}
		e.order = append(e.order, key)
	}
	return nil
}

// time parses a time: imessage-exporter writes local ones.
func (e *emitter) time(date string) (time.Time, error) {
	at, err := parseTime(date, e.reader.reading.Zone)
	if err != nil {
		return at, fmt.Errorf("%.40q is no time such as \"May 17, 2022  5:29:42 PM\"", date)
	}
	const days = 2 * 24 * time.Hour // clocks may be wrong
	if at.Year() < began || time.Until(at) > days {
		return at, fmt.Errorf("%.40q cannot be: it is before the iPhone existed, or in the future", date)
	}
	e.local = true
	at = sources.InOrder(at, e.last)
	e.last = at
	return at, nil
}

// parts adds the content of a message.
func (e *emitter) parts(c *chat, m *entry, out *sources.Message) {
	for _, p := range m.pieces {
		if p.missing {
			out.Partial = true
			continue
		}
		part := sources.Part{Kind: p.kind, Text: strings.Trim(p.text, "\n"), Transcript: p.transcript}
		if p.kind.IsAttachment() {
			part.Text, part.Attachment = path.Base(p.path), fmt.Sprintf("%s/%d", out.GUID, len(out.Parts))
			part.File = e.place(c, p.path)
		}
		for i, v := range p.versions {
			if date := e.versionTime(p.versions[:i+1]); !date.IsZero() {
				out.Versions = append(out.Versions, messages.Version{Part: len(out.Parts), Number: i, Date: date.UnixNano(), Text: v.text})
			}
		}
		out.Parts = append(out.Parts, part)
	}
}

// versionTime returns when the last of some versions was written.
func (e *emitter) versionTime(list []version) time.Time {
	at, err := parseTime(list[0].date, e.reader.reading.Zone)
	if err != nil {
		return time.Time{}
	}
	for _, v := range list[1:] {
		at = at.Add(parseLater(v.later))
	}
	return at
}

// place returns the place of an attachment: in the export, or where Messages keeps it.
func (e *emitter) place(c *chat, file string) messages.FilePlace {
	if path.IsAbs(file) || strings.HasPrefix(file, "~/") {
		return messages.FilePlace{Path: file}
	}
	return e.reader.Place(path.Join(path.Dir(c.name), file))
}
