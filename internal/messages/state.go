package messages

import (
	"context"
	"database/sql"
	"errors"
)

// SetState sets the function that returns the bytes a source's package needs at its next collect.
func (t *Tx) SetState(source int64, state func() []byte) { t.states[source] = state }

// writeStates stores the states of the collected sources.
func (t *Tx) writeStates() error {
	for _, source := range t.openedList() {
		if err := t.exec(`DELETE FROM source_state WHERE source = ?`, source); err != nil {
			return err
		}
		state := t.states[source]
		if state == nil {
			continue
		}
		var o Outcome
		if err := o.countLost(t.ctx, t.sql, t.sources[source], t.collect); err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO source_state VALUES (?, ?, ?, ?)`, source, state(), o.LostReactions, o.LostRemovals); err != nil {
			return err
		}
	}
	return nil
}

// State returns the bytes that SetState stored for the source with this name, nil for none.
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

// Held returns the outcome of a collect that changes nothing in the numbered source with this name.
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
		err = o.readLost(ctx, db.sql, id)
	}
	if err == nil {
		o.Messages, o.Conversations, err = countShown(ctx, db.sql)
	}
	if err != nil {
		return o, explain(db.path, err)
	}
	return o, nil
}

// readLost reads what the last collect of a numbered source counted, or counts it again if it is no longer known.
func (o *Outcome) readLost(ctx context.Context, q querier, source int64) error {
	known := false
	err := each(ctx, q, `SELECT lost_reactions, lost_removals FROM source_state WHERE source = ? AND lost_reactions IS NOT NULL`, func(rows *sql.Rows) error {
		known = true
		return rows.Scan(&o.LostReactions, &o.LostRemovals)
	}, source)
	if err != nil || known {
		return err
	}
	return o.countLost(ctx, q, &origin{id: source, extent: Numbered}, 1)
}

// SetCollected identifies the current collect by a key that differs when anything in it differs, and sets the summary that
// Collected returns for that key.
func (t *Tx) SetCollected(key string, summary func(*Outcome) []byte) {
	t.key, t.summary = key, summary
}

// forgetSummaries makes the next collect read every export: the summaries may name people. The states of numbered sources
// stay, because what the file holds is what a collect under the new policy would have left.
const forgetSummaries = `DELETE FROM collected; DELETE FROM collected_source`

// writeCollected records what was collected, unless the file keeps more than that. It removes the earlier record of the
// same source, and of any source that has a message of it, because that record would be shown again.
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

// Collected returns the summary collected under a key, nil if it must be collected again, and what the file holds now.
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
