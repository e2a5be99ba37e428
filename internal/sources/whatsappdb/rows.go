package whatsappdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// each calls visit for the rows of a query.
func (r *Reader) each(ctx context.Context, query string, visit func(*sql.Rows) error, args ...any) error {
	rows, err := r.db.QueryContext(ctx, query, args...)
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

// stop is an error of whoever visits the rows, rather than of the database.
type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

// tolerate is each for what is known as far as the database can be read.
func (r *Reader) tolerate(ctx context.Context, query string, visit func(*sql.Rows) error) error {
	err := r.each(ctx, query, visit)
	if errors.As(err, new(stop)) || ctx.Err() != nil {
		return err
	}
	return nil
}

// count returns how many rows a table has, for the progress.
func (r *Reader) count(ctx context.Context, table string) (n int64) {
	if r.db.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&n) != nil {
		return 0
	}
	return n
}

// farthest is how far behind the last row that can be read others are looked for.
const farthest = 1 << 24

// scan is each for the messages, in the order of their rows. Where rows cannot be read, it goes on with the next that can.
func (r *Reader) scan(ctx context.Context, e *emitter, id, query string, visit func(*sql.Rows) error) error {
	from, step := int64(-1)<<62, int64(1)
	var damage error
	for {
		err := r.each(ctx, query+` WHERE `+id+` > ? ORDER BY `+id, func(rows *sql.Rows) error {
			before := e.last
			if err := visit(rows); err != nil {
				return err
			}
			if damage != nil {
				e.total += e.last - before - 1
				e.sink.Unreadable(fmt.Sprintf("%s: the rows between %d and %d: %v", r.path, before, e.last, damage), e.last-before-1)
				damage = nil
			}
			from, step = e.last, 1
			return nil
		}, from)
		if err == nil || errors.As(err, new(stop)) || ctx.Err() != nil || e.total == 0 || step > farthest {
			if err == nil {
				err = damage
			}
			return err
		}
		damage = err
		from = e.last + step
		step *= 2
	}
}
