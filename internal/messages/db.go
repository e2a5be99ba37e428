package messages

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"

	"ventriloquist/internal/usererr"
)

// DB is an open messages.db.
type DB struct {
	sql    *sql.DB
	path   string
	policy *Policy // what Collect keeps out
}

// Close closes the file.
func (db *DB) Close() error { return db.sql.Close() }

// SQL is the open database, for the tables that other packages own (the windows).
func (db *DB) SQL() *sql.DB { return db.sql }

// Path is the file's name, as it was given.
func (db *DB) Path() string { return db.path }

// Explain names the file in an error of its database and, where SQLite says what is wrong, what to do about it.
func (db *DB) Explain(err error) error { return explain(db.path, err) }

// explain names the file and adds advice on what SQLite reports.
func explain(path string, err error) error {
	var failure sqlite3.Error
	wrapped := fmt.Errorf("%s: %w", path, err)
	if !errors.As(err, &failure) {
		return wrapped
	}
	switch failure.Code {
	case sqlite3.ErrNotADB, sqlite3.ErrCorrupt:
		return usererr.With(wrapped, "move the file away and run `vqctl collect` again")
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return usererr.With(wrapped, "another vqctl is writing it: wait until that is done")
	case sqlite3.ErrFull:
		return usererr.With(wrapped, "make room on the disk and run the command again: the file is as it was before")
	}
	return wrapped
}

// IsBusy reports whether an error says that another program is writing the file.
func IsBusy(err error) bool {
	var failure sqlite3.Error
	return errors.As(err, &failure) && (failure.Code == sqlite3.ErrBusy || failure.Code == sqlite3.ErrLocked)
}

// each calls scan for every row of a query.
func (db *DB) each(ctx context.Context, query string, scan func(*sql.Rows) error) error {
	if err := each(ctx, db.sql, query, scan); err != nil {
		return explain(db.path, err)
	}
	return nil
}

// querier is the database itself, a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls scan for every row of a query.
func each(ctx context.Context, q querier, query string, scan func(*sql.Rows) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// integer reads the one value of the one row of a query; 0 where there is none.
func integer(ctx context.Context, q querier, query string, args ...any) (n int64, err error) {
	err = each(ctx, q, query, func(rows *sql.Rows) error { return rows.Scan(&n) }, args...)
	return n, err
}

// nullable is NULL for an empty string.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func inTransaction(ctx context.Context, conn *sql.Conn, change func(*sql.Tx) error) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := change(tx); err != nil {
		return err
	}
	return tx.Commit()
}
