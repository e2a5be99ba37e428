package meta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/sources/mediatype"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// mended returns a text. Its letters are bytes of UTF-8, each written as a character of its own, unless it has other characters.
func mended(value []byte) (text string, replaced bool, err error) {
	text, replaced, err = jsonstream.String(value)
	if err != nil {
		return "", false, err
	}
	raw := make([]byte, 0, len(text))
	high := false
	for _, c := range text {
		if c > 0xff {
			return text, replaced, nil
		}
		high = high || c >= utf8.RuneSelf
		raw = append(raw, byte(c))
	}
	if !high || !utf8.Valid(raw) {
		return text, replaced, nil
	}
	return string(raw), replaced, nil
}

// message is an element of messages.
type message struct {
	sender    string
	at        int64 // milliseconds since 1970
	text      string
	kind      string
	unsent    bool
	call      bool
	link      string // what is shared
	shared    string // its words
	files     []string
	reactions []reaction
	replaced  bool
}

type reaction struct {
	emoji, actor string
	at           int64 // seconds since 1970; 0 in most downloads
}

// read reads a message, in either of the two forms.
func (m *message) read(raw []byte) error {
	return jsonstream.Fields(raw, func(key, value []byte) (err error) {
		switch string(key) {
		case "sender_name", "senderName":
			m.sender, err = m.string(value)
		case "timestamp_ms", "timestamp":
			m.at, err = strconv.ParseInt(string(value), 10, 64)
		case "content", "text":
			m.text, err = m.string(value)
		case "type":
			m.kind, err = m.string(value)
		case "is_unsent", "isUnsent":
			m.unsent = string(value) == "true"
		case "call_duration":
			m.call = true
		case "photos", "videos", "audio_files", "files", "gifs", "media":
			err = jsonstream.Elements(value, m.file)
		case "sticker":
			err = m.file(value)
		case "share":
			err = jsonstream.Fields(value, func(key, value []byte) (err error) {
				switch string(key) {
				case "link":
					m.link, err = m.string(value)
				case "share_text":
					m.shared, err = m.string(value)
				}
				return err
			})
		case "reactions":
			err = jsonstream.Elements(value, m.reaction)
		}
		return err
	})
}

func (m *message) string(value []byte) (string, error) {
	text, replaced, err := mended(value)
	m.replaced = m.replaced || replaced
	return text, err
}

// file reads a file, of which the path is named.
func (m *message) file(value []byte) error {
	return jsonstream.Fields(value, func(key, value []byte) error {
		if string(key) != "uri" {
			return nil
		}
		uri, err := m.string(value)
		if uri != "" {
			m.files = append(m.files, uri)
		}
		return err
	})
}

func (m *message) reaction(value []byte) error {
	var r reaction
	err := jsonstream.Fields(value, func(key, value []byte) (err error) {
		switch string(key) {
		case "reaction":
			r.emoji, err = m.string(value)
		case "actor":
			r.actor, err = m.string(value)
		case "timestamp":
			r.at, _ = strconv.ParseInt(string(value), 10, 64)
		}
		return err
	})
	m.reactions = append(m.reactions, r)
	return err
}

// file passes the messages of a file to the sink.
func (e *emitter) file(ctx context.Context, file string) error {
	t := e.byFile[file]
	err := e.reader.each(ctx, file, func(string, []byte) error { return nil }, func(m *message) error { return e.message(file, t, m) }, func(what string) {
		e.done++
		e.sink.Unreadable(what, 1)
	})
	if sources.IsDamage(ctx, e.sink, err) && e.done > 0 {
		e.sink.Unreadable(err.Error(), 0)
		return nil
	}
	return err
}

// mostRows is the number of the first row: files have the newest message first.
const mostRows = 8_000_000

func (e *emitter) message(file string, t *thread, m *message) error {
	e.done++
	e.row++
	if e.done%1024 == 0 {
		e.sink.Progress(e.done, e.total)
	}
	if m.replaced {
		e.replaced++
	}
	keys := e.keys[path.Dir(file)]
	if keys == nil {
		keys = &sources.Keys{}
		e.keys[path.Dir(file)] = keys
	}
	var at time.Time
	if m.at != 0 {
		at = time.UnixMilli(m.at)
	}
	fate := m.fate()
	err := sources.CheckDate(at, "Facebook", 2004)
	if m.sender == "" {
		err = errors.New("it has no sender")
	}
	if fate == sources.Messages && err != nil {
		e.sink.Unreadable(fmt.Sprintf("%s: message %d of %s: %v", e.reader.At(file), e.row, t.title, err), 1)
		return e.reactions(m, nil)
	}
	out := sources.Message{Chat: &t.Chat, Row: mostRows - e.row, Time: at, Sender: e.address(m.sender),
		GUID: keys.GUID("meta "+t.key, m.sender, at, m.text+strings.Join(m.files, " ")+m.link)}
	if fate == sources.Deleted {
		out.Retracted = true
		e.sink.Count(fate, 1)
		return e.sink.Seen(&out)
	}
	if fate == sources.Messages {
		if out.Parts = m.parts(out.GUID, e.reader.Place); len(out.Parts) == 0 {
			fate = sources.Empty
		} else if !e.seen.IsNew(out.GUID) {
			fate = sources.Duplicates
		}
	}
	if fate != sources.Messages {
		e.sink.Count(fate, 1)
		return e.reactions(m, nil)
	}
	if err := e.sink.Message(&out); err != nil {
		return err
	}
	return e.reactions(m, &out)
}

// fate returns what becomes of a message.
func (m *message) fate() sources.Fate {
	switch {
	case m.unsent:
		return sources.Deleted
	case m.call, m.kind == "Call", m.kind == "Subscribe", m.kind == "Unsubscribe", m.kind == "placeholder":
		return sources.Events
	case len(m.files) == 0 && m.link == "" && (m.text == "Liked a message" || strings.HasPrefix(m.text, "Reacted ") && strings.HasSuffix(strings.TrimSpace(m.text), " to your message")):
		return sources.Events // Instagram's notices of reactions
	}
	return sources.Messages
}

// parts returns the content of a message: its files, then its words, then what it shares.
func (m *message) parts(guid string, place func(name string) messages.FilePlace) (parts []sources.Part) {
	for i, file := range m.files {
		name := path.Base(file)
		p := sources.Part{Kind: mediatype.Of("", "", name), Text: name, Attachment: fmt.Sprintf("%s/%d", guid, i)}
		if !strings.Contains(file, "://") {
			p.File = place(file)
		}
		parts = append(parts, p)
	}
	text := m.text
	if (m.link != "" || m.shared != "" || len(m.files) > 0) && strings.HasSuffix(strings.TrimSpace(text), " sent an attachment.") {
		text = "" // Instagram's words for what is shared
	}
	if m.link != "" && !strings.Contains(text, m.link) {
		text = strings.TrimSpace(text + "\n" + m.link)
	}
	if strings.TrimSpace(text) == "" {
		text = m.shared
	}
	if strings.TrimSpace(text) != "" {
		parts = append(parts, sources.Part{Text: text})
	}
	return parts
}

// reactions passes on the reactions to a message; without a message they are dropped.
func (e *emitter) reactions(m *message, to *sources.Message) error {
	for _, r := range m.reactions {
		e.done++
		one := sources.Reaction{Sender: e.address(r.actor), Known: r.actor != "", Emoji: r.emoji}
		if to != nil {
			one.GUID = sources.Hashed(to.GUID, r.actor, r.emoji)
			if r.at > to.Time.Unix() {
				one.Time = time.Unix(r.at, 0)
			}
		}
		if err := sources.React(e.sink, &e.seen, to, one); err != nil {
			return err
		}
	}
	return nil
}
