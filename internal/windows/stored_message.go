package windows

import (
	"database/sql"
	"time"
)

// storedMessage is a row of training_messages.
type storedMessage struct {
	id   int64
	date int64 // ns since 1970
	Message
}

// messageScanner reads rows of selectMessages one after another and tells the time between them.
type messageScanner struct {
	last    int64 // date of the row before, 0 before the first
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

// line renders the message as it stands in a window. Its number is even where it says how long ago the message before
// came, odd where it opens the window and says "<1m" instead.
func (m *storedMessage) line(opens bool) Line {
	id := 2 * int(m.id-1)
	if opens && m.Delta != Deltas[0] {
		id++
		m.Delta = Deltas[0]
	}
	return Line{ID: id, Text: AppendMessage(nil, &m.Message)}
}
