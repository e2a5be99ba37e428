package messages

import (
	"database/sql"
)

// Sweep removes, or keeps as gone, the rows in the ranges of a numbered source that were not put. It calls visit with what
// the file held of each.
func (t *Tx) Sweep(source int64, ranges []Range, visit func(*OldRow)) error {
	o := t.sources[source]
	if o == nil || !o.opened {
		return t.wrong(unknownSource(source))
	}
	return t.wrong(t.sweep(o, ranges, visit))
}

func (t *Tx) sweep(o *origin, ranges []Range, visit func(*OldRow)) error {
	if o.isNew {
		return nil
	}
	if err := t.flush(); err != nil {
		return err
	}
	var gone []int64
	for _, r := range ranges {
		err := t.query(`SELECT id FROM message WHERE id BETWEEN ? AND ? AND id & 255 = 0`, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			if !o.hasSeen(id, rowOf(id, nil)) {
				gone = append(gone, id)
			}
			return err
		}, rowKey(o.id, max(r.First, 0)), lastID(rowKey(o.id, min(r.Last, LastRow))))
		if err != nil {
			return err
		}
	}
	for _, key := range gone {
		old, err := t.readRecords(key)
		if err == nil {
			visit(t.oldRow(old))
			err = t.drop(o, key, old)
		}
		if err != nil {
			return err
		}
	}
	return t.sweepKept(o)
}

// sweepKept removes the kept rows of a numbered source, unless they are still to be kept.
func (t *Tx) sweepKept(o *origin) error {
	if t.keepGone || t.incomplete {
		return nil
	}
	return t.sweepHashed(`message m INDEXED BY message_kept JOIN chat c ON c.id = m.chat WHERE m.state & 40 <> 0 AND m.state & 8 = 8`,
		func(source int64) bool { return source == o.id })
}

// sweepExports removes the rows of exports that were not put, where the exports cover their time.
func (t *Tx) sweepExports() error {
	some := false
	for _, o := range t.sources {
		some = some || t.isReadAgain(o.id)
	}
	if !some {
		return nil
	}
	return t.sweepHashed(`message m JOIN chat c ON c.id = m.chat WHERE m.state & 32 = 0`, t.isReadAgain)
}

// isReadAgain reports whether a source is an export that was collected before.
func (t *Tx) isReadAgain(source int64) bool {
	o := t.sources[source]
	return o != nil && o.opened && o.extent != Numbered && !o.isNew
}

// sweepHashed removes the rows known by identifier, of the selected sources, that were not put.
func (t *Tx) sweepHashed(from string, isMeant func(source int64) bool) error {
	type row struct{ key, source int64 }
	var gone []row
	err := t.each(`SELECT m.id, m.date, c.source FROM `+from+` AND m.id >= ? AND m.id & 255 = 0`, func(rows *sql.Rows) error {
		var r row
		var date int64
		if err := rows.Scan(&r.key, &date, &r.source); err != nil {
			return err
		}
		if o := t.sources[r.source]; isMeant(r.source) && o.covers(date) && !o.hasSeen(r.key, 0) {
			gone = append(gone, r)
		}
		return nil
	}, isHashed)
	if err != nil {
		return err
	}
	for _, r := range gone {
		old, err := t.readRecords(r.key)
		if err == nil {
			err = t.drop(t.sources[r.source], r.key, old)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drop removes a row that its source no longer has, or keeps its messages as gone.
func (t *Tx) drop(o *origin, key int64, old []record) error {
	guid := old[0].guid
	hadMessages := old[0].kind != leftOut
	if hadMessages && old[0].kind != removalKind {
		t.gone[sumOf(guid)] = true
	}
	if err := t.touch(o, key, old, nil); err != nil {
		return err
	}
	switch {
	case !hadMessages:
	case t.keepGone || t.incomplete:
		return t.keep(o, key, old, kept)
	case t.several && old[0].state&(superseded|lastCopy|kept) == 0:
		return t.keep(o, key, old, lastCopy)
	}
	if err := t.leave(o, key, guid); err != nil {
		return err
	}
	if err := t.remove(key, old); err != nil {
		return err
	}
	return t.removeFacts(o.id, guid)
}

// keep marks a row as gone. Another row may have its number now, so it is known by its identifier.
func (t *Tx) keep(o *origin, key int64, old []record, mark int64) error {
	hashed := guidKey(o.id, old[0].guid)
	if err := t.remove(key, old); err != nil {
		return err
	}
	if hashed != key {
		if err := t.leave(o, key, old[0].guid); err != nil {
			return err
		}
	}
	for i := range old {
		e := &old[i]
		if e.state |= mark; !e.line.Valid {
			e.line = optional(lineOf(o.collected, rowOf(e.id, nil)))
		}
		e.id = hashed + int64(i)
	}
	if err := t.run(`INSERT OR IGNORE INTO touched VALUES (?)`, hashed); err != nil {
		return err
	}
	return t.insert(old)
}
