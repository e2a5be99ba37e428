package messages

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
)

// sumOf sums an identifier up in 64 bits, never 0, the same in every run.
func sumOf(guid string) uint64 {
	const prime = 0x9E3779B97F4A7C15
	sum := uint64(len(guid))
	for b := []byte(guid); len(b) > 0; {
		var word [8]byte
		b = b[copy(word[:], b):]
		sum = (sum ^ binary.LittleEndian.Uint64(word[:])) * prime
		sum ^= sum >> 32
	}
	return max(sum, 1)
}

// presence is the set of rows that a source still has.
type presence struct {
	scratch *scratch
	sums    *sorter[uint64]
	held    map[string]*bits // which rows of these tables of the store are in the set, by their order
}

// known is a row of a table of the store.
type known struct {
	sum   uint64
	place uint32
}

// newPresence returns an empty set, or nil if the store holds nothing that could be gone.
func newPresence(ctx context.Context, tx *sql.Tx, s *scratch) (*presence, error) {
	var some bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM message)`).Scan(&some)
	if err != nil || !some {
		return nil, err
	}
	return &presence{scratch: s, sums: newSorter(s, cmp.Compare[uint64]), held: map[string]*bits{}}, nil
}

func (p *presence) add(guid string) error { return p.sums.add(sumOf(guid)) }

// compare finds out which rows of a table are in the set. Identifiers come in no order, so that those of both are sorted:
// looked up one by one, all would have to be in memory.
func (p *presence) compare(ctx context.Context, tx *sql.Tx, table string) error {
	sums := newSorter(p.scratch, func(a, b known) int { return cmp.Or(cmp.Compare(a.sum, b.sum), cmp.Compare(a.place, b.place)) })
	rows, err := tx.QueryContext(ctx, `SELECT guid FROM `+table+` ORDER BY id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for place := uint32(0); rows.Next(); place++ {
		var stored any
		if err := rows.Scan(&stored); err != nil {
			return err
		}
		guid, err := unpackGUID(stored)
		if err == nil {
			err = sums.add(known{sumOf(guid), place})
		}
		if err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	p.held[table] = new(bits)
	return p.merge(sums, p.held[table])
}

func (p *presence) merge(rows *sorter[known], in *bits) error {
	present, err := p.sums.sorted()
	if err != nil {
		return err
	}
	stored, err := rows.sorted()
	if err != nil {
		return err
	}
	sum, some, err := present.next()
	for err == nil {
		k, left, failure := stored.next()
		if failure != nil || !left {
			return failure
		}
		for some && err == nil && sum < k.sum {
			sum, some, err = present.next()
		}
		if some && sum == k.sum {
			in.set(k.place)
		}
	}
	return err
}

// has tells whether the row of a table that is in this place is in the set.
func (p *presence) has(table string, place uint32) bool { return p.held[table].has(place) }
