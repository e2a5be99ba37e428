package messages

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"ventriloquist/internal/usererr"
)

// DB is an open messages.db.
type DB struct {
	sql    *sql.DB
	path   string
	policy *Policy // what Collect keeps out of the file
	shared bool    // whether the file may have a write-ahead log
	closed func()  // called by Close; may be nil
}

// OnClose makes Close call f once the file is closed.
func (db *DB) OnClose(f func()) { db.closed = f }

// Close closes the file, and makes it a single file again.
func (db *DB) Close() error {
	err := db.sql.Close()
	if db.shared {
		unshare(db.path)
	}
	if db.closed != nil {
		db.closed()
		db.closed = nil
	}
	return err
}

// SQL returns the open database, for the tables that other packages own (the windows).
func (db *DB) SQL() *sql.DB { return db.sql }

// Path returns the file's name as it was given.
func (db *DB) Path() string { return db.path }

// Folder returns the folder of the database file: temporary files with private content go there.
func (db *DB) Folder() string { return filepath.Dir(db.path) }

// Explain adds the file's name to a database error and, where SQLite reports the cause, advice on what to do.
func (db *DB) Explain(err error) error { return explain(db.path, err) }

// explain adds the file's name and advice on what SQLite reports.
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
		return usererr.With(wrapped, "another program is writing it or keeps it open: wait until that is done, or stop it")
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen:
		if failure.Code == sqlite3.ErrCantOpen && isForbidden(path) {
			return usererr.With(wrapped, foreign, usererr.Option("data_dir"))
		}
		if failure.Code == sqlite3.ErrCantOpen || failure.ExtendedCode == sqlite3.ErrReadonlyRollback || failure.ExtendedCode == sqlite3.ErrReadonlyRecovery {
			return usererr.With(wrapped, "a killed run left it unfinished, and it cannot be repaired here: copy the whole folder to where you may write")
		}
		return usererr.With(wrapped, "make the file and its folder writable, or name another folder with %v", usererr.Option("data_dir"))
	case sqlite3.ErrFull, sqlite3.ErrIoErr:
		if failure.Code == sqlite3.ErrIoErr && failure.SystemErrno != syscall.ENOSPC {
			return wrapped
		}
		return usererr.With(wrapped, "make room on the disk and run the command again: the file is as it was before")
	}
	return wrapped
}

// isForbidden reports whether a file may not be read.
func isForbidden(path string) bool {
	f, err := os.Open(path)
	if err == nil {
		f.Close()
	}
	return errors.Is(err, fs.ErrPermission)
}

// IsReadOnly reports whether an error means that the file can be read but not changed.
func IsReadOnly(err error) bool {
	var failure sqlite3.Error
	return errors.As(err, &failure) && failure.Code == sqlite3.ErrReadonly
}

// IsBusy reports whether an error means that another program is writing the file.
func IsBusy(err error) bool {
	var failure sqlite3.Error
	return errors.As(err, &failure) && (failure.Code == sqlite3.ErrBusy || failure.Code == sqlite3.ErrLocked)
}

// retryBusy calls change again as long as another program writes the file.
func retryBusy(ctx context.Context, change func() error) error {
	for {
		err := change()
		if !IsBusy(err) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// each calls scan for every row of a query.
func (db *DB) each(ctx context.Context, query string, scan func(*sql.Rows) error) error {
	if err := each(ctx, db.sql, query, scan); err != nil {
		return explain(db.path, err)
	}
	return nil
}

// querier is the database itself, a connection, or a transaction.
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

// integer reads a single value from a query with one row; 0 if there is no row.
func integer(ctx context.Context, q querier, query string, args ...any) (n int64, err error) {
	err = each(ctx, q, query, func(rows *sql.Rows) error { return rows.Scan(&n) }, args...)
	return n, err
}

// nullable returns NULL for an empty string.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// takeLock makes a transaction the one that writes: a statement that would change something takes the lock.
const takeLock = `DELETE FROM training_conversations WHERE false`

// begin begins a transaction. A canceled context does not end it: a later statement of the connection would change the file
// on its own.
func begin(ctx context.Context, conn *sql.Conn) (*sql.Tx, error) {
	return conn.BeginTx(context.WithoutCancel(ctx), nil)
}

func inTransaction(ctx context.Context, conn *sql.Conn, change func(*sql.Tx) error) error {
	tx, err := begin(ctx, conn)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := cmp.Or(change(tx), ctx.Err()); err != nil {
		return err
	}
	return tx.Commit()
}
