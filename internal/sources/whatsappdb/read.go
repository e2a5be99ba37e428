package whatsappdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/mediatype"
	"ventriloquist/internal/sources/sqlitefile"
	"ventriloquist/internal/usererr"
)

// The names of the databases.
const (
	androidName = "msgstore.db"
	iPhoneName  = "ChatStorage.sqlite"
)

// Recognize reports whether a file is one of the databases, or a folder holds one.
func Recognize(h *sources.Head) bool {
	if h.Dir {
		return slices.Contains(h.Names, androidName) || slices.Contains(h.Names, iPhoneName)
	}
	return len(h.Names) == 0 && sqlitefile.IsDatabase(h.Text) && (sqlitefile.Has(h.Path, "message", "jid", "chat") || sqlitefile.Has(h.Path, "ZWAMESSAGE", "ZWACHATSESSION"))
}

// Reader reads one database.
type Reader struct {
	path     string
	absolute string
	db       *sqlitefile.File
	reading  sources.Reading
	columns  map[string]map[string]bool
	iPhone   bool
}

// Open opens the database at path, or in that folder. A copy, if one is needed, goes into a temporary folder in temp.
func Open(ctx context.Context, path, temp string, reading sources.Reading) (*Reader, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		for _, name := range []string{androidName, iPhoneName} {
			if _, err := os.Stat(filepath.Join(path, name)); err == nil {
				path = filepath.Join(path, name)
				break
			}
		}
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	db, err := sqlitefile.Open(ctx, path, temp)
	if err != nil {
		return nil, err
	}
	r := &Reader{path: path, absolute: absolute, db: db, reading: reading}
	if r.columns, err = db.Columns(ctx, append(androidTables, iPhoneTables...)...); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read %s: %w", path, err), db.Close())
	}
	r.iPhone = len(r.columns["ZWAMESSAGE"]) > 0
	if !r.iPhone && (len(r.columns["message"]) == 0 || len(r.columns["jid"]) == 0) {
		err := fmt.Errorf("%s holds no messages of WhatsApp: it has neither the table message nor ZWAMESSAGE", path)
		return nil, errors.Join(usererr.With(err, "an msgstore.db from before 2021 has another form: restore it in today's WhatsApp and take its database again"), db.Close())
	}
	return r, nil
}

// At makes the database known by another path: that of the backup it was decrypted from.
func (r *Reader) At(path string) *Reader {
	r.path, r.absolute = path, path
	return r
}

// Path returns the database's path.
func (r *Reader) Path() string { return r.path }

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "rows" }

// Close closes the database.
func (r *Reader) Close() error { return r.db.Close() }

// chat is a chat of the database.
type chat struct {
	sources.Chat
	jid   string
	name  string // of the group, or of the other person
	other string // of a direct chat: the address
	fate  sources.Fate
}

// entry is a row of the database: a message, an event, or a reaction.
type entry struct {
	row     int64
	chat    int64
	fromMe  bool
	sender  string // an address
	at      time.Time
	what    what
	key     string
	quoted  string // the key of the message that it answers
	text    string
	file    string // its path on the phone
	mime    string
	name    string // of the file, contact or place
	reacted string // a reaction
}

// what is the kind of a message in either database.
type what int

const (
	words what = iota
	media
	contact
	location
	event
	deleted
	empty
	unknown
)

// isGroup reports whether a chat with this identifier is one of several people.
func isGroup(jid string) bool { return strings.HasSuffix(jid, "@g.us") }

// addressOf returns the address of a person: the number, or the identifier of somebody whose number is hidden.
func addressOf(jid string) string {
	user, server, _ := strings.Cut(jid, "@")
	user, _, _ = strings.Cut(user, ":") // of one of several devices
	user, _, _ = strings.Cut(user, ".")
	if server == "s.whatsapp.net" || server == "c.us" {
		return "+" + user
	}
	return jid
}

// newChat returns a chat with this identifier. Status updates, channels and broadcasts are no conversations.
func (r *Reader) newChat(jid, name string) *chat {
	c := &chat{jid: jid, name: name, Chat: sources.Chat{Source: "whatsapp-db " + r.absolute, Extent: messages.Whole, Group: isGroup(jid), Name: name}}
	switch {
	case c.Group:
	case strings.HasSuffix(jid, "@broadcast"), strings.HasSuffix(jid, "@newsletter"), strings.HasSuffix(jid, "@status"):
		c.fate = sources.Broadcast
	default:
		c.other = addressOf(jid)
		c.Members = []string{c.other}
	}
	return c
}

// speaks adds somebody who wrote in a group.
func (c *chat) speaks(address string) {
	if c.Group && address != "" && !slices.Contains(c.Members, address) {
		c.Members = append(c.Members, address)
	}
}

// Read reads the database.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	e := emitter{reader: r, sink: sink}
	read := r.android
	if r.iPhone {
		read = r.apple
	}
	err := read(ctx, &e)
	if sources.IsDamage(ctx, sink, err) && e.total > 0 {
		sink.Unreadable(fmt.Sprintf("%s, from row %d on: %v", r.path, e.last, err), 0)
		err = nil
	}
	if sources.IsDamage(ctx, sink, err) {
		err = usererr.With(fmt.Errorf("cannot read %s: %w", r.path, err), "it may be encrypted, damaged or not whole: copy it again")
	}
	sink.Progress(e.total, e.total)
	return e.total, err
}

// scan calls visit for the messages, in the order of their rows.
func (r *Reader) scan(ctx context.Context, e *emitter, id, query string, visit func(*sql.Rows) error) error {
	return r.db.Scan(ctx, id, query, func(rows *sql.Rows) (int64, error) {
		err := visit(rows)
		return e.last, err
	}, func(before, behind int64, err error) {
		e.total += behind - before - 1
		e.sink.Unreadable(fmt.Sprintf("%s: the rows between %d and %d: %v", r.path, before, behind, err), behind-before-1)
	})
}

// emitter passes the messages to the sink.
type emitter struct {
	reader      *Reader
	sink        sources.Sink
	chats       map[int64]*chat
	total, last int64
	rows        int64 // in the database
	seen        sources.Seen
}

// guid returns the identifier of a message.
func guid(key string) string { return sources.Hashed("whatsapp", key) }

// entry takes a row.
func (e *emitter) entry(ctx context.Context, n *entry) error {
	if e.total%1024 == 0 {
		e.sink.Progress(e.total, e.rows)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	e.total++
	e.last = n.row
	c := e.chats[n.chat]
	switch {
	case c == nil:
		e.sink.Count(sources.NoChat, 1)
		return nil
	case c.fate != sources.Messages:
		e.sink.Count(c.fate, 1)
		return nil
	case n.what == event:
		e.sink.Count(sources.Events, 1)
		return nil
	}
	err := sources.CheckDate(n.at, "WhatsApp", 2009)
	if n.key == "" {
		err = errors.New("it has no key")
	}
	if err != nil {
		e.sink.Unreadable(fmt.Sprintf("%s: row %d: %v", e.reader.path, n.row, err), 1)
		return nil
	}
	m := sources.Message{Chat: &c.Chat, GUID: guid(n.key), Row: n.row, Time: n.at, Sender: e.sender(c, n)}
	if n.reacted != "" {
		return e.reaction(&m, n)
	}
	if n.what == deleted {
		m.Retracted = true
		e.sink.Count(sources.Deleted, 1)
		return e.sink.Seen(&m)
	}
	if n.quoted != "" {
		m.ReplyTo = guid(n.quoted)
	}
	m.Parts = n.parts(m.GUID, filepath.Dir(e.reader.absolute))
	switch {
	case !n.fromMe && m.Sender == "" && !e.isOwn(n.sender):
		e.sink.Count(sources.NoSender, 1)
	case n.what == unknown && len(m.Parts) == 0:
		e.sink.Count(sources.UnknownKind, 1)
	case len(m.Parts) == 0:
		e.sink.Count(sources.Empty, 1)
	case !e.seen.IsNew(m.GUID):
		e.sink.Count(sources.Duplicates, 1)
	default:
		return e.sink.Message(&m)
	}
	return nil
}

// reaction takes a reaction to the message that its key names.
func (e *emitter) reaction(m *sources.Message, n *entry) error {
	m.ReplyTo = m.GUID
	m.GUID = sources.Hashed("whatsapp", n.key, m.Sender, "reaction")
	m.Parts = []sources.Part{{Kind: messages.Reaction, Text: n.reacted}}
	if !e.seen.IsNew(m.GUID) {
		e.sink.Count(sources.Duplicates, 1)
		return nil
	}
	return e.sink.Message(m)
}

func (e *emitter) isOwn(address string) bool {
	return address != "" && e.reader.reading.Sender(address) == messages.Owner
}

// sender returns who wrote a row.
func (e *emitter) sender(c *chat, n *entry) string {
	switch {
	case n.fromMe:
		return messages.Owner
	case c.Group:
		return e.reader.reading.Sender(n.sender)
	}
	return c.other
}

// parts returns the content of a message: its file or other attachment, then its words.
func (n *entry) parts(guid, root string) (parts []sources.Part) {
	switch n.what {
	case media:
		p := sources.Part{Kind: mediatype.Of(n.mime, "", cmp.Or(n.name, n.file)), Text: n.name, Attachment: guid}
		if p.Text == "" && n.file != "" {
			p.Text = path.Base(n.file)
		}
		if n.file != "" {
			p.File = messages.FilePlace{Root: root, Path: n.file}
		}
		if p.Text != "" || n.mime != "" {
			parts = append(parts, p)
		}
	case contact:
		if n.name != "" {
			parts = append(parts, sources.Part{Kind: messages.Contact, Text: n.name, Attachment: guid})
		}
	case location:
		if n.name != "" {
			parts = append(parts, sources.Part{Kind: messages.Location, Text: n.name, Attachment: guid})
		}
	}
	if strings.TrimSpace(n.text) != "" {
		parts = append(parts, sources.Part{Text: n.text})
	}
	return parts
}

// name tells the sink what a person is called.
func (e *emitter) name(jid, name string) {
	if name = strings.TrimSpace(strings.Trim(name, "\u200e\u202a\u202c")); name != "" && (strings.HasSuffix(jid, "@s.whatsapp.net") || strings.HasSuffix(jid, "@lid")) && !e.isOwn(addressOf(jid)) {
		e.sink.Name(addressOf(jid), name)
	}
}

// coordinates formats a place.
func coordinates(latitude, longitude float64) string {
	return fmt.Sprintf("%.6f, %.6f", latitude, longitude)
}
