package messages

import (
	"context"
	"database/sql"
	"errors"
)

// SetState takes what makes the bytes that the package of a source wants to know at its next collect.
func (t *Tx) SetState(source int64, state func(*Outcome) []byte) { t.states[source] = state }

// writeStates keeps the states of the sources that were collected.
func (t *Tx) writeStates(outcome *Outcome) error {
	for _, source := range t.openedList() {
		if err := t.exec(`DELETE FROM source_state WHERE source = ?`, source); err != nil {
			return err
		}
		if state := t.states[source]; state != nil {
			if err := t.exec(`INSERT INTO source_state VALUES (?, ?)`, source, state(outcome)); err != nil {
				return err
			}
		}
	}
	return nil
}

// State returns what SetState kept of the source of this name, nil for nothing.
func (db *DB) State(ctx context.Context, source string) (state []byte, err error) {
	if err := db.checkPolicy(ctx); err != nil {
		return nil, explain(db.path, err)
	}
	err = db.sql.QueryRowContext(ctx, `SELECT x.state FROM source_state x JOIN source s ON s.id = x.source WHERE s.name = ?`, source).Scan(&state)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, explain(db.path, err)
	}
	return state, nil
}

// Held returns the outcome of a collect that changes nothing of the source of this name.
func (db *DB) Held(ctx context.Context, source string) (o Outcome, err error) {
	id, err := integer(ctx, db.sql, `SELECT id FROM source WHERE name = ?`, source)
	if err == nil {
		o.Forgotten, err = forgottenOf(ctx, db.sql, []int64{id})
	}
	if err == nil {
		o.Gone, err = integer(ctx, db.sql, countKept, id)
		o.Kept = o.Gone > 0
	}
	if err == nil {
		o.Messages, o.Conversations, err = countShown(ctx, db.sql)
	}
	if err != nil {
		return o, explain(db.path, err)
	}
	return o, nil
}

// SetCollected names what is collected now by a key that differs when anything of it does, and takes the summary that
// Collected returns for that key.
func (t *Tx) SetCollected(key string, summary func(*Outcome) []byte) {
	t.key, t.summary = key, summary
}

// forgetStates makes every source be read as a whole at its next collect.
const forgetStates = `DELETE FROM source_state; DELETE FROM collected; DELETE FROM collected_source`

// writeCollected notes what was collected, unless more is kept than it holds. What was collected before from the same
// source, or from one that has a message of it, is forgotten: it would be shown again.
func (t *Tx) writeCollected(outcome *Outcome) error {
	opened := t.openedList()
	affected := append([]int64(nil), opened...)
	if t.several {
		err := t.each(`SELECT DISTINCT c.source FROM touched_guid g CROSS JOIN message m INDEXED BY message_guid ON m.guid = g.guid JOIN chat c ON c.id = m.chat`, func(rows *sql.Rows) error {
			var source int64
			err := rows.Scan(&source)
			affected = append(affected, source)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, source := range affected {
		if err := t.exec(`DELETE FROM collected WHERE key IN (SELECT key FROM collected_source WHERE source = ?)`, source); err != nil {
			return err
		}
	}
	if err := t.exec(`DELETE FROM collected_source WHERE key NOT IN (SELECT key FROM collected)`); err != nil {
		return err
	}
	if t.key == "" || len(opened) == 0 || outcome.Kept && outcome.Gone > 0 {
		return nil
	}
	if err := t.exec(`INSERT INTO collected VALUES (?, ?)`, t.key, t.summary(outcome)); err != nil {
		return err
	}
	for _, source := range opened {
		if err := t.exec(`INSERT INTO collected_source VALUES (?, ?)`, t.key, source); err != nil {
			return err
		}
	}
	return nil
}

// Collected returns the summary of what was collected by a key, nil if it must be collected again, and what the file
// holds now.
func (db *DB) Collected(ctx context.Context, key string) (summary []byte, outcome Outcome, err error) {
	if err := db.checkPolicy(ctx); err != nil {
		return nil, outcome, explain(db.path, err)
	}
	err = db.sql.QueryRowContext(ctx, `SELECT summary FROM collected WHERE key = ?`, key).Scan(&summary)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, outcome, nil
	}
	if err == nil {
		outcome.Messages, outcome.Conversations, err = countShown(ctx, db.sql)
	}
	if err != nil {
		return nil, outcome, explain(db.path, err)
	}
	return summary, outcome, nil
}
