package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"slices"
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
	sums   []uint64
	sorted bool
}

// newPresence returns an empty set, or nil if the store holds nothing that could be gone.
func newPresence(ctx context.Context, tx *sql.Tx) (*presence, error) {
	var some bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM message)`).Scan(&some)
	if err != nil || !some {
		return nil, err
	}
	return new(presence), nil
}

func (p *presence) add(guid string) { p.sums, p.sorted = append(p.sums, sumOf(guid)), false }

// has tells whether a row is in the set.
func (p *presence) has(guid string) bool {
	if !p.sorted {
		slices.Sort(p.sums)
		p.sorted = true
	}
	_, found := slices.BinarySearch(p.sums, sumOf(guid))
	return found
}
