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

// applicationID marks a file as a messages.db ("vqct" in SQLite's header).
const applicationID = 0x76716374

// migrations bring a file from version i to i+1; the version is SQLite's user_version. Never edit one that was released:
// append. Identifiers of rows are 16 bytes where they are UUIDs (see packGUID), else text. A sender of 0 is the owner.
var migrations = []string{`
CREATE TABLE handle (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE);
CREATE TABLE conversation (id INTEGER PRIMARY KEY, is_group INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE conversation_member (conversation INTEGER NOT NULL, place INTEGER NOT NULL, handle INTEGER NOT NULL,
  absent INTEGER NOT NULL, PRIMARY KEY (conversation, place)) WITHOUT ROWID;
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  source_row INTEGER NOT NULL,
  guid NOT NULL,
  part INTEGER NOT NULL,
  date INTEGER NOT NULL,
  sender INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  text TEXT NOT NULL,
  target INTEGER
);
CREATE TABLE attachment (message INTEGER PRIMARY KEY, guid TEXT NOT NULL, transcript TEXT);
CREATE TABLE removal (id INTEGER PRIMARY KEY, source_row INTEGER NOT NULL, guid NOT NULL, date INTEGER NOT NULL,
  sender INTEGER NOT NULL, text TEXT NOT NULL, target INTEGER NOT NULL);
CREATE TABLE attachment_descriptions (attachment_guid TEXT PRIMARY KEY, description TEXT) WITHOUT ROWID;
`, trainingTables, sourceTables, factTables, identityTables, placeTables, careTables, readingTables, retractedTable, readingBySource, collectedTables}

// DB is an open messages.db.
type DB struct {
	sql    *sql.DB
	path   string
	policy *Policy // what Replace keeps out
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

func open(ctx context.Context, path string) (*DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	// A file that is new and empty takes auto_vacuum: rows that leave give their pages back at the commit.
	dsn := url.URL{Scheme: "file", Path: absolute, RawQuery: "_busy_timeout=5000&_auto_vacuum=full&_secure_delete=false"}
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

func (db *DB) migrate(ctx context.Context) error {
	var version, application, tables int
	row := db.sql.QueryRowContext(ctx, `SELECT (SELECT user_version FROM pragma_user_version),
		(SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_master)`)
	if err := row.Scan(&version, &application, &tables); err != nil {
		return err
	}
	if tables > 0 && application != applicationID {
		return usererr.With(errors.New("it is a database of another program"), "name another folder with %v", usererr.Option("data_dir"))
	}
	if version > len(migrations) {
		return usererr.With(fmt.Errorf("it has version %d, this program knows %d", version, len(migrations)), "use a newer vqctl")
	}
	if version == len(migrations) {
		return nil
	}
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, step := range migrations[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(migrations))); err != nil {
		return err
	}
	return tx.Commit()
}

// explain names the file and, for what SQLite reports, says what to do.
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

// IsBusy tells whether an error says that another program is writing the file.
func IsBusy(err error) bool {
	var failure sqlite3.Error
	return errors.As(err, &failure) && (failure.Code == sqlite3.ErrBusy || failure.Code == sqlite3.ErrLocked)
}
