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
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/regularfile"
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

// Recognize reports whether a folder is Google Chat's of a Takeout, holds it, or is one of its chats.
func Recognize(h *sources.Head) bool {
	if !h.Dir {
		return false
	}
	if slices.Contains(h.Names, groupFile) && slices.Contains(h.Names, messagesFile) {
		return true
	}
	return slices.ContainsFunc([]string{".", "Groups", "Google Chat/Groups", "Takeout/Google Chat/Groups"}, func(parent string) bool {
		return len(regularfile.Glob(h.Path, parent+"/*/"+groupFile)) > 0
	})
}

// Reader reads the chats of a Takeout.
type Reader struct {
	path    string
	chats   []*chat
	users   []string // files about the owner
	reading sources.Reading
}

// chat is a chat, and its folder.
type chat struct {
	sources.Chat
	folder string
	name   string
	people map[string]bool
}

// Open returns a reader for the folder at path.
func Open(path string, reading sources.Reading) (*Reader, error) {
	r := &Reader{path: path, reading: reading}
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || sources.IsLitter(name) || !entry.Type().IsRegular() {
			return err
		}
		switch entry.Name() {
		case messagesFile:
			folder, err := filepath.Abs(filepath.Dir(name))
			if err != nil {
				return err
			}
			r.chats = append(r.chats, &chat{folder: folder, people: map[string]bool{}})
		case userFile:
			r.users = append(r.users, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	if len(r.chats) == 0 {
		return nil, usererr.With(fmt.Errorf("%s holds no messages.json of Google Chat", path), "unpack all zips of the Takeout into one folder, and collect it")
	}
	return r, nil
}

// Path returns the Takeout's path.
func (r *Reader) Path() string { return r.path }

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "messages and reactions" }

// Close does nothing: there is nothing to free.
func (r *Reader) Close() error { return nil }

// Read reads the chats twice: first for the people, then for the messages.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
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
func object(file string, field func(s *jsonstream.Scanner, key string) error, damaged func(what string)) error {
	in, err := sources.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	return jsonstream.Read(in, file, largestValue, damaged, func(s *jsonstream.Scanner) error {
		return s.Object(func(key string) error { return field(s, key) })
	})
}

// user takes whose Takeout it is.
func (e *emitter) user(file string) error {
	return object(file, func(s *jsonstream.Scanner, key string) error {
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
	err := object(filepath.Join(c.folder, groupFile), func(s *jsonstream.Scanner, key string) error {
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
	file := filepath.Join(c.folder, messagesFile)
	err := object(file, func(s *jsonstream.Scanner, key string) error {
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
	return strings.HasPrefix(filepath.Base(c.folder), "DM ") && len(c.people) <= 2
}

// people finds the owner, and the members of the chats.
func (e *emitter) people() (err error) {
	var list []sources.Thread
	for _, c := range e.reader.chats {
		list = append(list, sources.Thread{People: slices.Sorted(maps.Keys(c.people)), Group: !c.isDirect()})
	}
	if e.owner == "" {
		if e.owner, err = e.reader.reading.FindOwner(e.reader.path, list, e.names); err != nil {
			return err
		}
	}
	e.sink.Own(e.owner)
	for _, c := range e.reader.chats {
		c.Source, c.Extent, c.Group = "google chat "+filepath.Base(c.folder), messages.Span, !c.isDirect()
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
