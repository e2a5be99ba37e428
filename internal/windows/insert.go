package windows

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// batchRows is how many rows cross into SQLite at once: a crossing costs as much as the insertion itself.
const batchRows = 50

// messageInserter adds rows to training_messages, many at a time. Rows are in the table after flush.
type messageInserter struct {
	one, many *sql.Stmt
	values    []any // of the rows that wait
}

const (
	insertMessages = `INSERT INTO training_messages (id, date, name, reply_to, content_type, text) VALUES `
	messageRow     = `(?, ?, ?, ?, ?, ?)`
	messageColumns = 6
)

func newMessageInserter(ctx context.Context, tx *sql.Tx) (*messageInserter, error) {
	one, err := tx.PrepareContext(ctx, insertMessages+messageRow)
	if err != nil {
		return nil, err
	}
	many, err := tx.PrepareContext(ctx, insertMessages+messageRow+strings.Repeat(", "+messageRow, batchRows-1))
	if err != nil {
		return nil, errors.Join(err, one.Close())
	}
	return &messageInserter{one: one, many: many, values: make([]any, 0, batchRows*messageColumns)}, nil
}

func (i *messageInserter) close() { i.one.Close(); i.many.Close() }

// The statements run without a context: with one, each would start a goroutine to watch it.
func (i *messageInserter) add(id, date int64, m *Message) error {
	var quote any
	if m.ReplyTo != nil {
		quote = *m.ReplyTo
	}
	i.values = append(i.values, id, date, m.Name, quote, m.ContentType, m.Text)
	if len(i.values) < cap(i.values) {
		return nil
	}
	_, err := i.many.Exec(i.values...)
	i.values = i.values[:0]
	return err
}

func (i *messageInserter) flush() error {
	for at := 0; at < len(i.values); at += messageColumns {
		if _, err := i.one.Exec(i.values[at : at+messageColumns]...); err != nil {
			return err
		}
	}
	i.values = i.values[:0]
	return nil
}
