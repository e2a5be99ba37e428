package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
)

// Each calls visit for the rows of a query.
func (f *File) Each(ctx context.Context, query string, visit func(*sql.Rows) error, args ...any) error {
	rows, err := f.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return stop{err}
		}
	}
	return rows.Err()
}

// stop is an error of the function that visits the rows, rather than of the database.
type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

// Tolerate is Each for what is known as far as the database can be read.
func (f *File) Tolerate(ctx context.Context, query string, visit func(*sql.Rows) error) error {
	err := f.Each(ctx, query, visit)
	if errors.As(err, new(stop)) || ctx.Err() != nil {
		return err
	}
	return nil
}

// Count returns how many rows a table has, for the progress; 0 if they cannot be counted.
func (f *File) Count(ctx context.Context, table string) (n int64) {
	if f.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&n) != nil {
		return 0
	}
	return n
}

// farthest is how far behind the last row that can be read others are looked for.
const farthest = 1 << 24

// Scan calls visit for the rows of a query without conditions, in the order of their numbers in the column id. visit returns the number.
// Where rows cannot be read, Scan calls lost with the numbers before and behind them, and goes on.
func (f *File) Scan(ctx context.Context, id, query string, visit func(*sql.Rows) (row int64, err error), lost func(before, behind int64, err error)) error {
	last, from, step := int64(0), int64(-1)<<62, int64(1)
	var damage error
	for {
		err := f.Each(ctx, query+` WHERE `+id+` > ? ORDER BY `+id, func(rows *sql.Rows) error {
			row, err := visit(rows)
			if err != nil {
				return err
			}
			if damage != nil {
				lost(min(last, row-1), row, damage)
				damage = nil
			}
			last, step = row, 1
			return nil
		}, from)
		if err == nil || errors.As(err, new(stop)) || ctx.Err() != nil || step > farthest {
			if err == nil {
				err = damage
			}
			return err
		}
		damage = err
		from = last + step
		step *= 2
	}
}
