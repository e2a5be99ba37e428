package store

import (
	"fmt"
	"slices"
)

// The steps that turn what is staged into the contents of the file, in order. The table number says of each staged row
// what its id is, NULL for the taking back of a reaction, and the id of what it answers; what is not in it goes.
const (
	clearStore = `DELETE FROM message; DELETE FROM attachment; DELETE FROM removal; DELETE FROM handle;
DELETE FROM conversation_member; DELETE FROM conversation`

	writeMessages = `
INSERT INTO message SELECT n.id, source_row, guid, part, date, sender, kind, text, n.target, origin
  FROM stage s JOIN number n ON n.stage = s.rowid WHERE n.id IS NOT NULL ORDER BY n.id;
INSERT INTO attachment SELECT n.id, attachment, transcript, root, path
  FROM stage s JOIN number n ON n.stage = s.rowid WHERE attachment IS NOT NULL AND n.id IS NOT NULL ORDER BY n.id;
INSERT INTO removal (source_row, guid, date, sender, text, target, origin)
  SELECT source_row, guid, date, sender, text, n.target, origin FROM number n JOIN stage s ON s.rowid = n.stage
    WHERE n.id IS NULL ORDER BY date, source_row, s.rowid`

	dropStage = `DROP TABLE stage; DROP TABLE partial; DROP TABLE shared; DROP TABLE unanswered; DROP TABLE number`
)

// finish sorts what is staged into the tables of the file.
func (w *Writer) finish(keepGone bool) (Outcome, error) {
	outcome := Outcome{Kept: keepGone}
	if err := w.stageOld(keepGone, &outcome); err != nil {
		return outcome, err
	}
	if err := w.stage.Flush(); err != nil {
		return outcome, err
	}
	if err := w.mergeShared(); err != nil {
		return outcome, err
	}
	o := order{entryList: &w.entries}
	unanswered := o.aim()
	if err := w.noteUnanswered(&o, unanswered, &outcome); err != nil {
		return outcome, err
	}
	if err := w.leftOut.Flush(); err != nil {
		return outcome, err
	}
	o.number(len(w.rosters))
	if err := w.writeNumbers(&o); err != nil {
		return outcome, err
	}
	if err := w.noteWaiting(); err != nil {
		return outcome, err
	}
	for _, step := range []string{clearStore, writeMessages, dropStage} {
		if _, err := w.tx.ExecContext(w.ctx, step); err != nil {
			return outcome, err
		}
	}
	var err error
	if outcome.Conversations, err = w.writeRosters(&o); err != nil {
		return outcome, err
	}
	if err := w.writeRoots(); err != nil {
		return outcome, err
	}
	if err := w.writeSources(); err != nil {
		return outcome, err
	}
	w.keepFacts()
	outcome.Forgotten = w.forgottenMessages
	if err := w.writeFacts(keepGone); err != nil {
		return outcome, err
	}
	if err := w.tx.QueryRowContext(w.ctx, `SELECT count(*) FROM message`).Scan(&outcome.Messages); err != nil {
		return outcome, err
	}
	return outcome, w.writeReadings(&outcome)
}

// noteWaiting notes the answers of the source that gives an account of itself to what is not there.
func (w *Writer) noteWaiting() error {
	if w.state == nil {
		return nil
	}
	_, err := w.tx.ExecContext(w.ctx, noteWaiting, w.stateOf)
	return err
}

// noteUnanswered counts and notes the entries that answer what is not there.
func (w *Writer) noteUnanswered(o *order, unanswered []uint32, outcome *Outcome) error {
	for _, n := range unanswered {
		s := o.at(n)
		if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO unanswered VALUES (?)`, n+1); err != nil {
			return err
		}
		w.lostAnswers = w.lostAnswers || s.is(isOld)
		if s.is(isOld) || !s.is(isDead) {
			continue
		}
		if s.is(isRemoval) {
			outcome.LostRemovals++
		} else {
			outcome.LostReactions++
		}
	}
	return w.leaveOutLost(o)
}

// leaveOutLost notes the rows that became no message because what they answer is not there.
func (w *Writer) leaveOutLost(o *order) error {
	if w.state == nil {
		return nil
	}
	if err := w.forgetReading(w.stateOf); err != nil {
		return err
	}
	rows, err := w.tx.QueryContext(w.ctx, `SELECT s.rowid, s.source_row, s.date, s.sender FROM stage s JOIN unanswered u ON u.stage = s.rowid WHERE NOT s.old`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var stage uint32
		var row, date, sender int64
		if err := rows.Scan(&stage, &row, &date, &sender); err != nil {
			return err
		}
		if o.at(stage - 1).is(isDead) {
			if err := w.leftOut.Add(w.stateOf, row, int64(LostTarget), 0, markOf(date, w.addresses[sender])); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// writeNumbers writes the table number.
func (w *Writer) writeNumbers(o *order) error {
	numbers, err := NewInserter(w.ctx, w.tx, "number", 3)
	if err != nil {
		return err
	}
	defer numbers.Close()
	for n := range uint32(o.count) {
		if o.at(n).is(isDead) {
			continue
		}
		var id, target any
		if o.ids[n] != 0 {
			id = o.ids[n]
		}
		if o.targets[n] != 0 {
			target = o.ids[o.targets[n]-1]
		}
		if err := numbers.Add(int64(n)+1, id, target); err != nil {
			return err
		}
	}
	return numbers.Flush()
}

// writeRosters writes the handles, and the members of the conversations that have messages. It returns how many sets of
// members these have: who was absent does not count.
func (w *Writer) writeRosters(o *order) (sets int64, err error) {
	for id, address := range w.addresses[1:] {
		if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO handle VALUES (?, ?, ?)`, id+1, address, nullable(w.names[address])); err != nil {
			return 0, err
		}
	}
	seen := make(map[string]bool)
	for i, r := range w.rosters {
		if o.last[i+1] == 0 {
			continue
		}
		_, err := w.tx.ExecContext(w.ctx, `INSERT INTO conversation VALUES (?, ?, ?, ?)`, i+1, r.group, o.first[i+1], o.last[i+1])
		if err != nil {
			return 0, err
		}
		for place, m := range r.members {
			if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO conversation_member VALUES (?, ?, ?, ?)`, i+1, place, m.handle, m.absent); err != nil {
				return 0, err
			}
		}
		seen[fmt.Sprint(r.group, r.present())] = true
	}
	return int64(len(seen)), nil
}

// present are the handles of those who were there, sorted.
func (r *roster) present() []int64 {
	var handles []int64
	for _, m := range r.members {
		if !m.absent {
			handles = append(handles, m.handle)
		}
	}
	slices.Sort(handles)
	return handles
}
