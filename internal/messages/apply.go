package messages

import (
	"slices"
)

// removeOld takes out of the store what the changed rows told, but for messages that stay where they are and only say
// something else.
func (a *Amendment) removeOld() error {
	for i := range a.changes {
		c := &a.changes[i]
		if c.Old == nil {
			continue
		}
		kept := a.keptIDs(c)
		for _, e := range c.Old.Entries {
			if !slices.Contains(kept, e.id) {
				if err := a.remove(c.Old, &e); err != nil {
					return err
				}
			}
		}
		if kept != nil {
			a.numbers[c.New.Row] = kept
		}
	}
	return nil
}

// settle finds out whether a row is left out after all.
func (c *Change) settle(a *Amendment) {
	c.Lost = c.New != nil && len(c.New.Entries) > 0 && len(a.settled(c.New)) == 0
}

// entries are what a change leaves in the store.
func (c *Change) entries() []Entry {
	if c.New == nil || c.Lost {
		return nil
	}
	return c.New.Entries
}

// keptIDs returns the ids of the old messages that the entries of a row take over, one for each; nil if they cannot all stay
// where they are.
func (a *Amendment) keptIDs(c *Change) []int64 {
	entries := c.entries()
	if len(entries) == 0 || c.Old.removal != 0 || entries[0].Removal || len(c.Old.Entries) == 0 {
		return nil
	}
	if p := a.placementOf(c.Old.Entries[0].id); p == nil || p != a.rosters[a.key(c.New)] {
		return nil
	}
	ids := make([]int64, 0, len(entries))
	at := 0
	for i := range entries {
		for at < len(c.Old.Entries) && c.Old.Entries[at].Part != entries[i].Part {
			at++
		}
		if at == len(c.Old.Entries) || c.Old.Entries[at].Date != entries[i].Date {
			return nil
		}
		ids = append(ids, c.Old.Entries[at].id)
		at++
	}
	return ids
}

func (a *Amendment) remove(o *OldRow, e *OldEntry) error {
	if o.removal != 0 {
		_, err := a.tx.ExecContext(a.ctx, `DELETE FROM removal WHERE id = ?`, e.id)
		return err
	}
	if p := a.placementOf(e.id); p != nil {
		p.touched = true
	}
	_, err := a.tx.ExecContext(a.ctx, `DELETE FROM message WHERE id = ?`, e.id)
	if err == nil && e.Kind.IsAttachment() {
		_, err = a.tx.ExecContext(a.ctx, `DELETE FROM attachment WHERE message = ?`, e.id)
	}
	return err
}

// addNew writes the messages of the changed rows: over the old ones, or where they belong in their conversation.
func (a *Amendment) addNew() error {
	var added []*Change
	for i := range a.changes {
		c := &a.changes[i]
		entries := c.entries()
		switch {
		case len(entries) == 0 || entries[0].Removal:
		case a.numbers[c.New.Row] == nil:
			added = append(added, c)
		default:
			for k := range entries {
				if err := a.write(&entries[k], a.numbers[c.New.Row][k]); err != nil {
					return err
				}
			}
		}
	}
	return a.insertAll(added)
}

// write writes a message under an id; what it answers is written later.
func (a *Amendment) write(e *Entry, id int64) error {
	_, err := a.tx.ExecContext(a.ctx, `INSERT OR REPLACE INTO message (id, source_row, guid, part, date, sender, kind, text, origin)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, e.Row, packGUID(e.GUID), e.Part, e.Date, a.handle(e.Sender), int64(e.Kind), e.Text, a.origin)
	if err != nil {
		return err
	}
	if _, err = a.tx.ExecContext(a.ctx, `DELETE FROM attachment WHERE message = ?`, id); err != nil || e.Attachment == "" {
		return err
	}
	root, err := a.root(&e.File)
	if err == nil {
		_, err = a.tx.ExecContext(a.ctx, `INSERT INTO attachment (message, guid, transcript, root, path) VALUES (?, ?, ?, ?, ?)`, id, e.Attachment,
			nullable(e.Transcript), root, nullable(e.File.shortened(e.Text)))
	}
	return err
}

// root returns the number of a file's root, nil if it has none.
func (a *Amendment) root(f *FilePlace) (any, error) {
	if f.Root == "" || f.Path == "" {
		return nil, nil
	}
	if _, err := a.tx.ExecContext(a.ctx, `INSERT OR IGNORE INTO attachment_root (path) VALUES (?)`, f.Root); err != nil {
		return nil, err
	}
	var id int64
	err := a.tx.QueryRowContext(a.ctx, `SELECT id FROM attachment_root WHERE path = ?`, f.Root).Scan(&id)
	return id, err
}

// aimAll writes what the entries of the changed rows answer, now that everything has its id.
func (a *Amendment) aimAll() error {
	for i := range a.changes {
		c := &a.changes[i]
		entries := c.entries()
		for k := range entries {
			e := &entries[k]
			if e.TargetGUID == "" {
				continue
			}
			target, err := a.idOf(e)
			if err != nil {
				return err
			}
			if target == 0 {
				continue
			}
			if e.Removal {
				_, err = a.tx.ExecContext(a.ctx, `INSERT INTO removal (source_row, guid, date, sender, text, target, origin) VALUES (?, ?, ?, ?, ?, ?, ?)`,
					e.Row, packGUID(e.GUID), e.Date, a.handle(e.Sender), e.Text, target, a.origin)
			} else {
				_, err = a.tx.ExecContext(a.ctx, `UPDATE message SET target = ? WHERE id = ?`, target, a.numbers[c.New.Row][k])
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// idOf returns the id of the message that an entry answers, 0 if there is none.
func (a *Amendment) idOf(e *Entry) (int64, error) {
	target, at := a.answered(e)
	if target == nil {
		return 0, nil
	}
	if a.numbers[target.Row] == nil {
		if err := a.findIDs(target); err != nil {
			return 0, err
		}
	}
	if at >= len(a.numbers[target.Row]) {
		return 0, ErrRewrite
	}
	return a.numbers[target.Row][at], nil
}

// findIDs looks up the ids of a row that did not change.
func (a *Amendment) findIDs(t *Told) error {
	p := a.rosters[a.key(t)]
	if p == nil {
		return ErrRewrite
	}
	rows, err := a.tx.QueryContext(a.ctx, `SELECT id FROM message WHERE id BETWEEN ? AND ? AND source_row = ? ORDER BY id`, p.first, p.last, t.Row)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		a.numbers[t.Row] = append(a.numbers[t.Row], id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(a.numbers[t.Row]) != len(t.Entries) {
		return ErrRewrite
	}
	return nil
}

// writeLeftOut notes why the changed rows became no message, and what they wait for.
func (a *Amendment) writeLeftOut() error {
	for i := range a.changes {
		c := &a.changes[i]
		for _, statement := range []string{`DELETE FROM left_out WHERE source = ? AND source_row = ?`, `DELETE FROM waiting WHERE source = ? AND source_row = ?`} {
			if _, err := a.tx.ExecContext(a.ctx, statement, a.number, c.row()); err != nil {
				return err
			}
		}
		if c.New == nil {
			continue
		}
		if c.New.Retracted {
			if err := retract(a.ctx, a.tx, c.New.GUID); err != nil {
				return err
			}
		}
		if entries := c.entries(); len(entries) == 0 {
			if _, err := a.tx.ExecContext(a.ctx, `INSERT INTO left_out VALUES (?, ?, ?, ?, ?)`, a.number, c.New.Row, c.New.why(entries), c.New.messages, c.New.mark()); err != nil {
				return err
			}
		}
		for k := range c.New.Entries {
			e := &c.New.Entries[k]
			if target, _ := a.answered(e); e.TargetGUID != "" && target == nil {
				if _, err := a.tx.ExecContext(a.ctx, `INSERT OR IGNORE INTO waiting VALUES (?, ?, ?)`, a.number, e.Row, packGUID(e.TargetGUID)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// writeFacts replaces the events and versions of the changed rows.
func (a *Amendment) writeFacts() error {
	w := Writer{ctx: a.ctx, tx: a.tx}
	for i := range a.changes {
		c := &a.changes[i]
		for _, guid := range c.guids() {
			for _, statement := range []string{`DELETE FROM event WHERE source = ? AND (guid = ? OR source_row = ?)`, `DELETE FROM version WHERE source = ? AND guid = ? AND ? IS NOT NULL`} {
				if _, err := a.tx.ExecContext(a.ctx, statement, a.number, packGUID(guid), c.row()); err != nil {
					return err
				}
			}
		}
		if c.New == nil {
			continue
		}
		if c.New.Event != nil {
			e := *c.New.Event
			e.Source = a.number
			w.events = append(w.events, e)
		}
		for _, v := range c.New.Versions {
			v.Source = a.number
			w.versions = append(w.versions, v)
		}
	}
	return w.writeFacts(true)
}

// guids are what a row was called and is called, "" where that is not known: after a database was put in the place of
// another, that may be two names.
func (c *Change) guids() (list [2]string) {
	if c.Old != nil && len(c.Old.Entries) > 0 {
		list[0] = c.Old.Entries[0].GUID
	}
	if c.New != nil {
		list[1] = c.New.GUID
	}
	return list
}
