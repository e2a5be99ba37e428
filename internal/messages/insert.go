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

// NewInserter returns an inserter for these columns of a table, separated by commas.
func NewInserter(ctx context.Context, tx *sql.Tx, table, columns string) (*Inserter, error) {
	count := 1 + strings.Count(columns, ",")
	row := "(?" + strings.Repeat(", ?", count-1) + ")"
	insert := "INSERT INTO " + table + " (" + columns + ") VALUES "
	one, err := tx.PrepareContext(ctx, insert+row)
	if err != nil {
		return nil, err
	}
	many, err := tx.PrepareContext(ctx, insert+row+strings.Repeat(", "+row, inserterRows-1))
	if err != nil {
		return nil, errors.Join(err, one.Close())
	}
	return &Inserter{one: one, many: many, columns: count, values: make([]any, 0, inserterRows*count)}, nil
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
