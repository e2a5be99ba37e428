// Package googlechat reads Google Chat from a Google Takeout: folders with group_info.json and messages.json.
//
// In: the path of the Takeout, of its folder Google Chat, or of one chat, and the owner's names. Out: its messages, through
// source.Sink. It must not know contacts, windows or training.
//
// People are known by their e-mail addresses; messages.db stores the names that the files have for them.
package googlechat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/usererr"
)

// largestValue limits a message in memory.
const largestValue = 16 << 20

// The files of a chat, and that of a person.
const (
	messagesFile = "messages.json"
	groupFile    = "group_info.json"
	userFile     = "user_info.json"
)

// Recognize reports whether a folder or a zip is Google Chat's of a Takeout, holds it, or is one of its chats.
func Recognize(h *sources.Head) bool {
	return h.Holds(groupFile) && h.Holds(messagesFile) || h.Holds("Groups/*/"+groupFile, "Google Chat/Groups/*/"+groupFile)
}

// Reader reads the chats of a Takeout.
type Reader struct {
	*sources.Files
	chats   []*chat
	users   []string // files about the owner
	reading sources.Reading
}

// chat is a chat, its folder, and the folder's own name.
type chat struct {
	sources.Chat
	folder, called string
	name           string
	people         map[string]bool
}

// Open returns a reader for the folder or zip at place.
func Open(place string, reading sources.Reading) (*Reader, error) {
	files, err := sources.OpenFiles(place)
	if err != nil {
		return nil, err
	}
	r := &Reader{Files: files, reading: reading}
	for _, name := range files.Names() {
		switch path.Base(name) {
		case messagesFile:
			r.chats = append(r.chats, &chat{folder: path.Dir(name), called: files.NameOf(path.Dir(name)), people: map[string]bool{}})
		case userFile:
			r.users = append(r.users, name)
		}
	}
	if len(r.chats) == 0 {
		files.Close()
		return nil, usererr.With(fmt.Errorf("%s holds no messages.json of Google Chat", place), "name the zip of the Takeout, or the folder with all its zips or with what was in them")
	}
	return r, nil
}

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "messages and reactions" }

// Read reads the chats twice: first for the people, then for the messages.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	e := emitter{reader: r, sink: sink, names: map[string]string{}}
	for _, file := range r.users {
		if err := e.user(file); err != nil {
			sink.Note("%v", err)
		}
	}
	for _, c := range r.chats {
		if err := e.survey(ctx, c); err != nil {
			return 0, err
		}
	}
	if err := e.people(); err != nil {
		return 0, err
	}
	for _, c := range r.chats {
		if err := e.chat(ctx, c); err != nil {
			return e.done, err
		}
	}
	sources.NoteReplaced(sink, e.replaced)
	sink.Progress(e.done, e.done)
	return e.done, nil
}

// object reads a file that is one object.
func (r *Reader) object(file string, field func(s *jsonstream.Scanner, key string) error, damaged func(what string)) error {
	in, err := r.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	return jsonstream.Read(in, r.At(file), largestValue, damaged, func(s *jsonstream.Scanner) error {
		return s.Object(func(key string) error { return field(s, key) })
	})
}

// user takes whose Takeout it is.
func (e *emitter) user(file string) error {
	return e.reader.object(file, func(s *jsonstream.Scanner, key string) error {
		if key != "user" {
			return s.Skip()
		}
		raw, err := s.Value()
		if err != nil {
			return err
		}
		var p person
		if err := p.read(raw); err != nil {
			return s.Reject(raw, err)
		}
		e.owner = cmp.Or(e.owner, p.address())
		return nil
	}, func(string) {})
}

// survey reads who is in a chat.
func (e *emitter) survey(ctx context.Context, c *chat) error {
	err := e.reader.object(path.Join(c.folder, groupFile), func(s *jsonstream.Scanner, key string) error {
		switch key {
		case "name":
			raw, err := s.Value()
			if err == nil {
				c.name, _, err = jsonstream.String(raw)
			}
			return err
		case "members":
			return jsonstream.Each(s, (*person).read, func(p *person) error {
				e.meet(c, p)
				return nil
			})
		}
		return s.Skip()
	}, func(what string) { e.sink.Unreadable(what, 0) })
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		e.sink.Unreadable(err.Error(), 0)
	}
	return e.each(ctx, c, func(m *message) {
		e.total += 1 + int64(len(m.reactions))
		e.meet(c, &m.creator)
		for _, r := range m.reactions {
			e.meet(c, &person{email: r.by})
		}
	}, func(string, int64) {})
}

// meet takes a member of a chat.
func (e *emitter) meet(c *chat, p *person) {
	if p.bot || p.address() == "" {
		return
	}
	c.people[p.address()] = true
	if p.name != "" {
		e.names[p.address()] = p.name
	}
}

// each passes the messages of a chat to visit.
func (e *emitter) each(ctx context.Context, c *chat, visit func(m *message), damaged func(what string, units int64)) error {
	err := e.reader.object(path.Join(c.folder, messagesFile), func(s *jsonstream.Scanner, key string) error {
		if key != "messages" {
			return s.Skip()
		}
		return jsonstream.Each(s, (*message).read, func(m *message) error {
			if e.failed == nil {
				visit(m)
			}
			return ctx.Err()
		})
	}, func(what string) { damaged(what, 1) })
	if ctx.Err() != nil || e.failed != nil {
		return cmp.Or(e.failed, ctx.Err())
	}
	if err != nil {
		damaged(err.Error(), 0)
	}
	return nil
}

// isDirect reports whether a chat is one of two people, by the name of its folder.
func (c *chat) isDirect() bool {
	return strings.HasPrefix(c.called, "DM ") && len(c.people) <= 2
}

// people finds the owner, and the members of the chats.
func (e *emitter) people() (err error) {
	var list []sources.Thread
	for _, c := range e.reader.chats {
		list = append(list, sources.Thread{People: slices.Sorted(maps.Keys(c.people)), Group: !c.isDirect()})
	}
	if e.owner == "" {
		if e.owner, err = e.reader.reading.FindOwner(e.reader.Path(), list, e.names); err != nil {
			return err
		}
	}
	e.sink.Own(e.owner)
	for _, c := range e.reader.chats {
		c.Source, c.Extent, c.Group = "google chat "+c.called, messages.Span, !c.isDirect()
		if c.Group {
			c.Name = c.name
		}
		for _, address := range slices.Sorted(maps.Keys(c.people)) {
			if address == e.owner {
				continue
			}
			c.Members = append(c.Members, address)
			e.sink.Name(address, e.names[address])
		}
	}
	return nil
}
