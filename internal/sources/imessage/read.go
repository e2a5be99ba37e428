package imessage

import (
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// place finds what a row belongs to.
func (c *collector) place(r *row, find finder) (p placedRow, err error) {
	p = placedRow{row: *r, chat: c.directory.chatOf(r.id)}
	p.files = slices.Clone(r.files)
	p.fate = r.exclude(c.directory, p.chat, &c.options.Include)
	target := r.thread
	switch p.fate {
	case sources.Messages:
	case sources.Reactions, sources.Removals:
		target, _ = parseTarget(r.target)
	default:
		return p, nil
	}
	if target != "" {
		p.targetRow, err = find(target)
	}
	return p, err
}

// decode decodes a row with its attachments.
func (c *collector) decode(p *placedRow) decodedRow {
	r, chat := &p.row, p.chat
	c.reader.files = r.files
	d := decodedRow{chat: chat, fate: p.fate, undated: r.undated || r.copied || r.poll, future: r.future,
		Row: messages.Row{Row: r.id, GUID: r.guid, Date: r.date, Sender: r.address(c.directory)}}
	switch d.fate {
	case sources.Messages, sources.Reactions, sources.Removals:
		sender, known := r.sender(c.directory, chat)
		if !known {
			d.fate = sources.NoSender
			break
		}
		d.Sender = sender
		if d.fate == sources.Messages {
			c.message(r, &d)
		} else {
			r.decodeTapback(&d)
		}
	case sources.GroupEvents:
		c.event(r, chat, &d)
	case sources.UnknownKind:
		e := r.foreign(c.directory, chat)
		d.Event, d.unknown = &e, e.Kind
	}
	d.LeftOut, d.Retracted = int(d.fate), d.fate == sources.Unsent
	if d.TargetGUID != "" {
		d.TargetRow = p.targetRow
	}
	return d
}

// message adds the parts of a message and its history.
func (c *collector) message(r *row, d *decodedRow) {
	parts, shortened, fate := c.reader.parts(r)
	d.fate, d.damaged = fate, c.reader.damaged != nil
	if fate != sources.Messages {
		return
	}
	d.Shortened = shortened
	if r.thread != "" {
		d.TargetGUID, d.TargetPart = r.thread, parseThreadPart(r.threadPart)
	}
	d.Parts = parts
	for i := range parts {
		parts[i].File.Root = c.source.root
	}
	for _, edit := range c.reader.edits.history {
		text := c.reader.decode(edit.text, nil).Text
		d.Versions = append(d.Versions, messages.Version{Part: edit.part, Number: edit.number, Date: edit.date, Text: text})
	}
}

func (c *collector) event(r *row, chat *chat, d *decodedRow) {
	e, known := r.event(c.directory, chat)
	if d.Event = &e; !known {
		d.unknown = e.Kind
	}
}

// decodeTapback decodes a reaction or the removal of one.
func (r *row) decodeTapback(d *decodedRow) {
	kind := r.tapback
	if d.fate == sources.Removals {
		kind -= takenBack
	}
	text := tapbackText(kind, r.emoji)
	if text == "" && d.fate != sources.Removals {
		d.fate = sources.Empty
		return
	}
	if d.TargetGUID, d.TargetPart = parseTarget(r.target); d.TargetGUID == "" {
		d.fate = sources.LostTarget
		return
	}
	d.Removal = d.fate == sources.Removals
	d.Parts = []messages.Part{{Kind: messages.Reaction, Text: text}}
}
