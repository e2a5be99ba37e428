package imessage

import (
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// read adds to a batch what a row tells, which has these attachments.
func (c *collector) read(r *row, files []attachment, b *batch) {
	c.reader.files = files
	t := told{id: r.id, guid: r.guid, date: r.date, sender: r.address(c.directory)}
	chat := c.directory.chatOf(r.id)
	t.fate = r.exclude(c.directory, chat, &c.options.Include)
	before := len(b.entries)
	switch t.fate {
	case sources.Messages, sources.Reactions, sources.Removals:
		sender, known := r.sender(c.directory, chat)
		if !known {
			t.fate = sources.NoSender
			break
		}
		t.sender = sender
		t.era = chat.eraAt(moment{r.date, r.id})
		e := messages.Entry{Row: r.id, GUID: r.guid, Date: r.date, Sender: sender}
		if t.fate == sources.Messages {
			c.message(r, &t, e, b)
		} else {
			r.tapbackEntry(&t, e, b)
		}
	case sources.GroupEvents:
		c.event(r, chat, &t)
	case sources.UnknownKind:
		e := r.foreign(c.directory, chat)
		t.event, t.unknown = &e, e.Kind
	}
	t.entries = len(b.entries) - before
	b.rows = append(b.rows, t)
}

// message adds the entries of the parts of a message, and its history.
func (c *collector) message(r *row, t *told, e messages.Entry, b *batch) {
	pieces, shortened, fate := c.reader.pieces(r)
	t.fate, t.damaged = fate, c.reader.damaged != nil
	if fate != sources.Messages {
		return
	}
	e.Shortened = shortened
	if r.thread != "" {
		e.TargetGUID, e.TargetPart = r.thread, parseThreadPart(r.threadPart)
	}
	for place, p := range pieces {
		e.Place, e.Part, e.Kind, e.Text, e.Attachment, e.Transcript = place, p.part, p.kind, p.text, p.attachment, p.transcript
		e.File = messages.FilePlace{Root: c.source.root, Path: p.path}
		b.entries = append(b.entries, e)
	}
	for _, edit := range c.reader.edits.history {
		text := c.reader.decode(edit.text, nil).Text
		t.versions = append(t.versions, messages.Version{GUID: r.guid, Part: edit.part, Number: edit.number, Date: edit.date, Text: text})
	}
}

func (c *collector) event(r *row, chat *chat, t *told) {
	e, known := r.event(c.directory, chat)
	if t.event = &e; !known {
		t.unknown = e.Kind
	}
}

// tapbackEntry adds the entry of a reaction, or of the taking back of one.
func (r *row) tapbackEntry(t *told, e messages.Entry, b *batch) {
	e.Kind, e.Removal = messages.Reaction, t.fate == sources.Removals
	kind := r.tapback
	if e.Removal {
		kind -= takenBack
	}
	e.Text = tapbackText(kind, r.emoji)
	if e.Text == "" && !e.Removal {
		t.fate = sources.Empty
		return
	}
	if e.TargetGUID, e.TargetPart = parseTarget(r.target); e.TargetGUID == "" {
		t.fate = sources.LostTarget
		return
	}
	b.entries = append(b.entries, e)
}
