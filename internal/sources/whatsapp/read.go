package whatsapp

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// Reader reads one exported chat, or the chats in a folder.
type Reader struct {
	path    string
	texts   *texts
	reading sources.Reading
}

// Open returns a reader for the export at path: a text, a zip, an extracted zip, or a folder with several exports.
func Open(path string, reading sources.Reading) (*Reader, error) {
	texts, err := find(path)
	if err != nil {
		return nil, err
	}
	return &Reader{path: path, texts: texts, reading: reading}, nil
}

// Path returns the export's path.
func (r *Reader) Path() string { return r.path }

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "lines" }

// Close closes the zips.
func (r *Reader) Close() error { return r.texts.close() }

// Read reads the chats.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (lines int64, err error) {
	for _, t := range r.texts.list {
		n, err := r.chat(ctx, t, sink)
		if lines += n; err != nil {
			return lines, err
		}
	}
	for _, err := range r.texts.broken {
		sink.Unreadable(err.Error(), 0)
	}
	r.reading.NoteZone(sink)
	sink.Progress(lines, lines)
	return lines, nil
}

// chat reads one chat.
func (r *Reader) chat(ctx context.Context, t *text, sink sources.Sink) (int64, error) {
	s, err := t.survey(ctx)
	if errors.Is(err, sources.ErrBrokenZip) && len(r.texts.list) > 1 {
		sink.Unreadable(err.Error(), 0)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if s.items == 0 && len(r.texts.list) > 1 {
		sink.Note("%s is no exported chat and was passed over", t.path)
		return 0, nil
	}
	if s.items == 0 {
		return 0, noChat(t.path)
	}
	t.learned.letters.note(t.path, sink)
	e := emitter{survey: s, sink: sink, zone: r.reading.Zone, text: t}
	if err := r.people(&e); err != nil {
		return 0, err
	}
	var proven bool
	if e.order, proven = s.calendar.order(); !proven {
		sink.Note("%s: its dates are read as %v: no date is unambiguous", t.path, e.order)
	}
	if s.islamic > 0 {
		sink.Note("%s: its dates are those of the Islamic calendar, %v", t.path, t.learned.islamic)
	}
	if err := e.identify(); err != nil {
		return 0, err
	}
	for _, note := range slices.Sorted(maps.Keys(s.reader.learned)) {
		sink.Note("%s: <%s> is taken for a placeholder of media", t.path, note)
	}
	lines, before, err := t.eachItem(ctx, func(at *stamp) bool { _, _, _, ok := at.day(e.order); return ok }, e.item)
	sink.Count(sources.Envelope, before)
	return lines, err
}

// emitter passes the messages to the sink.
type emitter struct {
	*survey
	sink  sources.Sink
	zone  *time.Location
	order order
	chat  sources.Chat
	title string
	known string // the title under which the chat was collected first
	last  time.Time
	text  *text
	owner string
	keys  sources.Keys
}

func (e *emitter) address(name string) string {
	if e.owner != "" && name == e.owner {
		return messages.Owner
	}
	return name
}

func (e *emitter) item(at *item) error {
	if at.line%1024 < at.lines {
		e.sink.Progress(at.line, 0)
	}
	if at.sender == "" || at.sender == e.host {
		e.sink.Count(sources.Events, at.lines)
		return nil
	}
	b := e.reader.body(at.text)
	if b.fate != sources.Messages && !b.partial {
		e.sink.Count(b.fate, at.lines)
		return nil
	}
	when := at.stamp.time(e.order, e.zone)
	e.last = sources.InOrder(when, e.last)
	address := e.address(at.sender)
	author := address // as the identifier knows them
	if !e.chat.Group {
		author = e.spelledIn(e.known, address)
	}
	// Android writes no seconds: the same message has the same identifier in an export from either phone.
	m := sources.Message{Chat: &e.chat, GUID: e.keys.GUID(prefix+e.known, author, when.Truncate(time.Minute), b.words), Row: at.line, Time: e.last,
		Sender: address, Parts: b.parts, Partial: b.partial}
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Kind.IsAttachment() {
			p.Attachment = m.GUID
			if !b.partial && p.Kind != messages.Location {
				p.File = messages.FilePlace{Root: e.text.root, Path: path.Join(e.text.folder, p.Text)}
			}
		}
	}
	if len(m.Parts) == 0 {
		e.sink.Count(b.fate, at.lines)
		return e.sink.Seen(&m)
	}
	e.sink.Count(sources.Continued, at.lines-1)
	return e.sink.Message(&m)
}
