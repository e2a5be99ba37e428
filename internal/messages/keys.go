package messages

import (
	"crypto/sha256"
	"encoding/binary"
)

// The ids of a row's messages are its key plus 0, 1, … in body order. The key of a row with a number in its source is made
// of the source and that number, so rows are stored in the order of their source. The key of an export's row is made of
// its identifier, and so is the key of a numbered row that is kept after its source lost it.
const (
	partBits   = 8
	rowBits    = 36
	sourceBits = 62 - rowBits - partBits

	// MostParts is the maximum number of messages in a row.
	MostParts = 1 << partBits
	// LastRow is the highest number a row can have; the lowest is 0.
	LastRow = 1<<rowBits - 1
	// maxSources is the maximum number of sources in a file.
	maxSources = 1 << sourceBits

	isHashed = 1 << 62
)

// rowKey returns the key of a numbered row.
func rowKey(source, row int64) int64 { return (source-1)<<(rowBits+partBits) | row<<partBits }

// guidKey returns the key of a row that is known by its identifier: 54 bits of a hash.
func guidKey(source int64, guid string) int64 {
	sum := sha256.Sum256(binary.AppendVarint([]byte(guid), source))
	return isHashed | int64(binary.BigEndian.Uint64(sum[:])>>10<<partBits)
}

// keyOf returns the key of the row that a message belongs to.
func keyOf(id int64) int64 { return id &^ (MostParts - 1) }

// lastID returns the highest id of a row's messages.
func lastID(key int64) int64 { return key | (MostParts - 1) }

// A line of an export is stored with the latest collect that read it: lineBits for the line, which may be negative.
const (
	lineBits = 24
	lineMask = 1<<lineBits - 1
	lineZero = 1 << (lineBits - 1)
)

// lineOf returns the value of message.line.
func lineOf(collect, line int64) int64 { return collect<<lineBits | (line+lineZero)&lineMask }

// rowOf breaks ties of date: the number of the row in its source, or the line of an export.
func rowOf(id int64, line *int64) int64 {
	if line != nil {
		return *line&lineMask - lineZero
	}
	return id >> partBits & LastRow
}
