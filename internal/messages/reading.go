package messages

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
)

// readingTables kept how far the only source was read.
const readingTables = `
CREATE TABLE reading (source INTEGER PRIMARY KEY, state BLOB NOT NULL, messages INTEGER NOT NULL);
CREATE TABLE left_out (source_row INTEGER PRIMARY KEY, why INTEGER NOT NULL);
CREATE TABLE waiting (source_row INTEGER NOT NULL, target_guid NOT NULL, PRIMARY KEY (source_row, target_guid)) WITHOUT ROWID;
`

// readingBySource keep how far each source was read, so that the next time only what has changed is read (see [DB.Amend]):
// the source's own account of itself, the rows that became no message, and the answers to what is not there. A reading
// that is not current holds for a source that has not changed at all, and for no other: what else was collected since may
// have taken the place of copies of its messages.
const readingBySource = `
DROP TABLE reading; DROP TABLE left_out; DROP TABLE waiting;
CREATE TABLE reading (source INTEGER PRIMARY KEY, state BLOB NOT NULL, messages INTEGER NOT NULL, current INTEGER NOT NULL);
CREATE TABLE left_out (source INTEGER NOT NULL, source_row INTEGER NOT NULL, why INTEGER NOT NULL, messages INTEGER NOT NULL, mark INTEGER NOT NULL,
  PRIMARY KEY (source, source_row)) WITHOUT ROWID;
CREATE TABLE waiting (source INTEGER NOT NULL, source_row INTEGER NOT NULL, target_guid NOT NULL, PRIMARY KEY (source, source_row, target_guid)) WITHOUT ROWID;
`

// Why a row is left out that the source itself would not leave out.
const (
	// LostTarget is for a reaction, or the taking back of one, that answers what is not there.
	LostTarget = -1
	// These are for what is from people who were forgotten.
	ForgottenMessage  = -2
	ForgottenReaction = -3
	ForgottenRemoval  = -4
)

// forgottenWhy is why an entry of somebody who was forgotten is left out.
func forgottenWhy(e *Entry) int64 {
	switch {
	case e.Removal:
		return ForgottenRemoval
	case e.Kind == Reaction:
		return ForgottenReaction
	}
	return ForgottenMessage
}

// markOf sums up when a row was written and by whom: also of a row that becomes no message that may tell something.
func markOf(date int64, sender string) int64 {
	h := fnv.New32a()
	fmt.Fprint(h, date, sender)
	return int64(h.Sum32())
}

// LeftOut notes that a row of a source became no message, and why, by the source's own number (0 or more).
func (w *Writer) LeftOut(source, row int64, why int, date int64, sender string) error {
	err := w.forgetReading(source)
	if err == nil {
		err = w.leftOut.Add(source, row, int64(why), 0, markOf(date, sender))
	}
	if err != nil {
		return explain(w.path, err)
	}
	return nil
}

// SetState takes what makes a source's account of itself, from which the next collection can tell what has changed.
func (w *Writer) SetState(source int64, state func(*Outcome) []byte) {
	w.stateOf, w.state = source, state
}

// forgetReading forgets what was known of the reading of a source, before anything new is noted.
func (w *Writer) forgetReading(source int64) error {
	if w.reread[source] {
		return nil
	}
	w.reread[source] = true
	return forgetReadingOf(w.ctx, w.tx, source)
}

func forgetReadingOf(ctx context.Context, tx *sql.Tx, source int64) error {
	for _, table := range []string{"reading", "left_out", "waiting"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE source = ?`, source); err != nil {
			return err
		}
	}
	return nil
}

const forgetAllReadings = `DELETE FROM reading; DELETE FROM left_out; DELETE FROM waiting`

const (
	noteWaiting = `INSERT OR IGNORE INTO waiting SELECT ?, source_row, target_guid FROM stage s JOIN unanswered u ON u.stage = s.rowid
  WHERE NOT s.old`

	// A source that shares a message with those that were collected may have the copy of another in its place now, and one
	// that waits for a message may have it now.
	outdateSharing = `UPDATE reading SET current = 0 WHERE source NOT IN (SELECT value FROM json_each(?1)) AND source IN (SELECT o.source
  FROM origin o JOIN origin p ON p.id = o.id WHERE p.source IN (SELECT value FROM json_each(?1)))`
	outdateWaiting = `UPDATE reading SET current = 0 WHERE source NOT IN (SELECT value FROM json_each(?1)) AND source IN (SELECT w.source
  FROM waiting w JOIN (SELECT DISTINCT guid FROM message WHERE guid IN (SELECT target_guid FROM waiting WHERE source NOT IN (SELECT value FROM json_each(?1)))) m ON m.guid = w.target_guid)`
	outdateOthers = `UPDATE reading SET current = 0 WHERE source NOT IN (SELECT value FROM json_each(?1))`
	countReading  = `UPDATE reading SET messages = ?`
)

// writeReadings keeps the account of the source that gave one, and what has become of those of the other sources.
func (w *Writer) writeReadings(outcome *Outcome) error {
	var opened []int64
	for source := range w.sources.open {
		opened = append(opened, source)
		if err := w.forgetReading(source); err != nil {
			return err
		}
	}
	list := listOf(opened)
	steps := []string{outdateSharing, outdateWaiting}
	if w.lostAnswers {
		steps = append(steps, outdateOthers)
	}
	for _, step := range steps {
		if _, err := w.tx.ExecContext(w.ctx, step, list); err != nil {
			return err
		}
	}
	if w.state != nil && (!outcome.Kept || outcome.Gone == 0) {
		if err := w.writeState(outcome); err != nil {
			return err
		}
	}
	if _, err := w.tx.ExecContext(w.ctx, countReading, outcome.Messages); err != nil {
		return err
	}
	return w.writeCollected(outcome, opened)
}

// writeState writes the account of a source. A copy of another source in the place of one of its own makes it outdated
// from the beginning.
func (w *Writer) writeState(outcome *Outcome) error {
	for _, f := range w.forgottenRows {
		if f.source != w.stateOf {
			continue
		}
		if err := w.leftOut.Add(f.source, f.row, f.why, f.messages, f.mark); err != nil {
			return err
		}
	}
	if err := w.leftOut.Flush(); err != nil {
		return err
	}
	if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO reading VALUES (?, ?, ?, ?)`, w.stateOf, w.state(outcome), outcome.Messages, !w.fuller && !w.outvoted); err != nil {
		return err
	}
	return nil
}

// Reading is what is known of a source that was collected before.
type Reading struct {
	// State is the account that the source gave of itself; nil if it must be looked at as a whole.
	State []byte
	// Current tells that the store holds the source's own copies of its messages.
	Current bool
	// Outcome is what the store holds now.
	Outcome Outcome
}

// Reading returns what is known of the source of this name.
func (db *DB) Reading(ctx context.Context, source string) (r Reading, err error) {
	if err := db.checkPolicy(ctx); err != nil {
		return r, explain(db.path, err)
	}
	err = db.sql.QueryRowContext(ctx, `SELECT r.state, r.current, r.messages, (SELECT coalesce(sum(messages), 0) FROM left_out l WHERE l.source = r.source AND why < -1)
		FROM reading r JOIN source s ON s.id = r.source WHERE s.name = ? AND r.messages = (SELECT count(*) FROM message)`, source).
		Scan(&r.State, &r.Current, &r.Outcome.Messages, &r.Outcome.Forgotten)
	if errors.Is(err, sql.ErrNoRows) {
		return Reading{}, nil
	}
	if err == nil {
		r.Outcome.Conversations, err = countSets(ctx, db.sql)
	}
	if err != nil {
		return r, explain(db.path, err)
	}
	return r, nil
}

// countSets counts the sets of members that have messages.
func countSets(ctx context.Context, q querier) (int64, error) {
	rows, err := q.QueryContext(ctx, `SELECT count(DISTINCT is_group || ':' || coalesce((SELECT group_concat(handle) FROM (SELECT handle FROM conversation_member m
		WHERE m.conversation = c.id AND NOT absent ORDER BY handle)), '')) FROM conversation c`)
	if err != nil {
		return 0, err
	}
	return oneInteger(rows)
}
