package messages

import "database/sql"

// addDependents adds to the changes the rows whose answers must be looked up again: those that answer a message that is
// no longer what it was, and those that waited for a row that has come.
func (a *Amendment) addDependents() error {
	var ids []int64
	var guids []string
	for i := range a.changes {
		c := &a.changes[i]
		if c.New != nil {
			guids = append(guids, c.New.GUID)
		}
		if c.settle(a); c.Old != nil && len(a.keptIDs(c)) != len(c.Old.Entries) {
			for _, e := range c.Old.Entries {
				ids = append(ids, e.id)
			}
		}
	}
	rows, err := a.waitingFor(guids)
	if err != nil {
		return err
	}
	if len(ids) > 0 {
		answering, err := a.answering(ids)
		if err != nil {
			return err
		}
		rows = append(rows, answering...)
	}
	if err := a.again(rows); err != nil {
		return err
	}
	for i := range a.changes {
		a.changes[i].settle(a)
	}
	return nil
}

func (c *Change) row() int64 {
	if c.New != nil {
		return c.New.Row
	}
	return c.Old.Row
}

// waitingFor returns the rows that answer one of these identifiers, which was not there.
func (a *Amendment) waitingFor(guids []string) (rows []int64, err error) {
	wanted := make(map[string]bool, len(guids))
	for _, guid := range guids {
		wanted[guid] = true
	}
	err = a.each(`SELECT source_row, target_guid FROM waiting WHERE source = ?`, func(r *sql.Rows) error {
		var row int64
		var stored any
		if err := r.Scan(&row, &stored); err != nil {
			return err
		}
		guid, err := unpackGUID(stored)
		if wanted[guid] {
			rows = append(rows, row)
		}
		return err
	}, a.number)
	return rows, err
}

// answering returns the rows whose messages, or whose takings back, answer one of these messages.
func (a *Amendment) answering(ids []int64) (rows []int64, err error) {
	for _, id := range ids {
		if _, err := a.tx.ExecContext(a.ctx, `INSERT OR IGNORE INTO wanted VALUES (?)`, id); err != nil {
			return nil, err
		}
	}
	err = a.each(`SELECT source_row, origin FROM message WHERE target IN (SELECT id FROM wanted)
		UNION SELECT source_row, origin FROM removal WHERE target IN (SELECT id FROM wanted)`, func(r *sql.Rows) error {
		var row, origin int64
		if err := r.Scan(&row, &origin); err != nil {
			return err
		}
		if rows = append(rows, row); origin != a.origin {
			return ErrRewrite // another source's, which cannot be asked
		}
		return nil
	})
	return rows, err
}

// again adds rows to the changes, as the source has them now.
func (a *Amendment) again(rows []int64) error {
	known := make(map[int64]bool)
	for i := range a.changes {
		known[a.changes[i].row()] = true
	}
	var more []int64
	var ranges []Range
	for _, row := range rows {
		if !known[row] {
			known[row] = true
			more = append(more, row)
			ranges = append(ranges, Range{row, row})
		}
	}
	if len(more) == 0 {
		return nil
	}
	told, err := a.source.Read(more)
	if err == nil {
		err = a.compare(ranges, told, true)
	}
	return err
}
