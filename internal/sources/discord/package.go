package discord

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/sources/mediatype"
)

// channelFile is the name of the file about a channel in the data package that Discord gives to people.
const channelFile = "channel.json"

// isPackage reports whether a folder or a zip is such a package, or its folder of messages.
func isPackage(h *sources.Head) bool {
	return h.Holds("messages/c*/"+channelFile, "Messages/c*/"+channelFile, "c[0-9]*/"+channelFile)
}

// packageReader reads a data package. It has the owner's messages only.
type packageReader struct {
	*sources.Files
	folders []string // of the channels
	reading sources.Reading
}

// openPackage returns a reader for the package, or nil if there is none among the files.
func openPackage(files *sources.Files, reading sources.Reading) *packageReader {
	r := &packageReader{Files: files, reading: reading}
	for _, name := range files.Names() {
		folder := path.Dir(name)
		if path.Base(name) == channelFile && (files.Has(path.Join(folder, "messages.json")) || files.Has(path.Join(folder, "messages.csv"))) {
			r.folders = append(r.folders, folder)
		}
	}
	if len(r.folders) == 0 {
		return nil
	}
	return r
}

// Unit is the unit that Read counts.
func (r *packageReader) Unit() string { return "messages" }

// packaged is a channel of a package.
type packaged struct {
	sources.Chat
	id, kind, name string
	people         []string
}

// isDirect reports whether a channel is one of two people.
func (c *packaged) isDirect() bool { return c.kind == "1" || c.kind == "DM" }

// isPrivate reports whether the people in a channel are listed.
func (c *packaged) isPrivate() bool { return c.isDirect() || c.kind == "3" || c.kind == "GROUP_DM" }

// Read reads the channels.
func (r *packageReader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	e := packageEmitter{reader: r, sink: sink, names: map[string]string{}}
	if err := e.people(); err != nil {
		return 0, err
	}
	for i, c := range e.channels {
		if err := e.channel(ctx, r.folders[i], c); err != nil {
			return e.done, err
		}
	}
	sources.NoteReplaced(sink, e.replaced)
	sink.Progress(e.done, e.done)
	return e.done, nil
}

// packageEmitter passes the messages of a package to the sink.
type packageEmitter struct {
	reader   *packageReader
	sink     sources.Sink
	channels []*packaged // in the order of their folders
	names    map[string]string
	seen     sources.Seen
	replaced int
	done     int64
}

// object passes the fields of the object in a file to visit. A file that is missing or damaged costs what it says.
func (e *packageEmitter) object(file string, visit func(key string, value []byte) error) {
	in, err := e.reader.Open(file)
	if err != nil {
		return
	}
	defer in.Close()
	err = jsonstream.Read(in, e.reader.At(file), largestValue, func(what string) { e.sink.Unreadable(what, 0) }, func(s *jsonstream.Scanner) error {
		return s.Object(func(key string) error {
			raw, err := s.Value()
			if err == nil && visit(key, raw) != nil {
				err = s.Reject(raw, errors.New("it has another form"))
			}
			return err
		})
	})
	if err != nil {
		e.sink.Unreadable(err.Error(), 0)
	}
}

// text returns a string or the digits of a number.
func text(value []byte) string {
	if !jsonstream.IsString(value) {
		return string(value)
	}
	words, _, _ := jsonstream.String(value)
	return words
}

// people reads who the owner is, what people are called, and who is in the channels.
func (e *packageEmitter) people() error {
	own := ""
	for _, file := range e.reader.Matching(func(name string) bool { return strings.HasSuffix(strings.ToLower(name), "account/user.json") }) {
		e.object(file, func(key string, value []byte) error {
			switch key {
			case "id":
				own = text(value)
			case "relationships":
				return jsonstream.Elements(value, e.relationship)
			}
			return nil
		})
	}
	titles := map[string]string{}
	for _, file := range e.reader.Matching(func(name string) bool { return path.Base(name) == "index.json" }) {
		e.object(file, func(key string, value []byte) error {
			if jsonstream.IsString(value) {
				titles[key] = text(value)
			}
			return nil
		})
	}
	var threads []sources.Thread
	for _, folder := range e.reader.folders {
		c := &packaged{id: strings.TrimPrefix(path.Base(folder), "c")}
		e.object(path.Join(folder, channelFile), c.field)
		e.channels = append(e.channels, c)
		if c.isPrivate() {
			threads = append(threads, sources.Thread{People: c.people, Group: !c.isDirect()})
		}
	}
	if own == "" && len(threads) > 0 {
		owner, err := e.reader.reading.FindOwner(e.reader.Path(), threads, e.names)
		if err != nil {
			return err
		}
		own = owner
	}
	for _, c := range e.channels {
		e.place(c, own, titles[c.id])
	}
	return nil
}

// relationship reads what somebody is called.
func (e *packageEmitter) relationship(value []byte) error {
	var p person
	id := ""
	err := jsonstream.Fields(value, func(key, value []byte) error {
		switch string(key) {
		case "id":
			id = text(value)
		case "display_name", "nickname":
			if jsonstream.IsString(value) {
				p.nickname = text(value)
			}
		case "user":
			return jsonstream.Fields(value, func(key, value []byte) error {
				switch {
				case string(key) == "username":
					p.name = text(value)
				case string(key) == "global_name" && jsonstream.IsString(value) && p.nickname == "":
					p.nickname = text(value)
				}
				return nil
			})
		}
		return nil
	})
	if name := p.called(); id != "" && name != "" {
		e.names[id] = name
	}
	return err
}

// field reads a field of channel.json.
func (c *packaged) field(key string, value []byte) error {
	switch key {
	case "id":
		c.id = text(value)
	case "type":
		c.kind = text(value)
	case "name":
		if jsonstream.IsString(value) {
			c.name = text(value)
		}
	case "recipients":
		return jsonstream.Elements(value, func(one []byte) error {
			if id := text(one); !slices.Contains(c.people, id) {
				c.people = append(c.people, id)
			}
			return nil
		})
	}
	return nil
}

// place finds the members of a channel. Of two people, the list of channels has the other one's name.
func (e *packageEmitter) place(c *packaged, own, title string) {
	c.Source, c.Extent, c.Group = "discord-package "+c.id, messages.Span, !c.isDirect()
	name, isDirect := strings.CutPrefix(title, "Direct Message with ")
	name, _, _ = strings.Cut(name, "#")
	for _, id := range c.people {
		if id == own {
			continue
		}
		c.Members = append(c.Members, address(id))
		if isDirect && c.isDirect() && e.names[id] == "" && name != "Unknown Participant" {
			e.names[id] = name
		}
		if e.names[id] != "" {
			e.sink.Name(address(id), e.names[id])
		}
	}
	if c.Group {
		c.Name = c.name
	}
}

// channel passes the messages of a channel to the sink.
func (e *packageEmitter) channel(ctx context.Context, folder string, c *packaged) error {
	file := path.Join(folder, "messages.json")
	each := e.json
	if !e.reader.Has(file) {
		file, each = path.Join(folder, "messages.csv"), e.csv
	}
	where := e.reader.At(file)
	in, err := e.reader.Open(file)
	if err == nil {
		defer in.Close()
		var failed error // of the sink
		err = each(ctx, in, where, func(m *packagedMessage) error {
			failed = e.message(c, m, where)
			return failed
		}, func(what string) {
			e.done++
			e.sink.Unreadable(what, 1)
		})
		if failed != nil {
			return failed
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		e.sink.Unreadable(err.Error(), 0)
	}
	return nil
}

// packagedMessage is a message of a package.
type packagedMessage struct {
	id, at, text, files string
	replaced            bool
}

func (m *packagedMessage) read(raw []byte) error {
	return jsonstream.Fields(raw, func(key, value []byte) (err error) {
		switch string(key) {
		case "ID":
			m.id = text(value)
		case "Timestamp":
			m.at = text(value)
		case "Contents":
			if jsonstream.IsString(value) {
				m.text, m.replaced, err = jsonstream.String(value)
			}
		case "Attachments":
			if jsonstream.IsString(value) {
				m.files = text(value)
			}
		}
		return err
	})
}

// timeForms are the forms of a time; without a zone, it is UTC.
var timeForms = []string{"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", time.RFC3339Nano}

// parseTime parses a time of either kind of export. There may be none.
func parseTime(text string) (at time.Time, err error) {
	if sources.IsNoTime(text) {
		return at, nil
	}
	for _, form := range timeForms {
		if at, err = time.Parse(form, text); err == nil {
			return at, sources.CheckDate(at, "Discord", began)
		}
	}
	return at, fmt.Errorf("%.40q is no time such as \"2024-03-15 19:02:03\"", text)
}

func (e *packageEmitter) message(c *packaged, m *packagedMessage, where string) error {
	if e.done++; e.done%1024 == 0 {
		e.sink.Progress(e.done, e.done)
	}
	if m.replaced {
		e.replaced++
	}
	at, err := parseTime(m.at)
	if m.id == "" {
		err = errors.New("it has no identifier")
	}
	if err != nil {
		e.sink.Unreadable(fmt.Sprintf("%s: message %s: %v", where, m.id, err), 1)
		return nil
	}
	out := sources.Message{Chat: &c.Chat, GUID: guid(m.id), Row: e.done, Time: at, Sender: messages.Owner, Derived: true}
	for i, file := range strings.Fields(m.files) {
		name := path.Base(file)
		if link, err := url.Parse(file); err == nil {
			name = path.Base(link.Path)
		}
		out.Parts = append(out.Parts, sources.Part{Kind: mediatype.Of("", "", name), Text: name, Attachment: fmt.Sprintf("%s/%d", out.GUID, i)})
	}
	if strings.TrimSpace(m.text) != "" {
		out.Parts = append(out.Parts, sources.Part{Text: m.text})
	}
	switch {
	case len(out.Parts) == 0:
		e.sink.Count(sources.Empty, 1)
	case !e.seen.IsNew(out.GUID):
		e.sink.Count(sources.Duplicates, 1)
	default:
		return e.sink.Message(&out)
	}
	return nil
}
