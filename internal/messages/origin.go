package messages

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
