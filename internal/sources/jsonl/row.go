package jsonl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
)

// row is one line of the file.
type row struct {
	kind             string
	chat, name, text string
	me               bool
	id               string
	at               time.Time
	hasZone          bool
	answered         *int   // the number of a message of the chat
	answeredID       string // or its identifier
	program          string // that the message is of
	replaced         bool   // something that is no character

	attachment, transcript string
	file                   messages.FilePlace
	edits                  []messages.Version
	group                  *bool // of a chat
	members, absent        []string
	names                  map[string]string

	has struct{ chat, name, text, time bool }
}

// The kinds of lines that are no messages.
const (
	chatKind    = "chat"
	deletedKind = "deleted"
)

// kinds are the kinds of messages by their names.
var kinds = func() map[string]messages.Kind {
	byName := map[string]messages.Kind{"": messages.Text}
	for k := messages.Text; k <= messages.Location; k++ {
		byName[k.String()] = k
	}
	return byName
}()

// parse reads a line. What is known of the chat stays in the row if the rest is wrong.
func (r *row) parse(line []byte, zone *time.Location) error {
	err := jsonstream.Fields(line, func(key, value []byte) error { return r.field(string(key), value, zone) })
	if err != nil {
		return err
	}
	return r.check()
}

// field reads a field.
func (r *row) field(key string, value []byte, zone *time.Location) (err error) {
	if to, has := r.textOf(key); to != nil {
		if string(value) == "null" {
			return nil
		}
		text, replaced, err := jsonstream.String(value)
		if err != nil {
			return fmt.Errorf("%q: expected a string, found %.40s", key, value)
		}
		*to, *has, r.replaced = text, true, r.replaced || replaced
		return nil
	}
	switch key {
	case "time":
		if r.at, err = sources.ParseTime(value, zone); err == nil {
			err = sources.CheckDate(r.at, "", 0)
		}
		if err != nil {
			return fmt.Errorf(`"time": %w`, err)
		}
		r.has.time, r.hasZone = true, hasZone(value)
	case "reply_to":
		return r.reply(value)
	case "me":
		r.me = string(value) == "true"
	case "group":
		is := string(value) == "true"
		r.group = &is
	case "members":
		r.members, err = list(value)
	case "absent":
		r.absent, err = list(value)
	case "names":
		r.names = map[string]string{}
		err = jsonstream.Fields(value, func(key, value []byte) error {
			address, _, err := jsonstream.String(fmt.Appendf(nil, `"%s"`, key))
			if err == nil {
				r.names[address], _, err = jsonstream.String(value)
			}
			return err
		})
	case "edits":
		err = jsonstream.Elements(value, func(value []byte) error { return r.edit(value, zone) })
	}
	if err != nil {
		return fmt.Errorf("%q: %w", key, err)
	}
	return nil
}

// textOf returns where a field that is a text goes, nil for other fields.
func (r *row) textOf(key string) (to *string, has *bool) {
	switch key {
	case "chat":
		return &r.chat, &r.has.chat
	case "name":
		return &r.name, &r.has.name
	case "text":
		return &r.text, &r.has.text
	case "kind":
		return &r.kind, new(bool)
	case "id":
		return &r.id, new(bool)
	case "source":
		return &r.program, new(bool)
	case "attachment":
		return &r.attachment, new(bool)
	case "transcript":
		return &r.transcript, new(bool)
	case "folder":
		return &r.file.Root, new(bool)
	case "path":
		return &r.file.Path, new(bool)
	}
	return nil, nil
}

// hasZone reports whether a time has a zone: it is a number, or ends in Z or in an offset.
func hasZone(value []byte) bool {
	if !jsonstream.IsString(value) || len(value) < 8 {
		return true
	}
	end := value[len(value)-7 : len(value)-1]
	return end[5] == 'Z' || (end[0] == '+' || end[0] == '-') && end[3] == ':'
}

// reply reads the number or the identifier of the message that is answered.
func (r *row) reply(value []byte) error {
	if string(value) == "null" {
		return nil
	}
	if jsonstream.IsString(value) {
		text, _, err := jsonstream.String(value)
		r.answeredID = text
		return err
	}
	n, err := strconv.Atoi(string(value))
	if err != nil || n < 0 {
		return fmt.Errorf(`"reply_to" is %.40s, not the number of a message of the chat, from 0`, value)
	}
	r.answered = &n
	return nil
}

// edit reads an earlier text.
func (r *row) edit(value []byte, zone *time.Location) error {
	v := messages.Version{Number: len(r.edits)}
	err := jsonstream.Fields(value, func(key, value []byte) (err error) {
		switch string(key) {
		case "time":
			var at time.Time
			at, err = sources.ParseTime(value, zone)
			v.Date = at.UnixNano()
		case "text":
			v.Text, _, err = jsonstream.String(value)
		}
		return err
	})
	r.edits = append(r.edits, v)
	return err
}

func list(value []byte) (texts []string, err error) {
	err = jsonstream.Elements(value, func(value []byte) error {
		text, _, err := jsonstream.String(value)
		texts = append(texts, text)
		return err
	})
	return texts, err
}

// check returns what a line lacks.
func (r *row) check() error {
	if r.kind == deletedKind {
		if r.id == "" {
			return errors.New(`no string "id"`)
		}
		return nil
	}
	if !r.has.chat {
		return errors.New(`no string "chat"`)
	}
	if r.kind == chatKind {
		return nil
	}
	_, known := kinds[r.kind]
	switch {
	case !known:
		return fmt.Errorf(`"kind" is %q, which is none of a message`, r.kind)
	case (!r.has.name || r.name == "") && !r.me:
		return errors.New(`no string "name"`)
	case strings.ContainsAny(r.program, " -\n"):
		return fmt.Errorf(`"source" is %q, which is no program`, r.program)
	case !r.has.text:
		return errors.New(`no string "text"`)
	case !r.has.time:
		return errors.New(`"time": there is none`)
	}
	return nil
}
