package messages

import (
	"database/sql"
	"encoding/binary"
)

// record is a row of the table message with its attachment.
type record struct {
	id, chat, date, sender, kind, state, part int64
	guid, text                                string
	target, targetPart, quote, line           sql.NullInt64

	attachment, transcript, path string
	root                         int64
}

func optional(n int64) sql.NullInt64 { return sql.NullInt64{Int64: n, Valid: true} }

// value returns what the driver takes for an optional number, without the detour through a Valuer.
func value(n sql.NullInt64) any {
	if !n.Valid {
		return nil
	}
	return n.Int64
}

func (e *record) lineOrNil() *int64 {
	if e.line.Valid {
		return &e.line.Int64
	}
	return nil
}

// sameRecords compares the fields that come from sources.
func sameRecords(old, new []record) bool {
	if len(old) != len(new) {
		return false
	}
	for i := range old {
		a, b := old[i], new[i]
		for _, e := range []*record{&a, &b} {
			e.state &^= derived
			e.quote = sql.NullInt64{}
			e.line.Int64 = 0
		}
		if a != b {
			return false
		}
	}
	return true
}

// sumOf hashes an identifier to 64 bits.
func sumOf(guid string) uint64 {
	const prime = 0x9E3779B97F4A7C15
	sum := uint64(len(guid))
	for b := []byte(guid); len(b) > 0; {
		var word [8]byte
		b = b[copy(word[:], b):]
		sum = (sum ^ binary.LittleEndian.Uint64(word[:])) * prime
		sum ^= sum >> 32
	}
	return sum
}

// ahead holds records that were read before they are asked for: rows are put in order, and a query for each would take
// half of the time.
type ahead struct {
	rows map[int64][]record // by key; complete from the key from to the key upTo
	from int64
	upTo int64
	last int64 // the key that was asked for last
}

const (
	rowsAhead = 8 // of the size of rows that change together: those of a page of the source
	// farAhead is the distance between two rows that are put after each other from which on the rows in between are not read.
	farAhead = 4
)

// forget makes all records be read again, after a statement that changed rows other than the current one.
func (a *ahead) forget() { *a = ahead{last: a.last} }
