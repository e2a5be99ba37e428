package messages

import "strings"

// Extent is how much of a source a collect covers, and how its rows are identified.
type Extent int

const (
	// Whole covers all of a source whose rows are known by their identifiers: a row that is not put is gone.
	Whole Extent = iota
	// Span covers the time between the first message and the last: an export often begins late and ends early.
	Span
	// Numbered is a database whose rows have numbers: Sweep says which rows are gone.
	Numbered
)

// unnamedSource holds what was collected before sources had names. The first database source with a name takes it over.
const unnamedSource = ""

// origin is a source.
type origin struct {
	id        int64
	name      string
	collected int64
	opened    bool // in this collect
	isNew     bool // the file held nothing of it
	hasHashed bool // of a numbered source: the file holds rows by identifier that the source no longer has
	extent    Extent
	seen      map[int64]struct{} // of an export: the keys of rows that were put
	rows      map[int64]*page    // of a numbered source: the rows that were put
	some      bool               // there were messages, from first to last
	first     int64
	last      int64
	behind    bool // another source was collected later
}

// page records which of 4096 consecutive rows were put.
type page [64]uint64

const pageRows = 64 * 64

// see records that a row was put, and reports whether it was put before.
func (o *origin) see(key, row int64) (before bool) {
	if o.extent != Numbered {
		count := len(o.seen)
		o.seen[key] = struct{}{}
		return len(o.seen) == count
	}
	p := o.rows[row/pageRows]
	if p == nil {
		p = new(page)
		o.rows[row/pageRows] = p
	}
	before = o.hasSeen(key, row)
	p[row%pageRows/64] |= 1 << (row % 64)
	return before
}

func (o *origin) hasSeen(key, row int64) bool {
	if o.extent != Numbered {
		_, seen := o.seen[key]
		return seen
	}
	p := o.rows[row/pageRows]
	return p != nil && p[row%pageRows/64]&(1<<(row%64)) != 0
}

// covers reports whether a collect covers a source's rows at a date. Messages as old as the first of an export may have
// been cut off with older ones.
func (o *origin) covers(date int64) bool {
	return o.extent != Span || o.some && o.first < date && date < o.last
}

// program returns the program that a source is of: its name begins with it.
func program(source string) string {
	name, _, _ := strings.Cut(source, " ")
	name, _, _ = strings.Cut(name, "-")
	return name
}

// saysReactions reports whether the program of a source says reactions in words to those who cannot see them.
func saysReactions(source string) bool {
	switch program(source) {
	case "whatsapp", "telegram", "signal", "discord", "meta", "slack":
		return false
	}
	return true
}

// hasTimelessReactions reports whether the program of a source does not say when reactions were made, while another one of the same
// messages does.
func hasTimelessReactions(source string) bool {
	return strings.HasPrefix(source, "imessage-exporter ") || strings.HasPrefix(source, "imazing ")
}

// isOf is the condition that source ?2 put a message m, for an export in collect ?3.
func (o *origin) isOf() string {
	if o.extent == Numbered {
		return `m.id BETWEEN (?2 - 1) << 44 AND (?2 << 44) - 1 AND ?3 > 0`
	}
	return `m.chat IN (SELECT id FROM chat WHERE source = ?2) AND m.line >> 24 = ?3`
}
