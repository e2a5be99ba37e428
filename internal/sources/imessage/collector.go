package imessage

import (
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
	"ventriloquist/internal/sources/imessage/typedstream"
)

// collector is one run of Collect.
type collector struct {
	source    *Source
	options   sources.Options
	old       *state // of the last collect; nil if nothing is known of it
	leaves    map[string][]sqlitepages.Leaf
	joins     [len(joinTables)]packedJoins
	suspects  []sqlitepages.Range // the messages of which anything may have changed
	directory *directory
	reader    reader
	number    int64 // of the source in the store
	summary   sources.Summary
	rows      sources.FateCounts // what became of rows by themselves
	damaged   []int64            // rows whose body is damaged
	unknown   map[int64]string   // rows with a value that is not known, and that value
}

// survive takes damage of the file as an end of what is being read, and returns other errors.
func (c *collector) survive(what string, err error) error {
	if !isDamage(err) {
		return err
	}
	c.summary.Unreadable = append(c.summary.Unreadable, what+": "+err.Error())
	return nil
}

func (c *collector) noteUnknown(row int64, value string) {
	if c.unknown == nil {
		c.unknown = make(map[int64]string)
	}
	c.unknown[row] = value
}

// suspect adds rows to those that may have changed.
func (c *collector) suspect(rows []int64) {
	for _, row := range rows {
		c.suspects = append(c.suspects, sqlitepages.Range{First: row, Last: row})
	}
	c.suspects = sqlitepages.Union(c.suspects)
}

// decodedRow is what a row says.
type decodedRow struct {
	messages.Row
	chat    *chat // nil for none
	fate    sources.Fate
	damaged bool   // its body cannot be decoded
	unknown string // a value that this program does not know, with its column
}

// reader turns rows into pieces. It keeps its memory from row to row.
type reader struct {
	decoder typedstream.Decoder
	files   []attachment // of the row
	// What the last row told besides: its edits, and why its body could not be decoded.
	edits   edits
	damaged error
}
