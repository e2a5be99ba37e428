package windows

import (
	"database/sql"
	"time"
)

// storedMessage is a row of training_messages.
type storedMessage struct {
	id   int64
	date int64 // nanoseconds since 1970
	Message
}

// messageScanner scans consecutive rows of selectMessages and computes the deltas between them.
type messageScanner struct {
	last    int64 // date of the previous row
	hasLast bool
}

func (s *messageScanner) scan(rows *sql.Rows) (*storedMessage, error) {
	var m storedMessage
	if err := rows.Scan(&m.id, &m.date, &m.Name, &m.ReplyTo, &m.ContentType, &m.Text); err != nil {
		return nil, err
	}
	m.Delta = Deltas[0]
	if s.hasLast {
		m.Delta = Delta(time.Duration(m.date - s.last))
	}
	s.last, s.hasLast = m.date, true
	return &m, nil
}

// line renders the message as it is in a window. The line's ID is even if it has the delta since the previous message, odd
// if it opens the window with "<1m" instead.
func (m *storedMessage) line(opens bool) Line {
	id := 2 * int(m.id-1)
	if opens && m.Delta != Deltas[0] {
		id++
		m.Delta = Deltas[0]
	}
	return Line{ID: id, Text: AppendMessage(nil, &m.Message)}
}
