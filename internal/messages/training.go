package messages

import (
	"context"
	"database/sql"
)

// trainingTables are filled and read by internal/windows. Messages are numbered from 1 without gaps, those of one
// conversation together and in order of time, so that a conversation and a window are ranges of them. The time since
// the message before is not stored: the message that opens a window has none.
const trainingTables = `
CREATE TABLE training_conversations (id INTEGER PRIMARY KEY,
  members TEXT NOT NULL, -- JSON array of names, sorted
  first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE training_messages (id INTEGER PRIMARY KEY,
  date INTEGER NOT NULL, -- nanoseconds since 1970 UTC
  name TEXT NOT NULL, reply_to TEXT, content_type TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE training_windows (id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, -- messages
  targets INTEGER NOT NULL); -- how many of the last messages are targets
`

// Update runs change in one transaction, which is kept only if change returns nil; the reader, of people as identity
// tells them, reads within it (see [DB.Reader]).
func (db *DB) Update(ctx context.Context, identity func(address string) string, change func(*sql.Tx, *Reader) error) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return explain(db.path, err)
	}
	defer tx.Rollback()
	reader, err := db.reader(ctx, tx, identity)
	if err != nil {
		return err
	}
	if err := change(tx, reader); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return explain(db.path, err)
	}
	return nil
}

// Explain names the file in an error of its database and, where SQLite says what is wrong, what to do about it.
func (db *DB) Explain(err error) error { return explain(db.path, err) }
