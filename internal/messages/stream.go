package messages

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
)

// stream is the messages of a chat in order. The index orders them up to about a second; stream sorts within that second.
type stream struct {
	statement *statement
	rows      driver.Rows
	values    []driver.Value // of a row
	handles   *handles
	chat      *chat
	timeless  bool   // the program does not say when reactions were made
	speaks    bool   // the program says reactions in words to others
	spans     []span // nil for all of the chat
	// read are messages that were read, from next on those that were not taken. Up to ready, they are in order.
	read        []placedMessage
	next, ready int
}

// rowsAtOnce is how many rows of a chat are read at once, which locks the connection once.
const rowsAtOnce = 64

// openStreams starts reading the chats of the conversations. After an error it returns those to be closed.
func (r *Reader) openStreams(ctx context.Context, conn *sql.Conn, conversations []Conversation) ([]*stream, error) {
	spans := make(map[int64][]span)
	for _, c := range conversations {
		for _, s := range c.spans {
			spans[s.chat] = append(spans[s.chat], s)
		}
	}
	var streams []*stream
	for _, chat := range sortedKeys(spans) {
		s, err := r.openStream(ctx, conn, chat, spans[chat])
		if s != nil {
			streams = append(streams, s)
		}
		if err != nil {
			return streams, err
		}
	}
	return streams, nil
}

func closeStreams(streams []*stream) {
	for _, s := range streams {
		s.close()
	}
}

// openStream starts reading a chat. After an error the stream must be closed, too, unless it is nil.
func (r *Reader) openStream(ctx context.Context, conn *sql.Conn, chat int64, spans []span) (*stream, error) {
	slices.SortFunc(spans, func(a, b span) int { return a.upTo.compare(b.upTo) })
	statement, err := prepareStatement(ctx, conn, selectWindowMessages)
	if err != nil {
		return nil, err
	}
	s := &stream{statement: statement, values: make([]driver.Value, windowMessageColumns), handles: &r.handles, chat: r.chats[chat]}
	s.speaks, s.timeless = saysReactions(r.sources[s.chat.source]), hasTimelessReactions(r.sources[s.chat.source])
	if len(s.chat.periods) > 1 {
		s.spans = spans
	}
	first, last := spans[0].after.date>>30, spans[len(spans)-1].upTo.date>>30
	err = conn.Raw(func(any) (err error) {
		s.rows, err = statement.query([]driver.NamedValue{{Ordinal: 1, Value: chat}, {Ordinal: 2, Value: first}, {Ordinal: 3, Value: last}})
		return err
	})
	if err != nil {
		return s, err
	}
	return s, s.fill(ctx)
}

func (s *stream) close() {
	s.end()
	_ = s.statement.Close()
}

// end frees the rows.
func (s *stream) end() {
	if s.rows != nil {
		_ = s.statement.conn.Raw(func(any) error { return s.rows.Close() })
		s.rows = nil
	}
}

// first returns the next message, nil at the end.
func (s *stream) first() *placedMessage {
	if s.next == s.ready {
		return nil
	}
	return &s.read[s.next]
}

// fill makes the messages of the next second ready once all earlier ones were taken.
func (s *stream) fill(ctx context.Context) error {
	if s.next < s.ready {
		return nil
	}
	for s.rows != nil && s.secondEnds() == len(s.read) {
		if err := s.readMore(ctx); err != nil {
			return err
		}
	}
	s.ready = s.secondEnds()
	if s.ready-s.next > 1 {
		slices.SortFunc(s.read[s.next:s.ready], func(a, b placedMessage) int { return a.compare(&b) })
	}
	return nil
}

// secondEnds returns the index after the next messages that the index does not order.
func (s *stream) secondEnds() int {
	end := s.next
	for end < len(s.read) && s.read[end].Date>>30 == s.read[s.next].Date>>30 {
		end++
	}
	return end
}

// readMore reads the next rows behind those that were not taken.
func (s *stream) readMore(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.read = s.read[:copy(s.read, s.read[s.next:])]
	s.next, s.ready = 0, 0
	err := s.statement.conn.Raw(func(any) error {
		for range rowsAtOnce {
			if err := s.rows.Next(s.values); err != nil {
				return err
			}
			s.read = append(s.read, placedMessage{})
			m := &s.read[len(s.read)-1]
			if err := s.scan(m); err != nil {
				return err
			}
			if s.spans != nil && !s.inSpan(moment{m.Date, m.row}) {
				s.read = s.read[:len(s.read)-1]
			}
		}
		return nil
	})
	if errors.Is(err, io.EOF) {
		s.end()
		return nil
	}
	return err
}

func (s *stream) inSpan(at moment) bool {
	return slices.ContainsFunc(s.spans, func(s span) bool { return s.after.compare(at) < 0 && at.compare(s.upTo) <= 0 })
}

// scan takes a message from a row of selectWindowMessages.
func (s *stream) scan(m *placedMessage) (err error) {
	var sender, kind, quotedKind int64
	line := s.values[1]
	for _, v := range []struct {
		to   *int64
		from driver.Value
	}{{&m.id, s.values[0]}, {&m.Date, s.values[2]}, {&sender, s.values[3]}, {&kind, s.values[4]}} {
		if *v.to, err = number(v.from); err != nil {
			return err
		}
	}
	if m.Text, _, err = text(s.values[5]); err != nil {
		return err
	}
	if m.QuotedText, m.Replies, err = text(s.values[7]); err != nil {
		return err
	}
	if m.Replies {
		if quotedKind, err = number(s.values[6]); err != nil {
			return err
		}
	}
	m.Kind, m.QuotedKind, m.stream = Kind(kind), Kind(quotedKind), s
	if n, is := line.(int64); is {
		m.row = rowOf(m.id, &n)
	} else {
		m.row = rowOf(m.id, nil)
	}
	m.Sender, err = s.handles.address(sender)
	return err
}

// earliest returns the stream with the earliest message, nil if all are empty.
func earliest(streams []*stream) (found *stream) {
	for _, s := range streams {
		if m := s.first(); m != nil && (found == nil || m.compare(found.first()) < 0) {
			found = s
		}
	}
	return found
}
