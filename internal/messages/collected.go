package messages

import (
	"context"
	"database/sql"
	"errors"
)

// collectedTables keep which exports were collected as they are, by a key that is another one when anything is different,
// and into which sources: an export that has not changed need not be read again.
const collectedTables = `
CREATE TABLE collected (key TEXT PRIMARY KEY, summary BLOB NOT NULL, messages INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE collected_source (key TEXT NOT NULL, source INTEGER NOT NULL, PRIMARY KEY (key, source)) WITHOUT ROWID;
`

// SetCollected takes the key of what is collected now, and what makes a summary to be had again by it.
func (w *Writer) SetCollected(key string, summary func(*Outcome) []byte) {
	w.key, w.summary = key, summary
}

const forgetAllCollected = `DELETE FROM collected; DELETE FROM collected_source`

// What shares a source or a message with what is collected now may look different.
const forgetCollected = `
DELETE FROM collected WHERE key IN (SELECT key FROM collected_source WHERE source IN (SELECT value FROM json_each(?1))
  OR source IN (SELECT o.source FROM origin o JOIN origin p ON p.id = o.id WHERE p.source IN (SELECT value FROM json_each(?1))));
DELETE FROM collected_source WHERE key NOT IN (SELECT key FROM collected)`

const countCollected = `UPDATE collected SET messages = ?`

// writeCollected notes what was collected, unless more is kept than it holds.
func (w *Writer) writeCollected(outcome *Outcome, opened []int64) error {
	if _, err := w.tx.ExecContext(w.ctx, forgetCollected, listOf(opened)); err != nil {
		return err
	}
	if w.key != "" && len(opened) > 0 && (!outcome.Kept || outcome.Gone == 0) {
		if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO collected VALUES (?, ?, ?)`, w.key, w.summary(outcome), outcome.Messages); err != nil {
			return err
		}
		for _, source := range opened {
			if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO collected_source VALUES (?, ?)`, w.key, source); err != nil {
				return err
			}
		}
	}
	_, err := w.tx.ExecContext(w.ctx, countCollected, outcome.Messages)
	return err
}

// Collected returns the summary of what was collected by a key, nil if it must be collected again, and what the store
// holds now.
func (db *DB) Collected(ctx context.Context, key string) (summary []byte, outcome Outcome, err error) {
	if err := db.checkPolicy(ctx); err != nil {
		return nil, outcome, explain(db.path, err)
	}
	err = db.sql.QueryRowContext(ctx, `SELECT summary, messages FROM collected WHERE key = ? AND messages = (SELECT count(*) FROM message)`, key).
		Scan(&summary, &outcome.Messages)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, outcome, nil
	}
	if err == nil {
		outcome.Conversations, err = countSets(ctx, db.sql)
	}
	if err != nil {
		return nil, outcome, explain(db.path, err)
	}
	return summary, outcome, nil
}
