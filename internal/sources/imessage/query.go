package imessage

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-sqlite3"

	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// record is a row of a query. The receiver may keep its strings and bytes, but not the record itself.
type record []driver.Value

// int returns a value as SQLite's CAST AS INTEGER does; 0 for NULL.
func (r record) int(column int) int64 {
	switch v := r[column].(type) {
	case int64:
		return v
	case float64:
		return integerOf(v)
	case string:
		return leadingInteger(v)
	case []byte:
		return leadingInteger(string(v))
	}
	return 0
}

// text returns a value as SQLite's CAST AS TEXT does; "" for NULL. A fraction, which is in no column of texts, may have other digits.
func (r record) text(column int) string {
	switch v := r[column].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}

// bytes returns a blob, even if it was stored as text; nil for NULL.
func (r record) bytes(column int) []byte {
	switch v := r[column].(type) {
	case []byte:
		return v
	case string:
		return []byte(v)
	}
	return nil
}

func integerOf(v float64) int64 {
	switch {
	case v >= math.MaxInt64:
		return math.MaxInt64
	case v <= math.MinInt64:
		return math.MinInt64
	}
	return int64(v)
}

// leadingInteger returns the integer that a text begins with, 0 if there is none.
func leadingInteger(text string) int64 {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	end := 0
	for end < len(text) && ('0' <= text[end] && text[end] <= '9' || end == 0 && (text[0] == '-' || text[0] == '+')) {
		end++
	}
	n, _ := strconv.ParseInt(text[:end], 10, 64) // one that is too large is the largest
	return n
}

// each calls visit for every row of a query, within the transaction of the source. It calls the driver directly, because
// database/sql would double the time that SQLite takes. visit must not query the database.
func (s *Source) each(ctx context.Context, query string, visit func(record) error, args ...driver.Value) error {
	return s.conn.Raw(func(connection any) error {
		rows, err := connection.(*sqlite3.SQLiteConn).Query(query, args)
		if err != nil {
			return err
		}
		err = eachRow(ctx, rows, visit)
		return errors.Join(err, rows.Close())
	})
}

// eachAround is each for a query of rows of message that ends in a condition. At damage, it begins again page by page, without
// the pages that cannot be read, and returns the damage.
func (s *Source) eachAround(ctx context.Context, query string, leaves func() []sqlitepages.Leaf, visit func(record) error, args ...driver.Value) error {
	damage := s.each(ctx, query, visit, args...)
	if !isDamage(damage) {
		return damage
	}
	first := int64(0)
	for _, leaf := range leaves() {
		err := s.each(ctx, query+" AND message.ROWID BETWEEN ? AND ?", visit, append(slices.Clone(args), first, leaf.Last)...)
		if err != nil && !isDamage(err) {
			return err
		}
		first = leaf.Last + 1
	}
	return damage
}

func eachRow(ctx context.Context, rows driver.Rows, visit func(record) error) error {
	r := make(record, len(rows.Columns()))
	const step = 1000
	for n := 0; ; n++ {
		if n%step == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := rows.Next(r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := visit(r); err != nil {
			return err
		}
	}
}

// isDamage reports whether an error means that part of the file cannot be read.
func isDamage(err error) bool {
	var failure sqlite3.Error
	if !errors.As(err, &failure) {
		return false
	}
	return failure.Code == sqlite3.ErrCorrupt || failure.Code == sqlite3.ErrIoErr
}

// has reports whether a table has the given columns.
func (s *Source) has(table string, columns ...string) bool {
	for _, c := range columns {
		if !s.columns[table][c] {
			return false
		}
	}
	return true
}
