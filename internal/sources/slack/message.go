package slack

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/sources/mediatype"
)

// message is an element of a day.
type message struct {
	kind, subtype, user, name, bot, text string
	ts, thread                           string
	files                                []file
	reactions                            []reaction
	replaced                             bool
	changed                              bool // it replaces an earlier row
}

type file struct{ id, name, mime, mode string }

// reaction is the emoji that somebody chose.
type reaction struct{ emoji, user string }

func (m *message) string(value []byte) (string, error) {
	text, replaced, err := jsonstream.String(value)
	m.replaced = m.replaced || replaced
	return text, err
}

// read reads a message. Where it was edited, some exports have a row with the message as it was, and one with what it is now.
func (m *message) read(raw []byte) error {
	var now []byte
	err := jsonstream.Fields(raw, func(key, value []byte) (err error) {
		if string(value) == "null" {
			return nil
		}
		switch string(key) {
		case "type":
			m.kind, err = m.string(value)
		case "subtype":
			m.subtype, err = m.string(value)
		case "user":
			m.user, err = m.string(value)
		case "bot_id":
			m.bot, err = m.string(value)
		case "text":
			m.text, err = m.string(value)
		case "ts":
			m.ts, err = m.string(value)
		case "thread_ts":
			m.thread, err = m.string(value)
		case "user_profile":
			err = m.profile(value)
		case "files":
			err = jsonstream.Elements(value, m.file)
		case "reactions":
			err = jsonstream.Elements(value, m.reaction)
		case "message":
			now = value
		}
		return err
	})
	if err == nil && m.subtype == "message_changed" && len(now) > 0 {
		*m = message{changed: true, replaced: m.replaced}
		return m.read(now)
	}
	return err
}

// profile takes the name of somebody who is not in users.json, such as a guest.
func (m *message) profile(value []byte) error {
	return jsonstream.Fields(value, func(key, value []byte) (err error) {
		if string(key) == "real_name" && jsonstream.IsString(value) {
			m.name, err = m.string(value)
		}
		return err
	})
}

func (m *message) file(value []byte) error {
	var f file
	err := jsonstream.Fields(value, func(key, value []byte) error {
		to := map[string]*string{"id": &f.id, "name": &f.name, "mimetype": &f.mime, "mode": &f.mode}[string(key)]
		if to == nil || !jsonstream.IsString(value) {
			return nil
		}
		var err error
		*to, err = m.string(value)
		return err
	})
	m.files = append(m.files, f)
	return err
}

func (m *message) reaction(value []byte) error {
	name := ""
	var users []string
	err := jsonstream.Fields(value, func(key, value []byte) (err error) {
		switch string(key) {
		case "name":
			name, err = m.string(value)
		case "users":
			err = jsonstream.Elements(value, func(one []byte) error {
				id, err := m.string(one)
				users = append(users, id)
				return err
			})
		}
		return err
	})
	for _, id := range users {
		m.reactions = append(m.reactions, reaction{name, id})
	}
	return err
}

// fate returns the fate of an entry by its type; Messages means that it is a message.
func (m *message) fate() sources.Fate {
	switch {
	case m.kind != "" && m.kind != "message":
		return sources.UnknownKind
	case m.subtype == "bot_message" || m.subtype == "bot_add" || m.bot != "" && m.user == "":
		return sources.Broadcast
	case m.subtype == "tombstone":
		return sources.Deleted
	}
	switch m.subtype {
	case "", "thread_broadcast", "reply_broadcast", "me_message", "file_share", "file_comment", "file_mention":
		return sources.Messages
	}
	return sources.Events
}

// emitter passes the messages to the sink.
type emitter struct {
	reader        *Reader
	sink          sources.Sink
	conversations []*conversation
	users         map[string]*user
	channels      map[string]string // their names, by identifier
	owner         string
	seen          sources.Seen
	done, total   int64
	replaced      int
	day           string // the file that is read
	failed        error  // of the sink
}

func (e *emitter) sender(id string) string {
	if id == e.owner {
		return messages.Owner
	}
	return address(id)
}

func (e *emitter) conversation(ctx context.Context, c *conversation) error {
	return e.each(ctx, c, func(m *message) { e.failed = e.message(c, m) }, func(what string, units int64) {
		e.done += units
		e.sink.Unreadable(what, units)
	})
}

// began is the year when Slack began.
const began = 2013

// parseTime parses a time such as 1710529323.000100.
func parseTime(ts string) (time.Time, error) {
	if sources.IsNoTime(ts) {
		return time.Time{}, nil
	}
	seconds, micros, _ := strings.Cut(ts, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.40q is no time such as 1710529323.000100", ts)
	}
	us, _ := strconv.ParseInt((micros + "000000")[:6], 10, 64)
	at := time.Unix(s, us*1000).UTC()
	const days = 2 * 24 * time.Hour // clocks may be wrong
	if at.Year() < began || s > time.Now().Add(days).Unix() {
		return at, fmt.Errorf("the time %.40q cannot be: it is before Slack existed, or in the future", ts)
	}
	return at, nil
}

func guid(c *conversation, ts string) string { return sources.Hashed("slack", c.id, ts) }

func (e *emitter) message(c *conversation, m *message) error {
	if e.done++; e.done%1024 == 0 {
		e.sink.Progress(e.done, e.total)
	}
	if m.replaced {
		e.replaced++
	}
	fate := m.fate()
	switch {
	case fate != sources.Messages:
	case e.isBot(m.user):
		fate = sources.Broadcast
	case m.user == "":
		fate = sources.NoSender
	}
	if fate != sources.Messages {
		e.sink.Count(fate, 1)
		return e.reactions(c, m, nil)
	}
	at, err := parseTime(m.ts)
	if err != nil {
		e.sink.Unreadable(fmt.Sprintf("%s: %v", e.reader.At(e.day), err), 1)
		return e.reactions(c, m, nil)
	}
	key := m.ts
	if at.IsZero() { // it has no identifier either
		key = c.keys.GUID(c.id, m.user, at, m.text)
	}
	out := sources.Message{Chat: &c.Chat, GUID: guid(c, key), Row: e.done, Time: at, Sender: e.sender(m.user)}
	if m.changed { // it stays before what follows it
		out.Row = 0
	}
	if m.thread != "" && m.thread != m.ts {
		out.ReplyTo = guid(c, m.thread)
	}
	out.Parts, out.Partial = e.parts(m, out.GUID)
	switch {
	case !e.seen.IsNew(out.GUID) && !m.changed: // a reply that was also sent to the channel
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
	e.sink.Count(fate, 1)
	return e.reactions(c, m, nil)
}

// parts returns the content of a message: its files, then its words. Omitted reports whether a file has no name: it was deleted, or is
// hidden by the limit of a free workspace.
func (e *emitter) parts(m *message, guid string) (parts []sources.Part, omitted bool) {
	for i, f := range m.files {
		if f.name == "" || f.mode == "tombstone" || f.mode == "hidden_by_limit" {
			omitted = true
			continue
		}
		parts = append(parts, sources.Part{Kind: mediatype.Of(f.mime, "", f.name), Text: f.name, Attachment: fmt.Sprintf("%s/%d", guid, i)})
	}
	if text := e.words(m.text); strings.TrimSpace(text) != "" {
		parts = append(parts, sources.Part{Text: text})
	}
	return parts, omitted
}

// words returns a text without Slack's marks: mentions become names, links their words, and names of common emoji the emoji.
func (e *emitter) words(text string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<")
		out.WriteString(emojis(html.UnescapeString(before)))
		if !found {
			return out.String()
		}
		mark, after, closed := strings.Cut(rest, ">")
		if !closed {
			out.WriteString("<" + html.UnescapeString(rest))
			return out.String()
		}
		out.WriteString(html.UnescapeString(e.mark(mark)))
		text = after
	}
}

// mark returns the words of what stands in angle brackets.
func (e *emitter) mark(mark string) string {
	target, label, labeled := strings.Cut(mark, "|")
	switch {
	case strings.HasPrefix(target, "@"):
		if u := e.users[target[1:]]; u != nil {
			return "@" + u.name
		}
		return "@" + strings.TrimPrefix(cmp.Or(label, target[1:]), "@")
	case strings.HasPrefix(target, "#"):
		return "#" + cmp.Or(label, e.channelName(target[1:]))
	case strings.HasPrefix(target, "!"):
		name, _, _ := strings.Cut(target[1:], "^")
		return cmp.Or(label, "@"+name)
	case !labeled || label == "":
		return target
	case strings.HasSuffix(target, label) || strings.HasPrefix(target, "mailto:") || strings.HasPrefix(target, "tel:"):
		return label
	}
	return label + " (" + target + ")"
}

func (e *emitter) channelName(id string) string {
	return cmp.Or(e.channels[id], id)
}

// reactions passes on the reactions to a message; without a message they are dropped. Slack does not say when they were made.
func (e *emitter) reactions(c *conversation, m *message, to *sources.Message) error {
	for _, r := range m.reactions {
		e.done++
		one := sources.Reaction{GUID: sources.Hashed("slack", c.id, m.ts, r.user, r.emoji), Sender: e.sender(r.user), Known: r.user != "" && !e.isBot(r.user)}
		if r.emoji != "" {
			one.Emoji = emojis(":" + r.emoji + ":")
		}
		if err := sources.React(e.sink, &e.seen, to, one); err != nil {
			return err
		}
	}
	return nil
}
