package store

import (
	"fmt"
	"slices"
)

// The steps that turn what is staged into the contents of the file, in order. An answer aims at the staged row of the
// part that it names, else at the first of its message; reactions are not answered.
const (
	findAnswered = `
INSERT OR IGNORE INTO answered SELECT target_guid FROM stage WHERE target_guid IS NOT NULL;
INSERT INTO place SELECT guid, part, place, rowid, shortened FROM stage
  WHERE guid IN (SELECT guid FROM answered) AND NOT removal AND kind <> 1;
INSERT INTO aim SELECT rowid, coalesce(
    (SELECT stage FROM place p WHERE p.guid = target_guid AND p.part = target_part ORDER BY p.place LIMIT 1),
    (SELECT stage FROM place p WHERE p.guid = target_guid AND (target_part < 0 OR NOT p.shortened)
      ORDER BY p.place LIMIT 1)) FROM stage WHERE target_guid IS NOT NULL;
DELETE FROM aim WHERE target IS NULL`

	dropLostReactions = `DELETE FROM stage WHERE kind = 1 AND NOT removal AND NOT old AND rowid NOT IN (SELECT stage FROM aim)`
	dropLostRemovals  = `DELETE FROM stage WHERE removal AND NOT old AND rowid NOT IN (SELECT stage FROM aim)`
	dropOldLost       = `DELETE FROM stage WHERE (removal OR kind = 1) AND old AND rowid NOT IN (SELECT stage FROM aim)`

	clearStore = `DELETE FROM message; DELETE FROM attachment; DELETE FROM removal; DELETE FROM handle;
DELETE FROM conversation_member; DELETE FROM conversation`

	writeMessages = `
INSERT INTO number SELECT rowid, row_number() OVER (ORDER BY conversation, date, source_row, place, rowid)
  FROM stage WHERE NOT removal;
INSERT INTO message SELECT n.id, source_row, guid, part, date, sender, kind, text,
    (SELECT t.id FROM aim a JOIN number t ON t.stage = a.target WHERE a.stage = s.rowid), origin
  FROM stage s JOIN number n ON n.stage = s.rowid ORDER BY n.id;
INSERT INTO attachment SELECT n.id, attachment, transcript, root, path
  FROM stage s JOIN number n ON n.stage = s.rowid WHERE attachment IS NOT NULL ORDER BY n.id;
INSERT INTO removal (source_row, guid, date, sender, text, target, origin)
  SELECT source_row, guid, date, sender, text, t.id, origin FROM stage s JOIN aim a ON a.stage = s.rowid
    JOIN number t ON t.stage = a.target WHERE removal ORDER BY date, source_row, s.rowid`

	writeConversations = `INSERT INTO conversation SELECT s.conversation, 0, min(n.id), max(n.id)
  FROM stage s JOIN number n ON n.stage = s.rowid GROUP BY s.conversation`

	dropStage = `DROP TABLE stage; DROP TABLE partial; DROP TABLE shared; DROP TABLE answered; DROP TABLE place; DROP TABLE aim; DROP TABLE number`
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
	steps := []struct {
		sql     string
		changed *int64
	}{
		{findAnswered, nil},
		{dropLostReactions, &outcome.LostReactions},
		{dropLostRemovals, &outcome.LostRemovals},
		{dropOldLost, nil},
		{clearStore, nil},
		{writeMessages, nil},
		{writeConversations, nil},
		{dropStage, nil},
	}
	for _, step := range steps {
		result, err := w.tx.ExecContext(w.ctx, step.sql)
		if err != nil {
			return outcome, err
		}
		if step.changed != nil {
			if *step.changed, err = result.RowsAffected(); err != nil {
				return outcome, err
			}
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
	return outcome, w.tx.QueryRowContext(w.ctx, `SELECT count(*) FROM message`).Scan(&outcome.Messages)
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
		result, err := w.tx.ExecContext(w.ctx, `UPDATE conversation SET is_group = ? WHERE id = ?`, r.group, i+1)
		if err != nil {
			return 0, err
		}
		if used, err := result.RowsAffected(); err != nil {
			return 0, err
		} else if used == 0 {
			continue
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
