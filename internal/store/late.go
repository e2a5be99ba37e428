package store

import (
	"database/sql"
	"errors"
)

// mostLate is how many rows that belong before others are put there one by one; with more of them it is less work to
// write everything anew.
const mostLate = 20

// insert puts the messages of a row where they belong in their conversation: most often at its end.
func (a *Amendment) insert(c *Change) error {
	p := a.placementFor(c.New)
	n := int64(len(c.New.Entries))
	at, err := a.placeOf(p, &c.New.Entries[0])
	if err != nil {
		return err
	}
	if p.last+n >= p.limit {
		return ErrRewrite
	}
	if at <= p.last {
		if a.late++; a.late > mostLate {
			return ErrRewrite
		}
		if err := a.shift(at, p.last, n); err != nil {
			return err
		}
	}
	for k := range c.New.Entries {
		if err := a.write(&c.New.Entries[k], at+int64(k)); err != nil {
			return err
		}
		a.numbers[c.New.Row] = append(a.numbers[c.New.Row], at+int64(k))
	}
	p.last, p.touched = p.last+n, true
	return nil
}

// placeOf returns the id of the message that a new one goes before, or the one behind the last.
func (a *Amendment) placeOf(p *placement, e *Entry) (int64, error) {
	// The messages lie in order, so that mostly a look at the last one tells.
	var id, date, row int64
	err := a.tx.QueryRowContext(a.ctx, `SELECT id, date, source_row FROM message WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1`,
		p.first, p.last).Scan(&id, &date, &row)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		p.last = p.first - 1
		return p.first, nil
	case err != nil:
		return 0, err
	case date < e.Date || date == e.Date && row < e.Row:
		p.last = id
		return id + 1, nil
	}
	err = a.tx.QueryRowContext(a.ctx, `SELECT min(id) FROM message WHERE id BETWEEN ? AND ? AND (date > ? OR date = ? AND source_row > ?)`,
		p.first, p.last, e.Date, e.Date, e.Row).Scan(&id)
	return id, err
}

// shift moves the messages from first to last n ids on, with everything that points at them. An id is negative on its way,
// as the one that it moves to may not be free yet.
func (a *Amendment) shift(first, last, n int64) error {
	for _, move := range []string{
		`UPDATE message SET id = -(id + ?3) WHERE id BETWEEN ?1 AND ?2`,
		`UPDATE message SET id = -id WHERE id BETWEEN -(?2 + ?3) AND -(?1 + ?3)`,
		`UPDATE attachment SET message = -(message + ?3) WHERE message BETWEEN ?1 AND ?2`,
		`UPDATE attachment SET message = -message WHERE message BETWEEN -(?2 + ?3) AND -(?1 + ?3)`,
		`UPDATE message SET target = target + ?3 WHERE target BETWEEN ?1 AND ?2`,
		`UPDATE removal SET target = target + ?3 WHERE target BETWEEN ?1 AND ?2`,
	} {
		if _, err := a.tx.ExecContext(a.ctx, move, first, last, n); err != nil {
			return err
		}
	}
	for _, ids := range a.numbers {
		for i, id := range ids {
			if first <= id && id <= last {
				ids[i] += n
			}
		}
	}
	return nil
}
