package messages

import (
	"cmp"
	"database/sql"
	"slices"
)

// retract records that a message was unsent: no source's copy of it is shown.
func (t *Tx) retract(guid string) error {
	result, err := t.sql.ExecContext(t.ctx, `INSERT OR IGNORE INTO retracted VALUES (?)`, packGUID(guid))
	if err != nil || !t.several {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return t.run(`INSERT OR IGNORE INTO touched_guid VALUES (?)`, packGUID(guid))
}

// copyOf is a row as a candidate to be shown among its copies in other sources.
type copyOf struct {
	source    int64
	ids       []int64
	states    []int64
	edited    int64 // when the message was last edited, according to the source
	collected int64
}

// compare orders copies; the last one is shown. A copy that its source still has, and has whole, comes later; then the one
// edited last; then the one collected last.
func (c *copyOf) compare(d *copyOf) int {
	return cmp.Or(cmp.Compare(d.states[0]&kept, c.states[0]&kept), cmp.Compare(d.states[0]&partial, c.states[0]&partial),
		cmp.Compare(c.edited, d.edited), cmp.Compare(c.collected, d.collected), cmp.Compare(c.source, d.source))
}

// settleCopies decides which copy is shown of messages that several sources have, for the rows that were put.
func (t *Tx) settleCopies() error {
	if !t.several {
		return nil
	}
	if err := t.exec(guidIndex); err != nil {
		return err
	}
	if err := t.touchShared(); err != nil {
		return err
	}
	var changes [][2]int64 // id, state
	var copies []*copyOf
	var last any
	unsent := false
	var obsolete []*copyOf
	settle := func() {
		obsolete = append(obsolete, obsoleteOf(copies)...)
		changes = append(changes, settleRow(copies, unsent)...)
		copies = nil
	}
	err := t.each(`SELECT g.guid, EXISTS (SELECT 1 FROM retracted r WHERE r.guid = g.guid), m.id, m.state, c.source, s.collected, m.line,
			(SELECT coalesce(max(v.date), 0) FROM version v WHERE v.source = c.source AND v.guid = g.guid)
		FROM touched_guid g CROSS JOIN message m INDEXED BY message_guid ON m.guid = g.guid JOIN chat c ON c.id = m.chat JOIN source s ON s.id = c.source
		WHERE m.kind < 10 ORDER BY g.guid, c.source, m.id`, func(rows *sql.Rows) error {
		var guid any
		var id, state, source, collected, edited int64
		var line *int64
		var isUnsent bool
		if err := rows.Scan(&guid, &isUnsent, &id, &state, &source, &collected, &line, &edited); err != nil {
			return err
		}
		if !sameGUID(guid, last) {
			settle()
			last = guid
		}
		unsent = isUnsent
		if n := len(copies); n == 0 || copies[n-1].source != source || keyOf(copies[n-1].ids[0]) != keyOf(id) {
			if line != nil && state&kept == 0 {
				collected = *line >> lineBits
			}
			copies = append(copies, &copyOf{source: source, edited: edited, collected: collected})
		}
		c := copies[len(copies)-1]
		c.ids, c.states = append(c.ids, id), append(c.states, state)
		return nil
	})
	if err != nil {
		return err
	}
	settle()
	for _, c := range changes {
		if err := t.run(`UPDATE message SET state = ? WHERE id = ?`, c[1], c[0]); err != nil {
			return err
		}
	}
	for _, c := range obsolete {
		if err := t.dropCopy(t.sources[c.source], keyOf(c.ids[0])); err != nil {
			return err
		}
	}
	return nil
}

// obsoleteOf returns the last copies of a row that sources had, once no source has it or another copy counts.
func obsoleteOf(copies []*copyOf) (list []*copyOf) {
	held := slices.ContainsFunc(copies, func(c *copyOf) bool { return c.states[0]&lastCopy == 0 })
	var best *copyOf
	if held {
		best = slices.MaxFunc(copies, func(a, b *copyOf) int { return a.compare(b) })
	}
	for _, c := range copies {
		if c.states[0]&lastCopy != 0 && c != best {
			list = append(list, c)
		}
	}
	return list
}

// dropCopy removes a last copy from the file.
func (t *Tx) dropCopy(o *origin, key int64) error {
	old, err := t.readRecords(key)
	if err != nil || len(old) == 0 {
		return err
	}
	if err := t.leave(o, key, old[0].guid); err != nil {
		return err
	}
	return t.remove(key, old)
}

// settleRow returns the states that change among the copies of a row. Rows of one source never supersede each other.
func settleRow(copies []*copyOf, unsent bool) (changes [][2]int64) {
	if len(copies) == 0 {
		return nil
	}
	best := slices.MaxFunc(copies, func(a, b *copyOf) int { return a.compare(b) })
	for _, c := range copies {
		for i, state := range c.states {
			new := state &^ superseded
			if unsent || c.source != best.source {
				new |= superseded
			}
			if new != state {
				changes = append(changes, [2]int64{c.ids[i], new})
			}
		}
	}
	return changes
}

func sameGUID(a, b any) bool {
	x, isBytes := a.([]byte)
	y, areBytes := b.([]byte)
	if isBytes || areBytes {
		return isBytes && areBytes && string(x) == string(y)
	}
	return a == b
}

// touchShared adds the messages that a numbered source shares with sources collected since: its copies count again,
// including those that were not read again.
func (t *Tx) touchShared() error {
	for _, o := range t.sources {
		if !o.opened || o.extent != Numbered || o.isNew || !o.behind {
			continue
		}
		err := t.exec(`INSERT OR IGNORE INTO touched_guid SELECT m.guid FROM message m WHERE m.id BETWEEN ? AND ? AND m.kind < 10
			AND EXISTS (SELECT 1 FROM message o INDEXED BY message_guid WHERE o.guid = m.guid AND o.id NOT BETWEEN ?1 AND ?2)`, rowKey(o.id, 0), lastID(rowKey(o.id, LastRow)))
		if err != nil {
			return err
		}
	}
	return nil
}
