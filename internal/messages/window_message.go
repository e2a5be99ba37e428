package messages

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
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

var selectWindowMessages = `SELECT m.id, m.line, m.date, m.sender, m.kind, ` + displayTextSQL("m", "a", "d") + `, t.kind, ` + displayTextSQL("t", "ta", "td") + `
FROM message m INDEXED BY message_order
LEFT JOIN attachment a ON m.kind >= 2 AND a.message = m.id
LEFT JOIN attachment_descriptions d ON d.attachment_guid = a.guid
LEFT JOIN message t ON t.id = m.quote
LEFT JOIN attachment ta ON t.kind >= 2 AND ta.message = t.id
LEFT JOIN attachment_descriptions td ON td.attachment_guid = ta.guid
WHERE m.chat = ? AND m.date >> 30 BETWEEN ? AND ? AND ` + isShown + ` ORDER BY m.chat, m.date >> 30`

// mapFile maps the first 128 MiB of the file into memory: messages of a chat are on distant pages, and each would take a
// system call.
const mapFile = `PRAGMA mmap_size = 134217728`

// WindowMessages calls yield for each message of the given conversations, merged, in the order of date, row and position in
// the row. A message that several chats hold comes once, and a reaction in words is a reaction. The next message overwrites the
// value passed to yield. An error from yield ends the reading and is returned unchanged.
func (r *Reader) WindowMessages(ctx context.Context, conversations []Conversation, yield func(*WindowMessage) error) error {
	return r.merged(ctx, conversations, nil, func(m *placedMessage) error { return yield(&m.WindowMessage) })
}

// merged is WindowMessages with the keys of the messages. It records in copies, unless that is nil, which message is shown for
// the ones that are copies of it.
func (r *Reader) merged(ctx context.Context, conversations []Conversation, copies map[int64]int64, yield func(*placedMessage) error) error {
	q := r.q
	if db, is := q.(*sql.DB); is { // the chats are read side by side, on one connection
		conn, err := db.Conn(ctx)
		if err != nil {
			return explain(r.path, err)
		}
		defer conn.Close()
		q = conn
	}
	if _, err := integer(ctx, q, mapFile); err != nil {
		return explain(r.path, err)
	}
	var streams []*stream
	defer func() {
		for _, s := range streams {
			s.rows.Close()
		}
	}()
	spans := make(map[int64][]span)
	for _, c := range conversations {
		for _, s := range c.spans {
			spans[s.chat] = append(spans[s.chat], s)
		}
	}
	for _, chat := range sortedKeys(spans) {
		s, err := r.stream(ctx, q, chat, spans[chat])
		if err != nil {
			return explain(r.path, err)
		}
		streams = append(streams, s)
	}
	spoken := newSpokenReactions(r.sources, yield)
	twins := newTwins(r, len(streams) > 1, spoken.add)
	twins.copies = copies
	for {
		s := earliest(streams)
		if s == nil {
			if err := twins.flush(); err != nil {
				return err
			}
			return spoken.flush()
		}
		m := &s.ready[s.next]
		if s.next++; !r.canceled[m.id] {
			if err := twins.add(m); err != nil {
				return err
			}
		}
		if err := s.fill(); err != nil {
			return explain(r.path, err)
		}
	}
}

// placedMessage is a message with its sort keys.
type placedMessage struct {
	WindowMessage
	id, row int64
	chat    *chat
	target  int64 // id of the message that a reaction in words is to
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

// stream is the messages of a chat in order. The index orders them up to about a second; stream sorts within that second.
type stream struct {
	rows    *sql.Rows
	handles *handles
	chat    *chat
	spans   []span // nil for all of the chat
	ready   []placedMessage
	next    int // of ready
	ahead   placedMessage
	some    bool // ahead is one
}

// stream starts reading a chat.
func (r *Reader) stream(ctx context.Context, q querier, chat int64, spans []span) (*stream, error) {
	slices.SortFunc(spans, func(a, b span) int { return a.upTo.compare(b.upTo) })
	s := &stream{handles: &r.handles, chat: r.chats[chat]}
	if len(r.chats[chat].periods) > 1 {
		s.spans = spans
	}
	first, last := spans[0].after.date>>30, spans[len(spans)-1].upTo.date>>30
	var err error
	if s.rows, err = q.QueryContext(ctx, selectWindowMessages, chat, first, last); err != nil {
		return nil, err
	}
	if err = s.advance(); err == nil {
		err = s.fill()
	}
	if err != nil {
		s.rows.Close()
		return nil, err
	}
	return s, nil
}

// fill reads the messages of the next second once all earlier ones were taken.
func (s *stream) fill() error {
	if s.next < len(s.ready) {
		return nil
	}
	s.ready, s.next = s.ready[:0], 0
	for s.some && (len(s.ready) == 0 || s.ahead.Date>>30 == s.ready[0].Date>>30) {
		s.ready = append(s.ready, s.ahead)
		if err := s.advance(); err != nil {
			return err
		}
	}
	if len(s.ready) > 1 {
		slices.SortFunc(s.ready, func(a, b placedMessage) int { return a.compare(&b) })
	}
	return nil
}

// advance reads the next message of the spans.
func (s *stream) advance() error {
	for s.rows.Next() {
		if err := s.scan(&s.ahead); err != nil {
			return err
		}
		if s.spans == nil || s.inSpan(moment{s.ahead.Date, s.ahead.row}) {
			s.some = true
			return nil
		}
	}
	s.some = false
	return s.rows.Err()
}

func (s *stream) inSpan(at moment) bool {
	return slices.ContainsFunc(s.spans, func(s span) bool { return s.after.compare(at) < 0 && at.compare(s.upTo) <= 0 })
}

func (s *stream) scan(m *placedMessage) error {
	var sender, kind int64
	var line, quotedKind, quotedText any // NULL for most; the general form is the fastest to read
	if err := s.rows.Scan(&m.id, &line, &m.Date, &sender, &kind, &m.Text, &quotedKind, &quotedText); err != nil {
		return err
	}
	m.Kind, m.chat = Kind(kind), s.chat
	m.QuotedText, m.Replies = quotedText.(string)
	k, _ := quotedKind.(int64)
	m.QuotedKind = Kind(k)
	if n, is := line.(int64); is {
		m.row = rowOf(m.id, &n)
	} else {
		m.row = rowOf(m.id, nil)
	}
	var err error
	m.Sender, err = s.handles.address(sender)
	return err
}

// earliest returns the stream with the earliest message, nil if all are empty.
func earliest(streams []*stream) (first *stream) {
	for _, s := range streams {
		if s.next < len(s.ready) && (first == nil || s.ready[s.next].compare(&first.ready[first.next]) < 0) {
			first = s
		}
	}
	return first
}
