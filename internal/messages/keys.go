package messages

import (
	"crypto/sha256"
	"encoding/binary"
)

// The ids of the messages of a row are its key plus 0, 1, … in the order of the body. A row that its source numbers has a
// key made of the source and that number, so that rows lie in the file as they lie in their source. A row of an export has
// one made of its identifier; so has a numbered row that is kept though its source no longer has it.
const (
	partBits   = 8
	rowBits    = 36
	sourceBits = 62 - rowBits - partBits

	// MostParts is how many messages a row can be.
	MostParts = 1 << partBits
	// LastRow is the last number that a row can have; the first is 0.
	LastRow = 1<<rowBits - 1
	// maxSources is how many sources a file can hold.
	maxSources = 1 << sourceBits

	isHashed = 1 << 62
)

// rowKey is the key of a numbered row.
func rowKey(source, row int64) int64 { return (source-1)<<(rowBits+partBits) | row<<partBits }

// guidKey is the key of a row that is known by its identifier: 54 bits of a hash.
func guidKey(source int64, guid string) int64 {
	sum := sha256.Sum256(binary.AppendVarint([]byte(guid), source))
	return isHashed | int64(binary.BigEndian.Uint64(sum[:])>>10<<partBits)
}

// keyOf is the key of the row that a message belongs to.
func keyOf(id int64) int64 { return id &^ (MostParts - 1) }

// lastID is the last id of the messages of a row.
func lastID(key int64) int64 { return key | (MostParts - 1) }

// A line of an export is stored with the collect that read it last: lineBits for the line, which may be negative.
const (
	lineBits = 24
	lineMask = 1<<lineBits - 1
	lineZero = 1 << (lineBits - 1)
)

// lineOf is the value of message.line.
func lineOf(collect, line int64) int64 { return collect<<lineBits | (line+lineZero)&lineMask }

// rowOf breaks ties of date: the number of the row in its source, or the line of an export.
func rowOf(id int64, line *int64) int64 {
	if line != nil {
		return *line&lineMask - lineZero
	}
	return id >> partBits & LastRow
}
