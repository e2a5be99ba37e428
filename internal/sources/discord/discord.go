// Package discord reads the chats that DiscordChatExporter writes as JSON, and the data package that Discord gives to people, which has
// their own messages only.
//
// In: the path of a file, or of a folder of such files, and the owner's names. Out: its messages, through source.Sink. It must not know
// contacts, windows or training.
//
// People are known by Discord's identifiers; messages.db stores the names that the export has for them.
package discord

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/usererr"
)

// began is the year when Discord began.
const began = 2015

// largestValue limits a message in memory.
const largestValue = 16 << 20

// Recognize reports whether a file is a chat of Discord, a folder or a zip holds some, or is a data package.
func Recognize(h *sources.Head) bool {
	if len(h.Text) == 0 {
		return isPackage(h) || h.Begins(func(name string) bool { return strings.EqualFold(path.Ext(name), ".json") }, isChat)
	}
	return isChat(h.Text)
}

// isChat reports whether a file begins like a chat of DiscordChatExporter.
func isChat(text []byte) bool {
	keys := map[string]bool{}
	s := jsonstream.New(bytes.NewReader(text), largestValue, nil)
	s.Object(func(key string) error {
		keys[key] = true
		return s.Skip()
	})
	return keys["guild"] && keys["channel"]
}

// Reader reads the chats of an export.
type Reader struct {
	*sources.Files
	reading sources.Reading
}

// Open returns a reader for the file, folder or zip at path.
func Open(path string, reading sources.Reading) (sources.Reader, error) {
	files, err := sources.OpenFiles(path)
	if err != nil {
		return nil, err
	}
	if r := openPackage(files, reading); r != nil {
		return r, nil
	}
	if len(files.JSON()) == 0 {
		files.Close()
		return nil, usererr.With(fmt.Errorf("%s holds no JSON files", path), "export with DiscordChatExporter again, in the format JSON")
	}
	return &Reader{files, reading}, nil
}

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "messages and reactions" }

// channel is a chat; its messages may be in several files.
type channel struct {
	sources.Chat
	id, kind, name string
	people         []string
}

func (c *channel) add(id string) {
	if id != "" && !slices.Contains(c.people, id) {
		c.people = append(c.people, id)
	}
}

// isDirect reports whether a channel is one of two people, rather than of a group or a server.
func (c *channel) isDirect() bool { return c.kind == "DirectTextChat" || c.kind == "1" }

// Read reads the files twice: first for the people, then for the messages.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	e := emitter{reader: r, sink: sink, channels: map[string]*channel{}, byFile: map[string]*channel{}, names: map[string]string{}}
	for _, file := range r.JSON() {
		if err := e.survey(ctx, file); err != nil {
			return 0, err
		}
	}
	if err := e.people(); err != nil {
		return 0, err
	}
	for _, file := range r.JSON() {
		if e.byFile[file] == nil {
			continue
		}
		if err := e.file(ctx, file); err != nil {
			return e.done, err
		}
	}
	sources.NoteReplaced(sink, e.replaced)
	sink.Progress(e.done, e.done)
	return e.done, nil
}

// each calls visit for the messages of a file, and channel for the chat they are in.
func (r *Reader) each(ctx context.Context, file string, chat func(value []byte) error, visit func(m *message) error, damaged func(string)) error {
	in, err := r.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	err = jsonstream.Read(in, r.At(file), largestValue, damaged, func(s *jsonstream.Scanner) error {
		return s.Object(func(key string) error {
			switch key {
			case "channel":
				raw, err := s.Value()
				if err == nil && chat(raw) != nil {
					err = s.Reject(raw, errors.New("it is no channel"))
				}
				return err
			case "messages":
				return jsonstream.Each(s, (*message).read, func(m *message) error {
					if err := ctx.Err(); err != nil {
						return err
					}
					return visit(m)
				})
			}
			return s.Skip()
		})
	})
	return cmp.Or(ctx.Err(), err)
}

// survey reads who takes part in the chat of a file. A file that is no chat is passed over.
func (e *emitter) survey(ctx context.Context, file string) error {
	c := &channel{}
	err := e.reader.each(ctx, file, func(value []byte) error {
		return jsonstream.Fields(value, func(key, value []byte) (err error) {
			switch string(key) {
			case "id":
				c.id, _, err = jsonstream.String(value)
			case "type":
				if c.kind = string(value); jsonstream.IsString(value) {
					c.kind, _, err = jsonstream.String(value)
				}
			case "name":
				c.name, _, err = jsonstream.String(value)
			}
			return err
		})
	}, func(m *message) error {
		e.total++
		if !m.author.bot {
			c.add(m.author.id)
			e.names[m.author.id] = m.author.called()
		}
		for _, r := range m.reactions {
			for _, by := range r.users {
				e.total++
				c.add(by.id)
				if e.names[by.id] == "" {
					e.names[by.id] = by.called()
				}
			}
		}
		return nil
	}, func(string) { e.total++ })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if c.id == "" {
		if err != nil {
			e.sink.Unreadable(err.Error(), 0)
		} else {
			e.sink.Note("%s is no chat of Discord and was passed over", path.Base(file))
		}
		return nil
	}
	if known := e.channels[c.id]; known != nil {
		for _, id := range c.people {
			known.add(id)
		}
		c = known
	}
	e.channels[c.id], e.byFile[file] = c, c
	return nil
}

// people finds the owner, and the members of the chats.
func (e *emitter) people() (err error) {
	var list []sources.Thread
	for _, file := range e.reader.JSON() {
		if c := e.byFile[file]; c != nil {
			title := c.name
			for _, id := range c.people {
				if strings.EqualFold(e.names[id], c.name) {
					title = id
				}
			}
			list = append(list, sources.Thread{People: c.people, Title: title, Group: !c.isDirect()})
		}
	}
	if e.owner, err = e.reader.reading.FindOwner(e.reader.Path(), list, e.names); err != nil {
		return err
	}
	for _, c := range e.channels {
		c.Source, c.Extent, c.Group = "discord "+c.id, messages.Span, !c.isDirect()
		for _, id := range c.people {
			if id != e.owner {
				c.Members = append(c.Members, address(id))
			}
		}
	}
	for id, name := range e.names {
		if id != e.owner {
			e.sink.Name(address(id), name)
		}
	}
	return nil
}

// address returns the address of a person: the identifier alone could be a telephone number.
func address(id string) string { return "discord:" + id }

func (e *emitter) sender(id string) string {
	if id == e.owner {
		return messages.Owner
	}
	return address(id)
}
