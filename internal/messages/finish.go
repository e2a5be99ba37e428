package messages

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
	if err := w.aim(&outcome); err != nil {
		return outcome, err
	}
	if err := w.order.number(); err != nil {
		return outcome, err
	}
	if err := w.writeNumbers(); err != nil {
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
	if outcome.Conversations, err = w.writeRosters(); err != nil {
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

// aim finds what is answered, and counts and notes the entries that answer what is not there.
func (w *Writer) aim(outcome *Outcome) error {
	err := w.order.aim(func(a *answer) error {
		w.lostAnswers = w.lostAnswers || a.flags.is(isOld)
		switch {
		case a.flags.is(isOld):
		case a.flags.is(isRemoval):
			outcome.LostRemovals++
		case a.flags.is(isReaction):
			outcome.LostReactions++
		}
		_, err := w.tx.ExecContext(w.ctx, `INSERT INTO unanswered VALUES (?)`, a.entry+1)
		return err
	})
	if err == nil {
		err = w.leaveOutLost()
	}
	if err == nil {
		err = w.leftOut.Flush()
	}
	return err
}

// leaveOutLost notes the rows that became no message because what they answer is not there.
func (w *Writer) leaveOutLost() error {
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
		if w.order.dead.has(stage - 1) {
			if err := w.leftOut.Add(w.stateOf, row, int64(LostTarget), 0, markOf(date, w.addresses[sender])); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// writeNumbers writes the table number.
func (w *Writer) writeNumbers() error {
	numbers, err := NewInserter(w.ctx, w.tx, "number", 3)
	if err != nil {
		return err
	}
	defer numbers.Close()
	optional := func(id int64) any {
		if id == 0 {
			return nil
		}
		return id
	}
	err = w.order.eachNumber(func(n uint32, id, target int64) error { return numbers.Add(int64(n)+1, optional(id), optional(target)) })
	if err != nil {
		return err
	}
	return numbers.Flush()
}

// writeRosters writes the handles, and the members of the conversations that have messages. It returns how many sets of
// members these have: who was absent does not count.
func (w *Writer) writeRosters() (sets int64, err error) {
	for id, address := range w.addresses[1:] {
		if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO handle VALUES (?, ?, ?)`, id+1, address, nullable(w.names[address])); err != nil {
			return 0, err
		}
	}
	seen := make(map[string]bool)
	for i, r := range w.rosters {
		at, some := w.order.ranges[int32(i+1)]
		if !some {
			continue
		}
		_, err := w.tx.ExecContext(w.ctx, `INSERT INTO conversation VALUES (?, ?, ?, ?)`, i+1, r.group, at.First, at.Last)
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
