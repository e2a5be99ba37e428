package messages

import (
	"cmp"
	"context"
	"fmt"
)

// WindowMessage is the part of a message that a training window needs.
type WindowMessage struct {
	Date   int64  // nanoseconds since 1970 UTC
	Sender string // an address, or Owner
	Kind   Kind
	// Text represents the message: the description of an attachment, else its transcript, else its words, "Loved" or the
	// emoji of a reaction, or a file's name.
	Text string
	// Replies reports whether it answers a message, which QuotedKind and QuotedText describe. It is always true for a
	// Reaction.
	Replies    bool
	QuotedKind Kind
	QuotedText string
}

// displayTextSQL is WindowMessage.Text for a message, its attachment and the attachment's description.
func displayTextSQL(message, attachment, description string) string {
	return fmt.Sprintf("coalesce(nullif(%s.description, ''), nullif(%s.transcript, ''), %s.text)", description, attachment, message)
}

// windowMessageColumns is how many columns selectWindowMessages has.
const windowMessageColumns = 8

var selectWindowMessages = `SELECT m.id, m.line, m.date, m.sender, m.kind, ` + displayTextSQL("m", "a", "d") + `, t.kind, ` + displayTextSQL("t", "ta", "td") + `
FROM message m INDEXED BY message_order
LEFT JOIN attachment a ON m.kind >= 2 AND a.message = m.id
LEFT JOIN attachment_descriptions d ON d.attachment_guid = a.guid
LEFT JOIN message t ON t.id = m.quote
LEFT JOIN attachment ta ON t.kind >= 2 AND ta.message = t.id
LEFT JOIN attachment_descriptions td ON td.attachment_guid = ta.guid
WHERE m.chat = ? AND m.date >> 30 BETWEEN ? AND ? AND ` + isShown + ` ORDER BY m.chat, m.date >> 30`

// mapFile maps the first 64 MiB of the file into memory: messages of a chat are on distant pages, and each would take a
// system call.
const mapFile = `PRAGMA mmap_size = 67108864`

// WindowMessages calls yield for each message of the given conversations, merged, in the order of date, row and position in
// the row. A message that several chats hold comes once, and a reaction in words is a reaction. The next message overwrites the
// value passed to yield. An error from yield ends the reading and is returned unchanged.
func (r *Reader) WindowMessages(ctx context.Context, conversations []Conversation, yield func(*WindowMessage) error) error {
	spoken := newSpokenReactions(func(m *placedMessage) error { return yield(&m.WindowMessage) })
	if err := r.merged(ctx, conversations, nil, spoken.add); err != nil {
		return err
	}
	return spoken.flush()
}

// merged calls yield for each message of the given conversations in order, a message that several chats hold once, and reactions
// in words as words. It records in copies, unless that is nil, which message is shown for the ones that are copies of it.
func (r *Reader) merged(ctx context.Context, conversations []Conversation, copies map[int64]int64, yield func(*placedMessage) error) error {
	conn, release, err := r.connection(ctx) // the chats are read side by side, on one connection
	if err != nil {
		return explain(r.path, err)
	}
	defer release()
	if _, err := integer(ctx, conn, mapFile); err != nil {
		return explain(r.path, err)
	}
	streams, err := r.openStreams(ctx, conn, conversations)
	defer closeStreams(streams)
	if err != nil {
		return explain(r.path, err)
	}
	twins := newTwins(r, len(streams) > 1 && !r.decided, yield)
	twins.copies = copies
	for {
		s := earliest(streams)
		if s == nil {
			return twins.flush()
		}
		m := s.first()
		if s.next++; !r.canceled[m.id] {
			if err := twins.add(m); err != nil {
				return err
			}
		}
		if err := s.fill(ctx); err != nil {
			return explain(r.path, err)
		}
	}
}

// placedMessage is a message with its sort keys.
type placedMessage struct {
	WindowMessage
	id, row int64
	stream  *stream // of its chat
	target  int64   // id of the message that a reaction in words is to
}

func (m *placedMessage) compare(n *placedMessage) int {
	switch {
	case m.Date != n.Date:
		return cmp.Compare(m.Date, n.Date)
	case m.row != n.row:
		return cmp.Compare(m.row, n.row)
	}
	return cmp.Compare(m.id, n.id)
}
