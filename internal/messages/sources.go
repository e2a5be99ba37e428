package messages

import (
	"database/sql"
	"fmt"
	"math"
	"slices"
)

func (t *Tx) readSources() error {
	t.sources = make(map[int64]*origin)
	err := t.each(`SELECT id, name, collected FROM source`, func(rows *sql.Rows) error {
		o := new(origin)
		err := rows.Scan(&o.id, &o.name, &o.collected)
		t.sources[o.id] = o
		t.collect = max(t.collect, o.collected)
		return err
	})
	t.collect++
	t.several = len(t.sources) > 1
	return err
}

// Source opens the source with this name and returns its number. The name must be the same at every collect.
func (t *Tx) Source(name string, extent Extent) (int64, error) {
	o := t.sourceNamed(name)
	if o == nil && extent != Span {
		if o = t.sourceNamed(unnamedSource); o != nil {
			o.name = name
			if err := t.exec(`UPDATE source SET name = ? WHERE id = ?`, name, o.id); err != nil {
				return 0, t.wrong(err)
			}
		}
	}
	if o == nil {
		o = &origin{id: 1, name: name, isNew: true}
		for t.sources[o.id] != nil {
			o.id++
		}
		if o.id > maxSources {
			return 0, t.wrong(fmt.Errorf("it cannot hold more than %d sources", maxSources))
		}
		t.sources[o.id] = o
		t.several = len(t.sources) > 1
		if err := t.exec(`INSERT INTO source VALUES (?, ?, 0)`, o.id, name); err != nil {
			return 0, t.wrong(err)
		}
	}
	return o.id, t.wrong(t.open(o, extent))
}

func (t *Tx) sourceNamed(name string) *origin {
	for _, o := range t.sources {
		if o.name == name {
			return o
		}
	}
	return nil
}

func (t *Tx) open(o *origin, extent Extent) error {
	if o.opened {
		return nil
	}
	o.opened, o.extent = true, extent
	o.seen, o.rows = map[int64]struct{}{}, map[int64]*page{}
	o.first, o.last = math.MaxInt64, math.MinInt64
	for _, other := range t.sources {
		o.behind = o.behind || other.collected > o.collected
	}
	if extent != Numbered || o.isNew {
		return nil
	}
	if o.collected == 0 && !t.keepGone { // the file was converted: rows that stated an event are not known by their number
		for _, table := range []string{"event", "version"} {
			if err := t.exec(`DELETE FROM `+table+` WHERE source = ?`, o.id); err != nil {
				return err
			}
		}
	}
	some, err := t.integer(`SELECT EXISTS (SELECT 1 FROM chat c JOIN message m ON m.chat = c.id WHERE c.source = ? AND m.state & 40 <> 0)`, o.id)
	o.hasHashed = some != 0
	return err
}

// opened returns the numbers of the sources being collected.
func (t *Tx) openedList() (list []int64) {
	for id, o := range t.sources {
		if o.opened {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

// closeSources records which sources were collected last.
func (t *Tx) closeSources() error {
	for _, o := range t.sources {
		if !o.opened {
			continue
		}
		if err := t.exec(`UPDATE source SET collected = ? WHERE id = ?`, t.collect, o.id); err != nil {
			return err
		}
		o.collected = t.collect
	}
	return nil
}
