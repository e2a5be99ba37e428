package telegramhtml

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/htmlstream"
	"ventriloquist/internal/sources/telegram"
)

// emitter passes the messages to the sink.
type emitter struct {
	*survey
	sink  sources.Sink
	done  int64
	seen  sources.Seen
	local bool      // some time had no zone
	from  string    // who sent the message before
	last  time.Time // of the message before
}

func (e *emitter) chat(ctx context.Context, c *chat) error {
	e.from, e.last = "", time.Time{}
	return e.reader.each(ctx, c, func(page string, n *htmlstream.Node) error {
		if !n.Is("message") {
			return nil
		}
		return e.message(c, page, n)
	}, func(what string, n *htmlstream.Node) {
		units := int64(0)
		if n.Is("message") {
			units = 1
			e.done++
			if m := read(n); !m.service && !m.joined {
				e.from = m.from
			}
		}
		e.sink.Unreadable(what, units)
	})
}

func (e *emitter) message(c *chat, page string, n *htmlstream.Node) error {
	if e.done++; e.done%1024 == 0 {
		e.sink.Progress(e.done, e.total)
	}
	m := read(n)
	if !m.service && !m.joined {
		e.from = m.from
	}
	if fate := e.fate(c, &m); fate != sources.Messages {
		e.sink.Count(fate, 1)
		return e.reactions(c, &m, nil)
	}
	at, assumed, err := m.time(e.reader.reading.Zone)
	if digits(n.Attr("id"), "message") == "" {
		err = errors.New("it has no identifier")
	}
	if err != nil {
		e.sink.Unreadable(fmt.Sprintf("%s:%d: message %s: %v", e.reader.At(page), n.Line, m.id, err), 1)
		return e.reactions(c, &m, nil)
	}
	if assumed {
		e.local = true
		at = sources.InOrder(at, e.last)
		e.last = at
	}
	return e.put(c, page, &m, at)
}

// fate returns the fate of an entry; Messages means that it is a message.
func (e *emitter) fate(c *chat, m *message) sources.Fate {
	switch {
	case m.isDate():
		return sources.Envelope
	case c.kind == channel:
		return sources.Broadcast
	case m.service, m.call:
		return sources.Events
	}
	if _, known := c.addresses[e.from]; !known || e.from == "" {
		return sources.NoSender
	}
	return sources.Messages
}

func (e *emitter) put(c *chat, page string, m *message, at time.Time) error {
	out := sources.Message{Chat: &c.Chat, GUID: telegram.GUID(c.key, m.id), Row: e.done, Time: at, Sender: c.addresses[e.from]}
	out.Parts, out.Partial = m.parts(out.GUID, func(href string) messages.FilePlace { return e.reader.place(page, href) })
	if m.replyTo != "" {
		out.ReplyTo = telegram.GUID(c.key, m.replyTo)
	}
	fate := sources.Empty
	switch {
	case !e.seen.IsNew(out.GUID):
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
	}
	e.sink.Count(fate, 1)
	return e.reactions(c, m, nil)
}

// reactions passes on the reactions to a message; without a message they are dropped. The export does not say when they were made.
func (e *emitter) reactions(c *chat, m *message, to *sources.Message) error {
	for _, r := range m.reactions {
		e.done++
		by, known := c.addresses[r.by]
		one := sources.Reaction{GUID: telegram.ReactionGUID(c.key, m.id, by, r.emoji), Sender: by, Known: known && r.by != "", Emoji: r.emoji}
		if err := sources.React(e.sink, &e.seen, to, one); err != nil {
			return err
		}
	}
	return nil
}
