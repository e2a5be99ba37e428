package messages

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/mattn/go-sqlite3"

	"ventriloquist/internal/usererr"
)

// DB is an open messages.db.
type DB struct {
	sql    *sql.DB
	path   string
	policy *Policy // what Collect keeps out
}

// Open opens an existing messages.db and brings its schema up to date.
func Open(ctx context.Context, path string) (*DB, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder")
	}
	if err != nil {
		return nil, usererr.With(fmt.Errorf("cannot open %s: %w", path, err), "run `vqctl collect` first, or name the folder with %v", usererr.Option("data_dir"))
	}
	return open(ctx, path)
}

// Create opens path, making the file (mode 0600) and its folder (0700) if missing.
func Create(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the folder of %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return nil, fmt.Errorf("cannot make %s private: %w", path, err)
	}
	return open(ctx, path)
}

// settings of every connection. A file that is new and empty takes auto_vacuum: deleted rows give their pages back at the
// commit. The cache of 32 MiB is for reading in order of time, which jumps between pages.
const settings = "_busy_timeout=5000&_auto_vacuum=full&_secure_delete=false&_cache_size=-32768"

func open(ctx context.Context, path string) (*DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	dsn := url.URL{Scheme: "file", Path: absolute, RawQuery: settings}
	handle, err := sql.Open("sqlite3", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	db := &DB{sql: handle, path: path}
	if err := db.migrate(ctx); err != nil {
		handle.Close()
		return nil, explain(path, err)
	}
	return db, nil
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
