package store

import (
	"context"
	"database/sql"
	"errors"
)

// readingTables keep how far a source was read, so that the next time only what has changed is read (see [DB.Amend]): the
// source's own account of itself, the rows that became no message, and the answers to what is not there. They hold nothing
// where more than one source was collected, or where something is kept out.
const readingTables = `
CREATE TABLE reading (source INTEGER PRIMARY KEY, state BLOB NOT NULL, messages INTEGER NOT NULL);
CREATE TABLE left_out (source_row INTEGER PRIMARY KEY, why INTEGER NOT NULL);
CREATE TABLE waiting (source_row INTEGER NOT NULL, target_guid NOT NULL, PRIMARY KEY (source_row, target_guid)) WITHOUT ROWID;
`

// LostTarget is why a reaction, or the taking back of one, is left out that answers what is not there.
const LostTarget = -1

// LeftOut notes that a row became no message, and why, by the source's own number (0 or more).
func (w *Writer) LeftOut(row int64, why int) error {
	if err := w.leftOut.Add(row, int64(why)); err != nil {
		return explain(w.path, err)
	}
	return nil
}

// SetState takes what makes the source's account of itself, from which the next collection can tell what has changed.
func (w *Writer) SetState(state func(*Outcome) []byte) { w.state = state }

const forgetReading = `DELETE FROM reading; DELETE FROM left_out; DELETE FROM waiting`

// writeReading keeps the account of a source that is the only one.
func (w *Writer) writeReading(outcome *Outcome) error {
	if w.state == nil || w.policy != nil || w.sources.count() != 1 || outcome.Kept && outcome.Gone > 0 {
		_, err := w.tx.ExecContext(w.ctx, forgetReading)
		return err
	}
	for source := range w.sources.open {
		if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO reading VALUES (?, ?, ?)`, source, w.state(outcome), outcome.Messages); err != nil {
			return err
		}
	}
	return nil
}

// count is how many sources the store knows.
func (s *sources) count() (n int) {
	for id, name := range s.names {
		if id > 0 && s.ids[name] == int64(id) {
			n++
		}
	}
	return n
}

// ReadingState returns the account that the source of this name gave of itself when it was last collected; nil if there is
// none, if the store has been changed by others since, or if it keeps something out: then all of it must be looked at.
func (db *DB) ReadingState(ctx context.Context, source string) ([]byte, error) {
	var state []byte
	err := db.sql.QueryRowContext(ctx, `SELECT state FROM reading r JOIN source s ON s.id = r.source
		WHERE s.name = ? AND r.messages = (SELECT count(*) FROM message) AND NOT EXISTS (SELECT 1 FROM care)`, source).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(db.path, err)
	}
	return state, nil
}
