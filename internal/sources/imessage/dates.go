package imessage

import (
	"fmt"
	"math"
)

const (
	// appleEpoch is 2001-01-01 UTC in seconds since 1970.
	appleEpoch = 978307200
	// Dates above this are nanoseconds. macOS wrote seconds before 10.13, and such rows stay unchanged.
	secondsLimit = 1e15
	second       = 1_000_000_000
)

// unixNanoseconds converts the date of any row to nanoseconds since 1970 UTC. Dates out of range are clamped.
func unixNanoseconds(apple int64) int64 {
	if apple <= secondsLimit && apple >= -secondsLimit {
		const most = math.MaxInt64/int64(second) - appleEpoch
		apple = max(min(apple, most), -most) * second
	}
	return min(apple, math.MaxInt64-appleEpoch*second) + appleEpoch*second
}

// dateOf returns an SQL expression for the date of a row. A row whose date is missing, or before 2001, keeps its place: it
// has the date of its delivery; else that at which it was read, if it is between the dates of the rows around it; else the
// date of the row before it, or after it.
func (s *Source) dateOf() string {
	around := func(order, direction string) string {
		return fmt.Sprintf(`(SELECT CAST(other.date AS INTEGER) FROM message other WHERE other.ROWID %s message.ROWID AND CAST(other.date AS INTEGER) > 0
			ORDER BY other.ROWID %s LIMIT 1)`, order, direction)
	}
	before, after := around("<", "DESC"), around(">", "ASC")
	delivered, read := s.integer("message", "date_delivered"), s.integer("message", "date_read")
	return fmt.Sprintf(`CASE WHEN CAST(message.date AS INTEGER) > 0 THEN CAST(message.date AS INTEGER) WHEN %[1]s > 0 THEN %[1]s
		WHEN %[2]s > 0 AND %[2]s BETWEEN coalesce(%[3]s, %[2]s) AND coalesce(%[4]s, %[2]s) THEN %[2]s
		ELSE coalesce(%[3]s, %[4]s, nullif(%[2]s, 0), 0) END`, delivered, read, before, after)
}

// ownDate returns an SQL expression for the date of a row by itself.
func (s *Source) ownDate() string {
	positive := func(column string) string { return "nullif(max(" + s.integer("message", column) + ", 0), 0)" }
	return fmt.Sprintf("coalesce(%s, %s, %s, 0)", positive("date"), positive("date_delivered"), positive("date_read"))
}

// isUndated returns an SQL expression for whether the date of a row depends on other rows.
func (s *Source) isUndated() string {
	return fmt.Sprintf(`(coalesce(CAST(message.date AS INTEGER), 0) <= 0 AND %s <= 0)`, s.integer("message", "date_delivered"))
}
