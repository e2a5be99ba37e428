package messages

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
)

// share lets others read the file while conn writes it, by a write-ahead log, until the file is closed. Without a log, a long
// transaction would lock them out; with one, a copy of the file alone would be incomplete, so there is one only while it is
// written. Where a reader is in the way, the file stays as it is, and readers wait.
func (db *DB) share(ctx context.Context, conn *sql.Conn) error {
	var mode string
	err := conn.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode)
	if IsBusy(err) {
		return nil
	}
	db.shared = db.shared || mode == "wal"
	return err
}

// settle copies the log into the file once a transaction is over, as far as readers allow.
func (db *DB) settle(ctx context.Context, conn *sql.Conn) error {
	if !db.shared {
		return nil
	}
	_, err := conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	if IsBusy(err) {
		return nil
	}
	return err
}

// isShared reports whether the file at path is in the mode that share sets: a run that was killed, or is still going, left it so.
func isShared(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var header [20]byte
	_, err = io.ReadFull(f, header[:])
	return err == nil && header[18] == 2 // the file format's write version: 2 with a write-ahead log
}

// unshare copies the log into the file and removes it, unless others have the file open: the last to close it does.
func unshare(path string) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return
	}
	handle, err := sql.Open("sqlite3", dataSource(absolute, "_busy_timeout=0"))
	if err != nil {
		return
	}
	defer handle.Close()
	_, _ = handle.Exec(`PRAGMA journal_mode = DELETE`) // fails while others read
}

// sweepJournal removes the journal of a run that was killed before it changed the file: it holds pages of the file, and SQLite
// itself leaves it until the next change. Nothing happens while another command, or this one, changes the folder: the journal may
// be its own.
func sweepJournal(path string) {
	if _, err := os.Stat(path + "-journal"); err != nil {
		return
	}
	release, err := TryLockFolder(filepath.Dir(path))
	if err != nil {
		return
	}
	defer release()
	handle, err := sql.Open("sqlite3", dataSource(path, "_busy_timeout=0&_txlock=immediate"))
	if err != nil {
		return
	}
	defer handle.Close()
	tx, err := handle.Begin()
	if err != nil {
		return
	}
	defer tx.Rollback()
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", version())); err == nil { // the same as before, but a change
		_ = tx.Commit()
	}
}

// dataSource is the name of a database file for [sql.Open].
func dataSource(path, settings string) string {
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: settings}
	return dsn.String()
}
