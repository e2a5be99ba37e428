package store

import (
	"database/sql"
	"errors"
	"sort"
)

// selectOld reads what the store held before, each row with what it needs to be staged again. Its first column places it
// in a conversation: the id of the message, or of the target of a removal.
const selectOld = `SELECT m.id, m.source_row, m.guid, m.part, m.date, m.sender, m.kind, m.text, a.guid, a.transcript,
    t.guid, t.part, 0
  FROM message m LEFT JOIN attachment a ON m.kind >= 2 AND a.message = m.id LEFT JOIN message t ON t.id = m.target
UNION ALL SELECT r.target, r.source_row, r.guid, 0, r.date, r.sender, 1, r.text, NULL, NULL, t.guid, t.part, 1
  FROM removal r JOIN message t ON t.id = r.target`

// stageGone finds the rows of the last time that the source has no longer, counts them, and with keep stages them again.
func (w *Writer) stageGone(keep bool, outcome *Outcome) error {
	r := &Reader{}
	var err error
	if r.addresses, err = readAddresses(w.ctx, w.tx); err != nil {
		return err
	}
	conversations, err := r.conversations(w.ctx, w.tx)
	if err != nil || len(conversations) == 0 {
		return err
	}
	ids, entries, err := w.readGone(r)
	if err != nil {
		return err
	}
	gone := make(map[string]struct{})
	for i := range entries {
		e := &entries[i]
		if !e.Removal {
			gone[e.GUID] = struct{}{}
		}
		if !keep {
			continue
		}
		c := conversations[sort.Search(len(conversations), func(k int) bool { return conversations[k].Last >= ids[i] })]
		e.Conversation = w.Conversation(c.Group, c.Members)
		e.Place = i // entries are read in order, parts of a row too
		if err := w.Add(e); err != nil {
			return err
		}
	}
	outcome.Gone = int64(len(gone))
	return nil
}

// readGone returns the stored entries whose rows the source has no longer, and the first column of each.
func (w *Writer) readGone(r *Reader) (ids []int64, entries []Entry, err error) {
	rows, err := w.tx.QueryContext(w.ctx, selectOld)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var id, sender int64
		var guid, target any
		var attachment, transcript sql.NullString
		var targetPart sql.NullInt64
		err := rows.Scan(&id, &e.Row, &guid, &e.Part, &e.Date, &sender, &e.Kind, &e.Text, &attachment, &transcript,
			&target, &targetPart, &e.Removal)
		if err != nil {
			return nil, nil, err
		}
		if e.GUID, err = unpackGUID(guid); err != nil {
			return nil, nil, err
		}
		if w.isPresent(e.GUID) {
			continue
		}
		if target != nil {
			e.TargetPart = int(targetPart.Int64)
			if e.TargetGUID, err = unpackGUID(target); err != nil {
				return nil, nil, err
			}
		}
		if e.Sender, err = r.address(sender); err != nil {
			return nil, nil, err
		}
		e.Attachment, e.Transcript = attachment.String, transcript.String
		ids, entries = append(ids, id), append(entries, e)
	}
	return ids, entries, errors.Join(rows.Err(), rows.Close())
}
