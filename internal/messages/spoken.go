package messages

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Spoken is what a training window needs of a message: [Reader.Spoken] reads it at twice the speed of a [Message].
type Spoken struct {
	Date   int64  // nanoseconds since 1970 UTC
	Sender string // an address, or Owner
	Kind   Kind
	Words  string // as Content.Words
	// Answers is whether it has a target; TargetKind and TargetWords are the target's.
	Answers     bool
	TargetKind  Kind
	TargetWords string
}

// contentWords is Content.Words in SQL, of a message, its attachment and that one's description.
func contentWords(message, attachment, description string) string {
	return fmt.Sprintf("coalesce(nullif(%s.description, ''), nullif(%s.transcript, ''), %s.text)", description, attachment, message)
}

var selectSpoken = `SELECT m.id, m.date, m.sender, m.kind, ` + contentWords("m", "a", "d") + `, t.kind, ` + contentWords("t", "ta", "td") + fromMessages

// Spoken is [Reader.Messages] with what windows need of each. What yield gets is overwritten by the next message.
func (r *Reader) Spoken(ctx context.Context, conversations []Conversation, yield func(*Spoken) error) error {
	if len(conversations) == 0 {
		return nil
	}
	rows, err := r.q.QueryContext(ctx, selectSpoken+inOrder(conversations))
	if err != nil {
		return explain(r.path, err)
	}
	defer rows.Close()
	var m Spoken
	for rows.Next() {
		id, err := r.scanSpoken(rows, &m)
		if err != nil {
			return explain(r.path, err)
		}
		if r.canceled[id] {
			continue
		}
		if err := yield(&m); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return explain(r.path, err)
	}
	return nil
}

func (r *Reader) scanSpoken(rows *sql.Rows, m *Spoken) (id int64, err error) {
	var sender, kind int64
	var targetKind, targetWords any // NULL for most; the general form is the fastest to read
	if err := rows.Scan(&id, &m.Date, &sender, &kind, &m.Words, &targetKind, &targetWords); err != nil {
		return 0, err
	}
	m.Kind = Kind(kind)
	m.TargetWords, m.Answers = targetWords.(string)
	k, _ := targetKind.(int64)
	m.TargetKind = Kind(k)
	m.Sender, err = r.address(sender)
	return id, err
}

// inOrder is the end of a query for the messages of these conversations, in order.
func inOrder(conversations []Conversation) string {
	ranges := make([]string, len(conversations))
	for i, c := range conversations {
		ranges[i] = fmt.Sprintf("m.id BETWEEN %d AND %d", c.First, c.Last)
	}
	order := " ORDER BY m.id"
	if len(conversations) > 1 {
		order = " ORDER BY m.date, m.source_row, m.id"
	}
	return "(" + strings.Join(ranges, " OR ") + ")" + order
}
