package messages

import (
	"database/sql"
	"slices"
)

const createSuspects = `
CREATE TEMP TABLE suspect (first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
CREATE TEMP TABLE wanted (id INTEGER PRIMARY KEY)`

// isSuspect is the condition that a row of the source is in one of the ranges.
const isSuspect = `source_row BETWEEN (SELECT min(first) FROM suspect) AND (SELECT max(last) FROM suspect)
  AND source_row <= (SELECT last FROM suspect WHERE first <= source_row ORDER BY first DESC LIMIT 1)`

// isOwn is the condition that the source has a message, or a taking back.
const isOwn = ` AND origin IN (SELECT id FROM origin WHERE source = ?1)`

const (
	selectOldMessages = `SELECT m.id, m.source_row, m.guid, m.part, m.date, m.sender, m.kind, m.text, a.guid, a.transcript, o.path, a.path, m.target, t.guid, t.part, 0, m.origin
  FROM message m LEFT JOIN attachment a ON m.kind >= 2 AND a.message = m.id LEFT JOIN attachment_root o ON o.id = a.root
  LEFT JOIN message t ON t.id = m.target
  WHERE m.id IN (SELECT id FROM message WHERE ` + isSuspect + isOwn + `) ORDER BY m.id`
	selectOldRemovals = `SELECT r.id, r.source_row, r.guid, 0, r.date, r.sender, 1, r.text, NULL, NULL, NULL, NULL, r.target, t.guid, t.part, 1, r.origin
  FROM removal r JOIN message t ON t.id = r.target WHERE r.id IN (SELECT id FROM removal WHERE ` + isSuspect + isOwn + `)`
	selectOldLeftOut = `SELECT source_row, why, mark, messages FROM left_out WHERE source = ?1 AND ` + isSuspect
)

// compare finds which of the rows of the ranges tell something else than they did. With all, it takes every one for such.
func (a *Amendment) compare(ranges []Range, told []Told, all bool) error {
	if _, err := a.tx.ExecContext(a.ctx, `DROP TABLE IF EXISTS temp.suspect; DROP TABLE IF EXISTS temp.wanted; `+createSuspects); err != nil {
		return err
	}
	for _, s := range ranges {
		if _, err := a.tx.ExecContext(a.ctx, `INSERT INTO suspect VALUES (?, ?)`, s.First, s.Last); err != nil {
			return err
		}
	}
	old, err := a.readOld()
	if err != nil {
		return err
	}
	if err := a.know(told); err != nil {
		return err
	}
	for i := range told {
		t := &told[i]
		same, err := a.same(old[t.Row], t)
		if err != nil {
			return err
		}
		if all || !same {
			a.changes = append(a.changes, Change{Old: old[t.Row], New: t})
		}
		delete(old, t.Row)
	}
	for _, o := range old {
		a.changes = append(a.changes, Change{Old: o})
	}
	return nil
}

// readOld returns what the store holds of the rows of the ranges, by number.
func (a *Amendment) readOld() (map[int64]*OldRow, error) {
	old := make(map[int64]*OldRow)
	at := func(row int64) *OldRow {
		if old[row] == nil {
			old[row] = &OldRow{Row: row}
		}
		return old[row]
	}
	for _, query := range []string{selectOldMessages, selectOldRemovals} {
		err := a.each(query, func(rows *sql.Rows) error {
			e, err := a.scanOld(rows)
			if err != nil {
				return err
			}
			o := at(e.Row)
			if o.Entries = append(o.Entries, e); e.Removal {
				o.removal = e.id
			}
			o.shared = o.shared || e.origin != a.origin
			return nil
		}, a.number)
		if err != nil {
			return nil, err
		}
	}
	err := a.each(selectOldLeftOut, func(rows *sql.Rows) error {
		var row int64
		var why int
		var mark, messages int64
		if err := rows.Scan(&row, &why, &mark, &messages); err != nil {
			return err
		}
		o := at(row)
		o.Why, o.LeftOut, o.mark, o.messages = why, true, mark, messages
		return nil
	}, a.number)
	return old, err
}

func (a *Amendment) each(query string, visit func(*sql.Rows) error, args ...any) error {
	rows, err := a.tx.QueryContext(a.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (a *Amendment) scanOld(rows *sql.Rows) (e OldEntry, err error) {
	var sender int64
	var guid, target any
	var attachment, transcript, root, path sql.NullString
	var targetPart sql.NullInt64
	err = rows.Scan(&e.id, &e.Row, &guid, &e.Part, &e.Date, &sender, &e.Kind, &e.Text, &attachment, &transcript, &root, &path, &e.target, &target,
		&targetPart, &e.Removal, &e.origin)
	if err != nil {
		return e, err
	}
	if e.GUID, err = unpackGUID(guid); err != nil {
		return e, err
	}
	if target != nil {
		e.TargetPart = int(targetPart.Int64)
		if e.TargetGUID, err = unpackGUID(target); err != nil {
			return e, err
		}
	}
	e.Attachment, e.Transcript = attachment.String, transcript.String
	e.File = newFile(root.String, path.String, e.Text)
	if sender < 0 || sender >= int64(len(a.addresses)) {
		return e, ErrRewrite
	}
	e.Sender = a.addresses[sender]
	return e, nil
}

// same tells whether a row tells what the store holds of it.
func (a *Amendment) same(o *OldRow, t *Told) (bool, error) {
	if o == nil {
		return false, nil
	}
	entries := a.settled(t)
	if len(entries) != len(o.Entries) || o.LeftOut != (len(entries) == 0) || o.LeftOut && (o.Why != t.why(entries) || o.mark != t.mark() || o.messages != t.messages) {
		return false, nil
	}
	for i := range entries {
		p := a.placementOf(o.Entries[i].id)
		if o.removal == 0 && (p == nil || p != a.rosters[a.key(t)]) || !sameEntry(&o.Entries[i].Entry, &entries[i]) {
			return false, nil
		}
	}
	return a.sameFacts(t)
}

// why is the reason that a row is left out for, given what is left of its entries.
func (t *Told) why(entries []Entry) int {
	switch {
	case t.forgotten != 0:
		return int(t.forgotten)
	case len(entries) == 0 && len(t.Entries) > 0:
		return LostTarget
	}
	return t.Why
}

func (t *Told) mark() int64 { return markOf(t.Date, t.Sender) }

// SameMark tells whether a row that was left out is of the same time and by the same sender as it was.
func (c *Change) SameMark() bool { return c.New != nil && c.Old != nil && c.Old.mark == c.New.mark() }

// settled returns the entries of a row as they are stored: those that answer say which message of the other row they do;
// a reaction to what is not there is none.
func (a *Amendment) settled(t *Told) []Entry {
	entries := slices.Clone(t.Entries)
	for i := range entries {
		e := &entries[i]
		if e.TargetGUID == "" {
			continue
		}
		target, at := a.answered(e)
		if target == nil {
			if e.Kind == Reaction || e.Removal {
				return nil
			}
			e.TargetGUID, e.TargetPart = "", 0
			continue
		}
		e.TargetPart = target.Entries[at].Part
	}
	return entries
}

// know takes what rows tell, and reads the rows that they answer.
func (a *Amendment) know(told []Told) error {
	var guids []string
	for i := range told {
		a.kept(&told[i])
		a.rows[told[i].Row] = &told[i]
		for _, e := range told[i].Entries {
			if _, known := a.found[e.TargetGUID]; !known && e.TargetGUID != "" {
				guids = append(guids, e.TargetGUID)
				a.found[e.TargetGUID] = nobody
			}
		}
	}
	found, err := a.source.Find(guids)
	if err != nil {
		return err
	}
	var missing []int64
	for guid, row := range found {
		if a.found[guid] = row; a.rows[row] == nil {
			missing = append(missing, row)
		}
	}
	read, err := a.source.Read(missing)
	for i := range read {
		a.kept(&read[i])
		a.rows[read[i].Row] = &read[i]
	}
	return err
}

// nobody stands for a row that does not exist.
const nobody = -1

// answered finds what an entry answers: a row, and which of its messages; nil if that is not there.
func (a *Amendment) answered(e *Entry) (target *Told, at int) {
	if target = a.rows[a.found[e.TargetGUID]]; target == nil {
		return nil, 0
	}
	first := -1
	for i := range target.Entries {
		if t := &target.Entries[i]; t.Removal || t.Kind == Reaction {
			continue
		} else if t.Part == e.TargetPart {
			return target, i
		}
		if first < 0 {
			first = i
		}
	}
	if first < 0 || e.TargetPart >= 0 && target.Shortened {
		return nil, 0
	}
	return target, first
}

// sameEntry compares what is stored of two entries.
func sameEntry(a, b *Entry) bool {
	return a.Row == b.Row && a.GUID == b.GUID && a.Part == b.Part && a.Date == b.Date && a.Sender == b.Sender && a.Kind == b.Kind &&
		a.Text == b.Text && a.Attachment == b.Attachment && a.Transcript == b.Transcript && a.File == b.storedFile() && a.Removal == b.Removal &&
		a.TargetGUID == b.TargetGUID && (a.TargetGUID == "" || a.TargetPart == b.TargetPart)
}

// storedFile is the place of a file as it is read again.
func (e *Entry) storedFile() FilePlace {
	if e.Attachment == "" {
		return FilePlace{}
	}
	root := e.File.Root
	if e.File.Path == "" {
		root = ""
	}
	return newFile(root, e.File.shortened(e.Text), e.Text)
}

// sameFacts compares the event and the versions of a row with what is stored of them.
func (a *Amendment) sameFacts(t *Told) (bool, error) {
	guid := packGUID(t.GUID)
	var events []Event
	err := a.each(`SELECT source_row, date, chat, kind, actor, coalesce(subject, ''), coalesce(text, '') FROM event WHERE source = ? AND guid = ?`,
		func(rows *sql.Rows) error {
			e := Event{GUID: t.GUID}
			err := rows.Scan(&e.Row, &e.Date, &e.Chat, &e.Kind, &e.Actor, &e.Subject, &e.Text)
			events = append(events, e)
			return err
		}, a.number, guid)
	if err != nil {
		return false, err
	}
	if t.Event == nil && len(events) > 0 || t.Event != nil && (len(events) != 1 || events[0] != *t.Event) {
		return false, nil
	}
	var versions []Version
	err = a.each(`SELECT part, number, date, text FROM version WHERE source = ? AND guid = ? ORDER BY part, number`, func(rows *sql.Rows) error {
		v := Version{GUID: t.GUID}
		err := rows.Scan(&v.Part, &v.Number, &v.Date, &v.Text)
		versions = append(versions, v)
		return err
	}, a.number, guid)
	return slices.Equal(versions, t.Versions), err
}
