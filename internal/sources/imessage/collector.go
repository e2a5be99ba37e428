package imessage

import (
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
	"ventriloquist/internal/sources/imessage/typedstream"
)

// collector holds the data of one run of Collect.
type collector struct {
	source      *Source
	options     sources.Options
	old         *state                        // from the last collect; nil if there is none
	leaves      map[string][]sqlitepages.Leaf // of the surveyed tables; nil if surveyError says why not
	surveyError error
	joins       [len(joinTables)]packedJoins
	suspects    []sqlitepages.Range // the messages that may have changed
	// What could not be read because of damage: rows of surveyed tables, the membership of chats, and rows that other
	// options or rules concern.
	unread     map[string][]sqlitepages.Range
	unsettled  map[int64]bool
	missedRows bool
	hidden     []damage                             // rows of message that damage hides
	fileless   []int64                              // rows whose attachments could not be read
	doubtful   []int64                              // rows that were read without the rows that they depend on
	fileDamage error                                // why
	survey     func() map[string][]sqlitepages.Leaf // waits for leaves
	directory  *directory
	reader     reader
	number     int64 // number of the source in the store
	summary    sources.Summary
	rows       sources.FateCounts // fates of the rows before reactions are matched
	damaged    []int64            // rows whose body is damaged
	unknown    map[int64]string   // rows with an unknown value, and that value
	undated    []int64            // rows that depend on other rows
	future     int64              // rows whose date is in the future
}

// messageLeaves returns the leaves of message, nil if they are not known.
func (c *collector) messageLeaves() []sqlitepages.Leaf { return c.survey()["message"] }

// survive treats damage in the file as the end of the current read and returns any other error.
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

// suspect adds rows to the ones that may have changed.
func (c *collector) suspect(rows []int64) {
	for _, row := range rows {
		c.suspects = append(c.suspects, sqlitepages.Range{First: row, Last: row})
	}
	c.suspects = sqlitepages.Union(c.suspects)
}

// placedRow is a row and what it belongs to.
type placedRow struct {
	row
	chat      *chat        // nil for none
	fate      sources.Fate // as far as the columns tell
	targetRow int64        // the row that it answers, 0 if there is none
}

// decodedRow is the decoded content of a row.
type decodedRow struct {
	messages.Row
	chat    *chat // nil for none
	fate    sources.Fate
	damaged bool   // its body cannot be decoded
	undated bool   // its date, or something else, depends on other rows
	future  bool   // its date is in the future
	unknown string // a value that this program does not know, with its column name
}

// reader turns rows into parts. It reuses its memory from row to row.
type reader struct {
	decoder typedstream.Decoder
	files   []attachment // of the row
	// What else the last row contained: its edits, and why its body could not be decoded.
	edits   edits
	damaged error
}
