package messages

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
)

// inserterRows is how many rows cross into SQLite at once: a crossing costs as much as the insertion itself.
const inserterRows = 32

// Inserter adds rows to a table, many at a time. All of them are in the table after Flush.
type Inserter struct {
	one, many *statement
	columns   int
	values    []driver.NamedValue // of the pending rows
	count     int                 // of values that are pending
}

// NewInserter returns an inserter for these columns of a table, separated by commas. It adds rows in the transaction of the
// connection.
func NewInserter(ctx context.Context, conn *sql.Conn, table, columns string) (*Inserter, error) {
	count := 1 + strings.Count(columns, ",")
	row := "(?" + strings.Repeat(", ?", count-1) + ")"
	insert := "INSERT INTO " + table + " (" + columns + ") VALUES "
	one, err := prepareStatement(ctx, conn, insert+row)
	if err != nil {
		return nil, err
	}
	many, err := prepareStatement(ctx, conn, insert+row+strings.Repeat(", "+row, inserterRows-1))
	if err != nil {
		return nil, errors.Join(err, one.Close())
	}
	i := &Inserter{one: one, many: many, columns: count, values: make([]driver.NamedValue, inserterRows*count)}
	for at := range i.values {
		i.values[at].Ordinal = 1 + at
	}
	return i, nil
}

// Close frees the inserter, including any pending rows.
func (i *Inserter) Close() error { return errors.Join(i.one.Close(), i.many.Close()) }

// Add adds a row of integers, texts, bytes and nil.
func (i *Inserter) Add(values ...driver.Value) error {
	for _, v := range values {
		i.values[i.count].Value = v
		i.count++
	}
	if i.count < len(i.values) {
		return nil
	}
	i.count = 0
	return i.many.run(i.values)
}

// Flush writes the pending rows.
func (i *Inserter) Flush() error {
	for at := 0; at < i.count; at += i.columns {
		for c := range i.columns {
			i.values[c].Value = i.values[at+c].Value
		}
		if err := i.one.run(i.values[:i.columns]); err != nil {
			return err
		}
	}
	i.count = 0
	return nil
}
