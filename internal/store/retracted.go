package store

import (
	"context"
	"database/sql"
)

// retractedTable keeps which messages were unsent, for sources that do not know it yet: an old backup has them still.
const retractedTable = `CREATE TABLE retracted (guid PRIMARY KEY) WITHOUT ROWID`

const findRetracted = `SELECT rowid FROM stage WHERE guid IN (SELECT guid FROM retracted)`

// Retract tells that a message was unsent: it is in the store no longer, whatever source has it.
func (w *Writer) Retract(guid string) { w.retracted = append(w.retracted, guid) }

// leaveOutRetracted leaves out what was unsent. A single source says so itself.
func (w *Writer) leaveOutRetracted() error {
	for _, guid := range w.retracted {
		if err := retract(w.ctx, w.tx, guid); err != nil {
			return err
		}
	}
	if w.sources.count() < 2 {
		return nil
	}
	return w.leaveOut(findRetracted)
}

func retract(ctx context.Context, tx *sql.Tx, guid string) error {
	_, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO retracted VALUES (?)`, packGUID(guid))
	return err
}
