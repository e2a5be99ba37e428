package sources

import (
	"context"

	"go.uber.org/zap"

	"ventriloquist/internal/messages"
)

// Source is an open source of messages: Apple's database (imessage.Source), or an Export.
type Source interface {
	// Path is the source, for messages to the user.
	Path() string
	// Unit is what a Summary counts: "rows", "lines".
	Unit() string
	// Fates are those that a unit may have, in the order of a printed summary.
	Fates() []Fate
	// Collect makes the database hold what the source holds, in one transaction. Messages of other sources stay.
	Collect(ctx context.Context, db *messages.DB, o Options) (Summary, error)
	// Close frees what Open took.
	Close() error
}

// Options are the choices of Collect.
type Options struct {
	// KeepGone keeps the messages that the source no longer has.
	KeepGone bool
	// Include are fates whose rows become messages all the same. Exports have none of these.
	Include FateSet
	// Progress, if not nil, is called with the number of units read.
	Progress func(done, total int64)
	// Log, if not nil, records what is read again, and why: never what rows say, nor the names of exports.
	Log *zap.Logger
}

// Logger is Log, or one that logs nothing.
func (o *Options) Logger() *zap.Logger {
	if o.Log == nil {
		return zap.NewNop()
	}
	return o.Log
}

// Summary reports where the rows of a source went: the numbers of Rows add up to Total.
type Summary struct {
	Total int64
	Rows  FateCounts
	// Read is how many of the rows were read this time: those that may have changed since the last.
	Read int64
	// Changed is how many of those differ from the last time; all of them, where all were read.
	Changed int64
	// Damaged are rows whose body cannot be decoded; what could be found of their text counts.
	Damaged RowList
	// Unknown counts the values that this program does not know, each said with its column; the rows are kept as events.
	Unknown map[string]int64
	// Unreadable says what of a damaged file could not be read, and why.
	Unreadable []string
	// Notes say what was decided about the source as a whole.
	Notes []string
	messages.Outcome
}

// RowList counts rows and names the first of them.
type RowList struct {
	Count int64   `json:"count"`
	First []int64 `json:"first"` // row ids
}

// listedRows is how many rows a RowList names.
const listedRows = 20

// ListRows makes a list of rows.
func ListRows(rows []int64) RowList {
	return RowList{Count: int64(len(rows)), First: rows[:min(len(rows), listedRows)]}
}
