package messages

import (
	"cmp"
	"database/sql"
	"errors"
	"maps"
	"slices"
)

// mostMoved is how many messages make way for others that belong before them; with more, it is less work to write
// everything anew. In a small store that is never the case.
func (a *Amendment) mostMoved() int { return int(min(a.messages/4, 400_000)) + 2000 }

// insertAll puts the messages of rows where they belong in their conversations: most often at the end.
func (a *Amendment) insertAll(rows []*Change) error {
	slices.SortFunc(rows, func(x, y *Change) int { return compareRows(&x.New.Entries[0], &y.New.Entries[0]) })
	stayed := slices.Collect(maps.Keys(a.numbers))
	var order []*placement
	lists := make(map[*placement][]*Change)
	for _, c := range rows {
		p := a.placementFor(c.New)
		if lists[p] == nil {
			order = append(order, p)
		}
		lists[p] = append(lists[p], c)
	}
	for _, p := range order {
		if err := a.makeRoom(p, lists[p]); err != nil {
			return err
		}
	}
	if err := a.move(); err != nil {
		return err
	}
	for _, row := range stayed {
		for k, id := range a.numbers[row] {
			a.numbers[row][k] = cmp.Or(a.moved[id], id)
		}
	}
	for _, c := range rows {
		for k := range c.New.Entries {
			if err := a.write(&c.New.Entries[k], a.numbers[c.New.Row][k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareRows orders the rows of a conversation: by date and number, and where two sources have the same of both by
// identifier.
func compareRows(a, b *Entry) int {
	return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.Row, b.Row), cmp.Compare(sumOf(a.GUID), sumOf(b.GUID)))
}

// makeRoom gives the messages of rows, which are in order, their ids in a conversation, and notes which messages make way.
func (a *Amendment) makeRoom(p *placement, rows []*Change) error {
	next, err := a.endOf(p, &rows[0].New.Entries[0])
	if err != nil {
		return err
	}
	if next == 0 { // some messages come behind the first row
		if rows, next, err = a.weave(p, rows); err != nil {
			return err
		}
	}
	for _, c := range rows {
		next = a.assign(c, next)
	}
	if p.last = max(p.last, next-1); p.last >= p.limit {
		return ErrRewrite
	}
	p.touched = true
	return nil
}

// assign gives the messages of a row their ids from next on, and returns the one behind them.
func (a *Amendment) assign(c *Change, next int64) int64 {
	for range c.New.Entries {
		a.numbers[c.New.Row] = append(a.numbers[c.New.Row], next)
		next++
	}
	return next
}

// endOf returns the id behind the last message of a conversation, 0 if a new one does not belong there.
func (a *Amendment) endOf(p *placement, e *Entry) (int64, error) {
	var last Entry
	var id int64
	var guid any
	err := a.tx.QueryRowContext(a.ctx, `SELECT id, date, source_row, guid FROM message WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1`,
		p.first, p.last).Scan(&id, &last.Date, &last.Row, &guid)
	if errors.Is(err, sql.ErrNoRows) {
		p.last = p.first - 1
		return p.first, nil
	}
	if err != nil {
		return 0, err
	}
	if last.GUID, err = unpackGUID(guid); err != nil || compareRows(&last, e) > 0 {
		return 0, err
	}
	p.last = id
	return id + 1, nil
}

// weave numbers the rows that belong before messages of a conversation, and those messages where they must make way. It
// returns the rows that belong behind all, and their first id.
func (a *Amendment) weave(p *placement, rows []*Change) (rest []*Change, next int64, err error) {
	first := &rows[0].New.Entries[0]
	err = a.each(`SELECT id, date, source_row, guid FROM message WHERE id BETWEEN ? AND ? AND (date > ?3 OR date = ?3 AND source_row >= ?4) ORDER BY id`,
		func(r *sql.Rows) error {
			var e Entry
			var id int64
			var guid any
			if err := r.Scan(&id, &e.Date, &e.Row, &guid); err != nil {
				return err
			}
			if e.GUID, err = unpackGUID(guid); err != nil {
				return err
			}
			next = max(next, id)
			for len(rows) > 0 && compareRows(&rows[0].New.Entries[0], &e) < 0 {
				next = a.assign(rows[0], next)
				rows = rows[1:]
			}
			if next != id {
				if a.moved[id] = next; len(a.moved) > a.mostMoved() {
					return ErrRewrite
				}
			} else if len(rows) == 0 {
				return errWoven
			}
			p.last = max(p.last, next)
			next++
			return nil
		}, p.first, p.last, first.Date, first.Row)
	if errors.Is(err, errWoven) {
		return nil, 0, nil
	}
	return rows, next, err
}

// errWoven says that the messages from here on stay where they are.
var errWoven = errors.New("the rest stays")

// move moves messages to their new ids, with everything that points at them. An id is negative on its way, as the one that
// it moves to may not be free yet.
func (a *Amendment) move() error {
	if len(a.moved) == 0 {
		return nil
	}
	if _, err := a.tx.ExecContext(a.ctx, `DROP TABLE IF EXISTS temp.moved; CREATE TEMP TABLE moved (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)`); err != nil {
		return err
	}
	moved, err := NewInserter(a.ctx, a.tx, "moved", 2)
	if err != nil {
		return err
	}
	defer moved.Close()
	for old, id := range a.moved {
		if err := moved.Add(old, id); err != nil {
			return err
		}
	}
	if err := moved.Flush(); err != nil {
		return err
	}
	for _, step := range []string{
		`UPDATE message SET id = -(SELECT new FROM moved WHERE old = id) WHERE id IN (SELECT old FROM moved)`,
		`UPDATE message SET id = -id WHERE id < 0`,
		`UPDATE attachment SET message = -(SELECT new FROM moved WHERE old = message) WHERE message IN (SELECT old FROM moved)`,
		`UPDATE attachment SET message = -message WHERE message < 0`,
		`UPDATE message SET target = (SELECT new FROM moved WHERE old = target) WHERE target IN (SELECT old FROM moved)`,
		`UPDATE removal SET target = (SELECT new FROM moved WHERE old = target) WHERE target IN (SELECT old FROM moved)`,
	} {
		if _, err := a.tx.ExecContext(a.ctx, step); err != nil {
			return err
		}
	}
	return nil
}
