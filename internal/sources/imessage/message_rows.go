package imessage

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"math"
	"sort"

	"github.com/mattn/go-sqlite3"

	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// messageRows reads rows of message with their attachments. Where the file is damaged, it goes on behind the rows that the
// damage holds, as sqlite3's .recover does.
type messageRows struct {
	source *Source
	conn   *sqlite3.SQLiteConn
	leaves func() []sqlitepages.Leaf // of message; nil if they are not known
	find   finder
	visit  func(r *row, find finder) error
	skip   func(damage)    // the rows are not read
	doubt  func(row int64) // the row was read, without the rows that it depends on
}

// eachMessage calls visit for the rows of message in the given ranges, with their attachments, in order of row ID. find
// returns the row with an identifier, or 0 if there is none. It calls skip for the rows that damage
// hides, and doubt for rows that may read differently without damage.
func (s *Source) eachMessage(ctx context.Context, ranges []sqlitepages.Range, leaves func() []sqlitepages.Leaf, visit func(r *row, find finder) error, skip func(damage), doubt func(row int64)) error {
	return s.conn.Raw(func(connection any) error {
		m := messageRows{source: s, conn: connection.(*sqlite3.SQLiteConn), leaves: leaves, visit: visit, skip: skip, doubt: doubt}
		find, stop, err := s.finder(m.conn)
		if err != nil {
			return err
		}
		defer stop()
		m.find = find
		for _, r := range ranges {
			if err := m.each(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// each visits the rows of a range.
func (m *messageRows) each(ctx context.Context, r sqlitepages.Range) error {
	query := m.source.selectRows(false)
	for r.First = max(r.First, 0); r.First <= r.Last; {
		err := m.eachIn(ctx, query, r, func(row *row) error {
			if err := m.visit(row, m.find); err != nil {
				return err
			}
			r.First = row.id + 1
			return nil
		})
		if !isDamage(err) {
			return err
		}
		if r.First, err = m.pass(ctx, r, err); err != nil {
			return err
		}
	}
	return nil
}

// pass passes the damage at the beginning of a range, and returns the row to go on from. A row may be damaged by itself: its
// content may be on pages of its own, and its date or its copies may depend on other rows.
func (m *messageRows) pass(ctx context.Context, r sqlitepages.Range, cause error) (next int64, err error) {
	id, found, err := m.first(r)
	if isDamage(err) {
		d := damage{sqlitepages.Range{First: r.First, Last: m.pageEnd(r)}, cause}
		m.skip(d)
		return d.Last + 1, nil
	}
	if err != nil || !found {
		return r.Last + 1, err
	}
	find := func(guid string) (int64, error) {
		found, err := m.find(guid)
		if isDamage(err) {
			return 0, nil
		}
		return found, err
	}
	only := sqlitepages.Range{First: id, Last: id}
	err = m.eachIn(ctx, m.source.selectRows(true), only, func(r *row) error { return m.visit(r, find) })
	switch {
	case err == nil:
		m.doubt(id)
	case isDamage(err):
		m.skip(damage{only, cause})
		err = nil
	}
	return id + 1, err
}

// first returns the first row of a range.
func (m *messageRows) first(r sqlitepages.Range) (row int64, found bool, err error) {
	rows, err := m.conn.Query("SELECT ROWID FROM message WHERE ROWID BETWEEN ? AND ? ORDER BY ROWID LIMIT 1", []driver.Value{r.First, r.Last})
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	v := make(record, 1)
	if err := rows.Next(v); errors.Is(err, io.EOF) {
		return 0, false, nil
	} else if err != nil {
		return 0, false, err
	}
	return v.int(0), true, nil
}

// pageEnd returns the last row of a damaged page that begins a range.
func (m *messageRows) pageEnd(r sqlitepages.Range) int64 {
	leaves := m.leaves()
	at := sort.Search(len(leaves), func(i int) bool { return leaves[i].Last >= r.First })
	if at < len(leaves) && leaves[at].Last < math.MaxInt64 {
		return min(leaves[at].Last, r.Last)
	}
	return m.searchEnd(r)
}

// searchEnd is pageEnd where the pages are not known. It tries rows at growing distances, then halves the last one.
func (m *messageRows) searchEnd(r sqlitepages.Range) int64 {
	isReadable := func(from int64) bool {
		_, _, err := m.first(sqlitepages.Range{First: from, Last: r.Last})
		return err == nil
	}
	bad, step := r.First, int64(1)
	for step <= r.Last-r.First && !isReadable(r.First+step) {
		bad, step = r.First+step, 2*step
	}
	good := min(r.First+step, r.Last+1)
	for good-bad > 1 {
		if middle := bad + (good-bad)/2; isReadable(middle) {
			good = middle
		} else {
			bad = middle
		}
	}
	return good - 1
}

// eachIn visits the rows of a range by one query for the rows and one for their attachments.
func (m *messageRows) eachIn(ctx context.Context, query string, r sqlitepages.Range, visit func(*row) error) error {
	cursor := newAttachmentCursor(m.conn, m.source.selectAttachments(), r)
	defer cursor.close()
	rows, err := m.conn.Query(query+" WHERE ROWID BETWEEN ? AND ? ORDER BY ROWID", []driver.Value{r.First, r.Last})
	if err != nil {
		return err
	}
	defer rows.Close()
	return eachRow(ctx, rows, func(v record) error {
		r := scanRow(v)
		r.files = cursor.of(r.id)
		r.filesError = cursor.err
		return visit(&r)
	})
}
