// Package slack reads the export of a Slack workspace: a folder with users.json, lists of conversations, and a folder of days for each
// conversation.
//
// In: the path of the unpacked export, and the owner's names. Out: its messages, through source.Sink. It must not know contacts,
// windows or training.
//
// People are known by Slack's identifiers (slack:U123); messages.db stores the names that the export has for them, and that their
// telephone numbers and e-mail addresses are theirs.
package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/usererr"
)

// largestValue limits a message in memory.
const largestValue = 16 << 20

// lists are the files that list conversations.
var lists = []string{"channels.json", "groups.json", "mpims.json", "dms.json"}

// Recognize reports whether a folder or a zip is an export of a workspace.
func Recognize(h *sources.Head) bool {
	return h.Holds("users.json") && h.Holds(lists...)
}

// Reader reads an export.
type Reader struct {
	*sources.Files
	root    string // the folder that has the lists
	reading sources.Reading
}

// Open returns a reader for the export in the folder or zip at path.
func Open(path string, reading sources.Reading) (*Reader, error) {
	files, err := sources.OpenFiles(path)
	if err != nil {
		return nil, err
	}
	root, found := files.Folder("users.json")
	if !found {
		files.Close()
		return nil, usererr.With(fmt.Errorf("%s is no export of Slack: it has no users.json", path), "collect the zip of the export, or its folder")
	}
	return &Reader{files, root, reading}, nil
}

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "messages and reactions" }

// conversation is a channel, or messages of a few people.
type conversation struct {
	sources.Chat
	id, name string
	list     string   // where it is listed
	members  []string // as listed
	who      map[string]bool
	days     []string
	keys     sources.Keys // of messages without a time
}

// user is a member of the workspace.
type user struct {
	name, email, phone string
	bot                bool
}

// Read reads the export twice: first for the people, then for the messages.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	e := emitter{reader: r, sink: sink, users: map[string]*user{}, channels: map[string]string{}}
	if err := e.lists(ctx); err != nil {
		return 0, err
	}
	if len(e.conversations) == 0 {
		return 0, usererr.With(fmt.Errorf("%s lists no conversations of Slack", r.Path()), "collect the folder that has users.json and channels.json")
	}
	for _, c := range e.conversations {
		if err := e.survey(ctx, c); err != nil {
			return 0, err
		}
	}
	if err := e.people(); err != nil {
		return 0, err
	}
	for _, c := range e.conversations {
		if err := e.conversation(ctx, c); err != nil {
			return e.done, err
		}
	}
	sources.NoteReplaced(sink, e.replaced)
	sink.Progress(e.done, e.done)
	return e.done, nil
}

// array passes the elements of an array in a file to visit. The text of the damaged ones goes to damaged.
func (r *Reader) array(ctx context.Context, file string, visit func(value []byte) error, damaged func(what string)) error {
	in, err := r.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	err = jsonstream.Read(in, r.At(file), largestValue, damaged, func(s *jsonstream.Scanner) error {
		return s.Array(func() error {
			raw, err := s.Value()
			if err != nil {
				return err
			}
			if err := visit(raw); err != nil {
				return s.Reject(raw, err)
			}
			return ctx.Err()
		})
	})
	return cmp.Or(ctx.Err(), err)
}

// lists reads who is in the workspace, and its conversations. A list that is missing or damaged costs what it says.
func (e *emitter) lists(ctx context.Context) error {
	list := func(name string, visit func(value []byte) error) error {
		err := e.reader.array(ctx, path.Join(e.reader.root, name), visit, func(what string) { e.sink.Unreadable(what, 0) })
		if err != nil && ctx.Err() == nil && !errors.Is(err, os.ErrNotExist) {
			e.sink.Unreadable(err.Error(), 0)
		}
		return ctx.Err()
	}
	if err := list("users.json", e.user); err != nil {
		return err
	}
	for _, name := range lists {
		if err := list(name, func(value []byte) error { return e.listed(name, value) }); err != nil {
			return err
		}
	}
	return nil
}

// user reads a member of the workspace.
func (e *emitter) user(value []byte) error {
	u, id, name := &user{}, "", ""
	profile := map[string]string{}
	err := jsonstream.Fields(value, func(key, value []byte) (err error) {
		switch string(key) {
		case "id":
			id, _, err = jsonstream.String(value)
		case "name":
			name, _, err = jsonstream.String(value)
		case "is_bot":
			u.bot = string(value) == "true"
		case "profile":
			err = jsonstream.Fields(value, func(key, value []byte) error {
				if jsonstream.IsString(value) {
					profile[string(key)], _, _ = jsonstream.String(value)
				}
				return nil
			})
		}
		return err
	})
	if err != nil || id == "" {
		return cmp.Or(err, errors.New("it has no id"))
	}
	u.name = cmp.Or(strings.TrimSpace(profile["real_name"]), strings.TrimSpace(profile["display_name"]), name)
	u.email, u.phone = profile["email"], profile["phone"]
	e.users[id] = u
	return nil
}

// listed reads a conversation of a list. The folder of its days has its name, or its identifier.
func (e *emitter) listed(list string, value []byte) error {
	c := &conversation{list: list, who: map[string]bool{}}
	err := jsonstream.Fields(value, func(key, value []byte) (err error) {
		switch string(key) {
		case "id":
			c.id, _, err = jsonstream.String(value)
		case "name":
			c.name, _, err = jsonstream.String(value)
		case "members":
			err = jsonstream.Elements(value, func(one []byte) error {
				id, _, err := jsonstream.String(one)
				c.members = append(c.members, id)
				return err
			})
		}
		return err
	})
	if err != nil || c.id == "" {
		return cmp.Or(err, errors.New("it has no id"))
	}
	for _, folder := range []string{c.name, c.id} {
		if folder == "" || !filepath.IsLocal(folder) || len(c.days) > 0 {
			continue
		}
		folder = path.Join(e.reader.root, folder)
		for _, day := range e.reader.In(folder) {
			if path.Dir(day) == folder && strings.HasSuffix(day, ".json") && path.Base(day) != "canvas_in_the_conversation.json" {
				c.days = append(c.days, day)
			}
		}
	}
	e.conversations = append(e.conversations, c)
	e.channels[c.id] = c.name
	return nil
}

// isDirect reports whether a conversation is one of two people.
func (c *conversation) isDirect() bool { return c.list == "dms.json" }

// survey reads who takes part in a conversation.
func (e *emitter) survey(ctx context.Context, c *conversation) error {
	return e.each(ctx, c, func(m *message) {
		e.total += 1 + int64(len(m.reactions))
		if m.fate() != sources.Messages || e.isBot(m.user) {
			return
		}
		c.who[m.user] = true
		if e.users[m.user] == nil && m.name != "" {
			e.users[m.user] = &user{name: m.name}
		}
		for _, r := range m.reactions {
			if r.user != "" && !e.isBot(r.user) {
				c.who[r.user] = true
			}
		}
	}, func(string, int64) {})
}

func (e *emitter) isBot(id string) bool {
	return e.users[id] != nil && e.users[id].bot || id == "USLACKBOT"
}

// each passes the messages of a conversation to visit.
func (e *emitter) each(ctx context.Context, c *conversation, visit func(m *message), damaged func(what string, units int64)) error {
	for _, e.day = range c.days {
		err := e.reader.array(ctx, e.day, func(value []byte) error {
			var m message
			if err := m.read(value); err != nil {
				return err
			}
			if e.failed == nil {
				visit(&m)
			}
			return nil
		}, func(what string) { damaged(what, 1) })
		if ctx.Err() != nil || e.failed != nil {
			return cmp.Or(e.failed, ctx.Err())
		}
		if err != nil {
			damaged(err.Error(), 0)
		}
	}
	return nil
}

// people finds the owner, and the members of the conversations.
func (e *emitter) people() (err error) {
	if e.owner, err = e.findOwner(); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, c := range e.conversations {
		c.Source, c.Extent, c.Group, c.Name = "slack "+c.id, messages.Span, !c.isDirect(), c.name
		people := c.who
		if c.isDirect() || c.list == "mpims.json" {
			c.Name, people = "", maps.Clone(c.who)
			for _, id := range c.members {
				people[id] = true
			}
		}
		for _, id := range slices.Sorted(maps.Keys(people)) {
			if known[id] = true; id != e.owner {
				c.Members = append(c.Members, address(id))
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		u := e.users[id]
		if u == nil || id == e.owner {
			continue
		}
		e.sink.Name(address(id), u.name)
		switch {
		case u.phone != "" && u.email != "":
			e.sink.Same(u.email, u.phone)
			e.sink.Same(address(id), u.phone)
		case u.phone+u.email != "":
			e.sink.Same(address(id), u.phone+u.email)
		}
	}
	return nil
}

// findOwner finds the owner by the names and addresses that the user stated, else as the one person in all direct messages.
func (e *emitter) findOwner() (string, error) {
	names := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(e.users)) {
		u := e.users[id]
		if names[id] = u.name; u.email != "" && e.reader.reading.Sender(u.email) == messages.Owner {
			return id, nil
		}
	}
	var direct, all []sources.Thread
	for _, c := range e.conversations {
		if c.isDirect() || c.list == "mpims.json" {
			direct = append(direct, sources.Thread{People: c.members, Group: !c.isDirect()})
		}
		all = append(all, sources.Thread{People: slices.Sorted(maps.Keys(c.who)), Group: true})
	}
	if owner, err := e.reader.reading.FindOwner(e.reader.Path(), direct, names); owner != "" && err == nil {
		return owner, nil
	}
	return e.reader.reading.FindOwner(e.reader.Path(), append(all[:len(all):len(all)], direct...), names)
}

// address returns the address of a person.
func address(id string) string { return "slack:" + id }
