package messages

import (
	"context"
	"database/sql"
	"strconv"
)

// FullMessage is a message with all that the file holds of it.
type FullMessage struct {
	WindowMessage
	// ID identifies the message: the identifier of its row, and its place in it if that is not the first.
	ID string
	// Program is the program that its source is of: "imessage", "whatsapp", …
	Program string
	// Words are the text or the reaction, or the name of an attachment's file.
	Words string
	// TargetID identifies the message that it answers or reacts to, "" for none.
	TargetID string
	// Attachment is the identifier of an attachment, which has a Transcript if its source knows one.
	Attachment, Transcript string
	File                   FilePlace
	Versions               []Version // of an edited message, the current one last
}

// FindCopies notes which message stands for the ones that are copies of it, among conversations of the same people, whose messages answer
// each other's. FullMessages then leaves the copies out, and names the target that it shows.
func (r *Reader) FindCopies(ctx context.Context, groups [][]Conversation) error {
	copies := make(map[int64]int64)
	for _, conversations := range groups {
		if len(conversations) == 1 && len(conversations[0].spans) == 1 {
			continue // no other chat can hold a copy
		}
		if err := r.merged(ctx, conversations, copies, func(*placedMessage) error { return nil }); err != nil {
			return err
		}
	}
	r.copies = copies
	return nil
}

// FullMessages is WindowMessages with all that the file holds of the messages. Reactions in words are reactions only if spoken.
func (r *Reader) FullMessages(ctx context.Context, conversations []Conversation, spoken bool, yield func(*FullMessage) error) error {
	conn, release, err := r.connection(ctx) // all reading is on one connection
	if err != nil {
		return explain(r.path, err)
	}
	defer release()
	onOne := *r
	onOne.q, r = conn, &onOne
	copies := r.copies
	if r.decided = copies != nil; !r.decided {
		copies = make(map[int64]int64)
	}
	one := new(FullMessage)
	full := func(m *placedMessage) error {
		if r.decided && copies[m.id] != 0 {
			return nil
		}
		*one = FullMessage{WindowMessage: m.WindowMessage, Program: program(r.sources[m.stream.chat.source])}
		target := m.target
		err := r.complete(ctx, one, m.id, &target)
		for err == nil && copies[target] != 0 {
			target = copies[target]
		}
		if err == nil && target != 0 {
			one.TargetID, err = r.idOf(ctx, target)
		}
		if err != nil {
			return explain(r.path, err)
		}
		return yield(one)
	}
	if !spoken {
		return r.merged(ctx, conversations, copies, full)
	}
	reactions := newSpokenReactions(full)
	if err := r.merged(ctx, conversations, copies, reactions.add); err != nil {
		return err
	}
	return reactions.flush()
}

// complete reads what a message holds in addition. Target is the id of the message that it answers, unless that is known.
func (r *Reader) complete(ctx context.Context, m *FullMessage, id int64, target *int64) error {
	var guid any
	var part, state, source int64
	var quote sql.NullInt64
	var attachment, transcript, root, path sql.NullString
	err := each(ctx, r.q, `SELECT m.guid, m.part, m.text, m.state, m.quote, c.source, a.guid, a.transcript, o.path, a.path
		FROM message m JOIN chat c ON c.id = m.chat LEFT JOIN attachment a ON a.message = m.id LEFT JOIN attachment_root o ON o.id = a.root WHERE m.id = ?`, func(rows *sql.Rows) error {
		return rows.Scan(&guid, &part, &m.Words, &state, &quote, &source, &attachment, &transcript, &root, &path)
	}, id)
	if err != nil {
		return err
	}
	if m.ID, err = messageID(id, guid); err != nil {
		return err
	}
	if *target != 0 { // a reaction in words
		m.Words = m.Text
	} else if m.Replies {
		*target = quote.Int64
	}
	m.Attachment, m.Transcript = attachment.String, transcript.String
	if path.Valid {
		m.File = newFile(root.String, path.String, m.Words)
	}
	if state&edited == 0 {
		return nil
	}
	return each(ctx, r.q, `SELECT number, date, text FROM version WHERE source = ? AND guid = ? AND part = ? ORDER BY number`, func(rows *sql.Rows) error {
		var v Version
		err := rows.Scan(&v.Number, &v.Date, &v.Text)
		m.Versions = append(m.Versions, v)
		return err
	}, source, guid, part)
}

// idOf returns the FullMessage.ID of the message with an id of the file.
func (r *Reader) idOf(ctx context.Context, id int64) (text string, err error) {
	err = each(ctx, r.q, `SELECT guid FROM message WHERE id = ?`, func(rows *sql.Rows) error {
		var guid any
		if err := rows.Scan(&guid); err != nil {
			return err
		}
		text, err = messageID(id, guid)
		return err
	}, id)
	return text, err
}

// messageID returns the FullMessage.ID of a message.
func messageID(id int64, stored any) (string, error) {
	guid, err := unpackGUID(stored)
	if place := id - keyOf(id); err == nil && place > 0 {
		guid += "/" + strconv.FormatInt(place, 10)
	}
	return guid, err
}

// EachRetracted calls visit with the identifier of every row that was unsent, in order.
func (r *Reader) EachRetracted(ctx context.Context, visit func(guid string) error) error {
	err := each(ctx, r.q, `SELECT guid FROM retracted ORDER BY guid`, func(rows *sql.Rows) error {
		var stored any
		if err := rows.Scan(&stored); err != nil {
			return err
		}
		guid, err := unpackGUID(stored)
		if err != nil {
			return err
		}
		return visit(guid)
	})
	if err != nil {
		return explain(r.path, err)
	}
	return nil
}
