package messages

import (
	"database/sql"
	"math"
	"slices"
)

// Extent is how much of a source a collect speaks for, and how its rows are told apart.
type Extent int

const (
	// Whole is all of a source whose rows are known by their identifiers: a row that is not put is gone.
	Whole Extent = iota
	// Span is what lies between its first message and its last: an export often begins late and ends early.
	Span
	// Numbered is a database whose rows have numbers: what is gone is told by Sweep.
	Numbered
)

// unnamedSource is what was collected before sources had names. The first source of a database that has one takes it over.
const unnamedSource = ""

// origin is a source.
type origin struct {
	id        int64
	name      string
	collected int64
	opened    bool // in this collect
	isNew     bool // the file held nothing of it
	hasHashed bool // of a numbered source: the file holds rows by their identifiers, which the source no longer has
	extent    Extent
	seen      map[int64]bool  // of an export: the keys of rows that were put
	rows      map[int64]*page // of a numbered source: the rows that were put
	some      bool            // there were messages, from first to last
	first     int64
	last      int64
	behind    bool // another source was collected later
}

// page is which of 4096 rows that follow each other were put.
type page [64]uint64

const pageRows = 64 * 64

func (o *origin) see(key, row int64) {
	if o.extent != Numbered {
		o.seen[key] = true
		return
	}
	p := o.rows[row/pageRows]
	if p == nil {
		p = new(page)
		o.rows[row/pageRows] = p
	}
	p[row%pageRows/64] |= 1 << (row % 64)
}

func (o *origin) hasSeen(key, row int64) bool {
	if o.extent != Numbered {
		return o.seen[key]
	}
	p := o.rows[row/pageRows]
	return p != nil && p[row%pageRows/64]&(1<<(row%64)) != 0
}

// covers reports whether a collect speaks for what a source held at a date. Messages as old as the first of an export may
// have been cut off with older ones.
func (o *origin) covers(date int64) bool {
	return o.extent != Span || o.some && o.first < date && date < o.last
}

// isOf is the condition that a message m was put by source ?2, of an export in collect ?3.
func (o *origin) isOf() string {
	if o.extent == Numbered {
		return `m.id BETWEEN (?2 - 1) << 44 AND (?2 << 44) - 1 AND ?3 > 0`
	}
	return `m.chat IN (SELECT id FROM chat WHERE source = ?2) AND m.line >> 24 = ?3`
}

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

// Source opens the source of this name and returns its number. The name must be the same each time that it is collected.
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
	o.seen, o.rows = map[int64]bool{}, map[int64]*page{}
	o.first, o.last = math.MaxInt64, math.MinInt64
	for _, other := range t.sources {
		o.behind = o.behind || other.collected > o.collected
	}
	if extent != Numbered || o.isNew {
		return nil
	}
	if o.collected == 0 && !t.keepGone { // the file was converted: rows that told an event are not known by their number
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

// opened are the numbers of the sources that are collected.
func (t *Tx) openedList() (list []int64) {
	for id, o := range t.sources {
		if o.opened {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

// closeSources notes which sources were collected last.
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
