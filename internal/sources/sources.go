package sources

import (
	"context"

	"go.uber.org/zap"

	"ventriloquist/internal/messages"
)

// Source is an open source of messages: Apple's database (imessage.Source), or an Export.
type Source interface {
	// Path is the source's path, for messages to the user.
	Path() string
	// Unit is what a Summary counts: "rows", "lines".
	Unit() string
	// Fates are the possible fates of a unit, in the order of a printed summary.
	Fates() []Fate
	// Collect makes the database hold what the source holds, in one transaction. Messages of other sources stay.
	Collect(ctx context.Context, db *messages.DB, o Options) (Summary, error)
	// Close frees the resources that Open took.
	Close() error
}

// Options are the options of Collect.
type Options struct {
	// KeepGone keeps the messages that the source no longer has.
	KeepGone bool
	// Include lists fates whose rows become messages anyway. Exports have none of these.
	Include FateSet
	// Progress, if not nil, is called with the number of units read.
	Progress func(done, total int64)
	// Log, if not nil, records what is read again and why. It never records the content of rows or the names of exports.
	Log *zap.Logger
}

// Logger returns Log, or a logger that discards everything.
func (o *Options) Logger() *zap.Logger {
	if o.Log == nil {
		return zap.NewNop()
	}
	return o.Log
}

// Summary reports what became of the rows of a source: the counts in Rows add up to Total.
type Summary struct {
	Total int64
	Rows  FateCounts
	// Read is how many rows this collect read: the ones that may have changed since the last.
	Read int64
	// Changed is how many of them differ from the last time, or all of them if all were read.
	Changed int64
	// Damaged lists rows whose body cannot be decoded. Text recovered from them counts.
	Damaged RowList
	// Unknown counts the values that this program does not know, each with its column. Their rows are kept as events.
	Unknown map[string]int64
	// Unreadable says which parts of a damaged file could not be read, and why.
	Unreadable []string
	// Repair says how to repair such a file; empty where nothing can be done.
	Repair string
	// Notes are decisions about the source as a whole.
	Notes []string
	messages.Outcome
}

// RowList counts rows and names the first of them.
type RowList struct {
	Count int64   `json:"count"`
	First []int64 `json:"first"` // row ids
}

// listedRows is the maximum number of rows that a RowList names.
const listedRows = 20

// ListRows returns the list of rows.
func ListRows(rows []int64) RowList {
	return RowList{Count: int64(len(rows)), First: rows[:min(len(rows), listedRows)]}
}
