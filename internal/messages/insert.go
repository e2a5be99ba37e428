package messages

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// inserterRows is how many rows cross into SQLite at once: a crossing costs as much as the insertion itself.
const inserterRows = 32

// Inserter adds rows to a table, many at a time. All of them are in the table after Flush.
type Inserter struct {
	one, many *sql.Stmt
	columns   int
	values    []any // of the pending rows
}

// NewInserter returns an inserter for rows with this many columns, which must be all columns of the table.
func NewInserter(ctx context.Context, tx *sql.Tx, table string, columns int) (*Inserter, error) {
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	one, err := tx.PrepareContext(ctx, "INSERT INTO "+table+" VALUES "+row)
	if err != nil {
		return nil, err
	}
	many, err := tx.PrepareContext(ctx, "INSERT INTO "+table+" VALUES "+row+strings.Repeat(", "+row, inserterRows-1))
	if err != nil {
		return nil, errors.Join(err, one.Close())
	}
	return &Inserter{one: one, many: many, columns: columns, values: make([]any, 0, inserterRows*columns)}, nil
}

// Close frees the inserter, including any pending rows.
func (i *Inserter) Close() { i.one.Close(); i.many.Close() }

// Add adds a row. The statements run without a context: with one, each would start a goroutine to watch it.
func (i *Inserter) Add(values ...any) error {
	i.values = append(i.values, values...)
	if len(i.values) < cap(i.values) {
		return nil
	}
	_, err := i.many.Exec(i.values...)
	i.values = i.values[:0]
	return err
}

// Flush writes the pending rows.
func (i *Inserter) Flush() error {
	for at := 0; at < len(i.values); at += i.columns {
		if _, err := i.one.Exec(i.values[at : at+i.columns]...); err != nil {
			return err
		}
	}
	i.values = i.values[:0]
	return nil
}
