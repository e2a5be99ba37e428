package messages

import (
	"fmt"
	"slices"
)

// sourceTables tell where messages come from. An origin is a set of sources: a message that two of them hold is one
// message, and stays until neither does.
const sourceTables = `
CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE origin (id INTEGER NOT NULL, source INTEGER NOT NULL, PRIMARY KEY (id, source)) WITHOUT ROWID;
INSERT INTO source VALUES (1, '');
INSERT INTO origin VALUES (1, 1);
ALTER TABLE message ADD COLUMN origin INTEGER NOT NULL DEFAULT 1;
ALTER TABLE removal ADD COLUMN origin INTEGER NOT NULL DEFAULT 1;
ALTER TABLE handle ADD COLUMN name TEXT; -- what a source calls the person, where it is not the address
`

// unnamedSource is what was collected before sources had names, and what entries without a source come from: a single
// database. The next that has a name takes it over.
const unnamedSource = ""

// Extent is how much of a source a collection reads.
type Extent int

const (
	// Whole is all of it: a row that is not there is gone.
	Whole Extent = iota
	// Span is what lies between its first message and its last: an export often begins late and ends early.
	Span
)

// sources are those that the store knows, and the sets of them.
type sources struct {
	names   []string         // by id; 0 is none
	ids     map[string]int64 // by name
	origins [][]int64        // sets of sources by id, each sorted; 0 is none
	numbers map[string]int64 // of origins
	open    map[int64]*reach // of the sources that are collected now
}

// reach is how much of a source the entries cover.
type reach struct {
	extent      Extent
	some        bool
	first, last int64
	origin      int64 // of the source alone
}

// Source returns the number of the source of this name, whose entries follow. The name must be the same each time that
// the source is collected.
func (w *Writer) Source(name string, extent Extent) int64 {
	s := &w.sources
	id, known := s.ids[name]
	if !known && extent == Whole {
		if id, known = s.ids[unnamedSource]; known {
			delete(s.ids, unnamedSource)
			s.names[id], s.ids[name] = name, id
		}
	}
	if !known {
		id = int64(len(s.names))
		s.names, s.ids[name] = append(s.names, name), id
	}
	s.begin(id, extent)
	return id
}

func (s *sources) begin(id int64, extent Extent) {
	if s.open[id] == nil {
		s.open[id] = &reach{extent: extent, origin: s.origin([]int64{id})}
	}
}

// origin returns the number of a set of sources, which is sorted.
func (s *sources) origin(set []int64) int64 {
	key := fmt.Sprint(set)
	number, known := s.numbers[key]
	if !known {
		number = int64(len(s.origins))
		s.origins = append(s.origins, set)
		s.numbers[key] = number
	}
	return number
}

// originOf returns the origin of a new entry.
func (w *Writer) originOf(e *Entry) (int64, error) {
	id := e.Source
	if id == 0 {
		id = w.Source(unnamedSource, Whole)
	}
	r := w.sources.open[id]
	if r == nil {
		return 0, fmt.Errorf("source %d is not among those that are collected", id)
	}
	if !r.some {
		r.some, r.first, r.last = true, e.Date, e.Date
	}
	r.first, r.last = min(r.first, e.Date), max(r.last, e.Date)
	return r.origin, nil
}

// covers tells whether the entries speak for what a source held at a date. What is as old as the first message of an
// export may have been cut off with what is older.
func (r *reach) covers(date int64) bool {
	return r.extent == Whole || r.some && r.first < date && date < r.last
}

// left returns who of an origin may still have a row that is not among the entries.
func (s *sources) left(origin, date int64) (set []int64) {
	for _, source := range s.origins[origin] {
		if r := s.open[source]; r == nil || !r.covers(date) {
			set = append(set, source)
		}
	}
	return set
}

// joined is the origin of what two origins hold.
func (s *sources) joined(a, b int64) int64 {
	set := slices.Concat(s.origins[a], s.origins[b])
	slices.Sort(set)
	return s.origin(slices.Compact(set))
}

// readSources reads what the store knows of sources.
func (w *Writer) readSources() error {
	w.sources = sources{names: []string{""}, ids: map[string]int64{}, origins: [][]int64{nil}, numbers: map[string]int64{}, open: map[int64]*reach{}}
	s := &w.sources
	// A source that holds nothing has no origin, or is gone and leaves a gap.
	rows, err := w.tx.QueryContext(w.ctx, `SELECT s.id, s.name, coalesce(o.id, 0) FROM source s LEFT JOIN origin o ON s.id = o.source ORDER BY o.id, s.id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var source, origin int
		var name string
		if err := rows.Scan(&source, &name, &origin); err != nil {
			return err
		}
		for source >= len(s.names) {
			s.names = append(s.names, "")
		}
		s.names[source], s.ids[name] = name, int64(source)
		for origin >= len(s.origins) {
			s.origins = append(s.origins, nil)
		}
		if origin > 0 {
			s.origins[origin] = append(s.origins[origin], int64(source))
		}
	}
	for number, set := range s.origins {
		if set != nil {
			s.numbers[fmt.Sprint(set)] = int64(number)
		}
	}
	return rows.Err()
}

// writeSources writes the sources that were collected, and those that hold something still.
func (w *Writer) writeSources() error {
	if _, err := w.tx.ExecContext(w.ctx, `DELETE FROM source; DELETE FROM origin`); err != nil {
		return err
	}
	s := &w.sources
	for id, name := range s.names {
		if id == 0 || s.ids[name] != int64(id) {
			continue
		}
		if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO source VALUES (?, ?)`, id, name); err != nil {
			return err
		}
	}
	for number, set := range s.origins {
		for _, source := range set {
			if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO origin VALUES (?, ?)`, number, source); err != nil {
				return err
			}
		}
	}
	return nil
}

// count is how many sources the store knows.
func (s *sources) count() (n int) {
	for id, name := range s.names {
		if id > 0 && s.ids[name] == int64(id) {
			n++
		}
	}
	return n
}
