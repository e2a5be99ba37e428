package messages

import (
	"context"
	"database/sql"
	"slices"
)

// retractedTable keeps which messages were unsent, for sources that do not know it yet: an old backup has them still.
const retractedTable = `CREATE TABLE retracted (guid PRIMARY KEY) WITHOUT ROWID`

const findRetracted = `SELECT rowid, old FROM stage WHERE guid IN (SELECT guid FROM retracted)`

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
	n, err := w.leaveOut(findRetracted)
	w.outvoted = n > 0
	return err
}

func retract(ctx context.Context, tx *sql.Tx, guid string) error {
	_, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO retracted VALUES (?)`, packGUID(guid))
	return err
}

// editedElsewhere tells of messages when they were last edited as other sources know it, where that is later than those
// that are collected now know: of an older copy less counts.
func (w *Writer) editedElsewhere() (map[string]bool, error) {
	if w.sources.count() < 2 {
		return nil, nil
	}
	known := make(map[string]int64)
	for i := range w.versions {
		v := &w.versions[i]
		known[v.GUID] = max(known[v.GUID], v.Date)
	}
	rows, err := w.tx.QueryContext(w.ctx, `SELECT source, guid, max(date) FROM version GROUP BY source, guid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	later := make(map[string]bool)
	for rows.Next() {
		var source, date int64
		var packed any
		if err := rows.Scan(&source, &packed, &date); err != nil {
			return nil, err
		}
		guid, err := unpackGUID(packed)
		if err != nil {
			return nil, err
		}
		if w.sources.open[source] == nil && date > known[guid] {
			later[guid] = true
		}
	}
	return later, rows.Err()
}

// opened is the origin of what is collected now.
func (s *sources) opened() int64 {
	var set []int64
	for source := range s.open {
		set = append(set, source)
	}
	slices.Sort(set)
	return s.origin(set)
}
