package imessage

import (
	"fmt"

	"ventriloquist/internal/messages"
)

// Summary tells where the rows of a source went: the numbers of Rows add up to Total.
type Summary struct {
	Total int64
	Rows  [fates]int64
	// Read is how many of the rows were read this time: those that may have changed since the last.
	Read int64
	// Changed is how many of those tell something else than the last time; all of them, where all were read.
	Changed int64
	// Damaged are rows whose body cannot be decoded; what could be found of their words counts.
	Damaged RowList
	// Unknown counts the values that this program does not know, each said with its column; the rows are kept as events.
	Unknown map[string]int64
	// Unreadable says what of a damaged file could not be read, and why.
	Unreadable []string
	messages.Outcome
}

// RowList counts rows and names the first of them.
type RowList struct {
	Count int64   `json:"count"`
	First []int64 `json:"first"` // row ids
}

// listedRows is how many rows a RowList names.
const listedRows = 20

// setDamaged takes the rows whose body is damaged.
func (s *Summary) setDamaged(rows []int64) {
	s.Damaged = RowList{Count: int64(len(rows)), First: rows[:min(len(rows), listedRows)]}
}

// rows is how many rows were counted.
func (s *Summary) rows() (n int64) {
	for _, rows := range s.Rows {
		n += rows
	}
	return n
}

// settle takes in what the store found out about reactions, and which rows were never reached.
func (s *Summary) settle() {
	s.Rows[Tapback] -= s.LostReactions
	s.Rows[Removal] -= s.LostRemovals
	s.Rows[LostTarget] += s.LostReactions + s.LostRemovals
	if read := s.rows(); len(s.Unreadable) > 0 && read < s.Total {
		s.Rows[Unread] = s.Total - read
	} else {
		s.Total = read
	}
}

func afterRow(row int64) string { return fmt.Sprintf("message, after row %d", row) }
