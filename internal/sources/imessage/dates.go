package imessage

import (
	"fmt"
	"math"
	"time"
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

// clocksAhead is how far the clocks of other devices may be ahead.
const clocksAhead = 24 * time.Hour

// isDate returns an SQL expression for whether an integer can be the date of a row: it is after 2001, and not in the future.
func isDate(date string) string {
	latest := time.Now().Add(clocksAhead).Unix() - appleEpoch
	return fmt.Sprintf("(%[1]s BETWEEN 1 AND iif(%[1]s > %d, %d, %d))", date, int64(secondsLimit), latest*second, latest)
}

// quickly returns an SQL expression that is usual for rows whose date is an ordinary one, and else otherwise.
func (s *Source) quickly(otherwise, usual string) string {
	latest := time.Now().Unix() - appleEpoch
	return fmt.Sprintf("CASE WHEN message.date BETWEEN %d AND %d THEN %s ELSE %s END", int64(secondsLimit)+1, latest*second, usual, otherwise)
}

// dateOf returns an SQL expression for the date of a row. A row whose date cannot be keeps its place: it has the date of its
// delivery; else that at which it was read, if it is between the dates of the rows around it; else the date of the row
// before it, or after it.
func (s *Source) dateOf() string {
	around := func(order, direction string) string {
		return fmt.Sprintf(`(SELECT CAST(other.date AS INTEGER) FROM message other WHERE other.ROWID %s message.ROWID AND %s
			ORDER BY other.ROWID %s LIMIT 1)`, order, isDate("CAST(other.date AS INTEGER)"), direction)
	}
	before, after := around("<", "DESC"), around(">", "ASC")
	delivered, read := s.integer("message", "date_delivered"), s.integer("message", "date_read")
	return fmt.Sprintf(`CASE WHEN %[1]s THEN CAST(message.date AS INTEGER) WHEN %[2]s THEN %[3]s
		WHEN %[4]s AND %[5]s BETWEEN coalesce(%[6]s, %[5]s) AND coalesce(%[7]s, %[5]s) THEN %[5]s
		ELSE coalesce(%[6]s, %[7]s, iif(%[4]s, %[5]s, 0)) END`, s.isDated(), isDate(delivered), delivered, isDate(read), read, before, after)
}

// isDated returns an SQL expression for whether the date of a row stands. A message that is to be sent later has a later date.
func (s *Source) isDated() string {
	date := s.integer("message", "date")
	return fmt.Sprintf("(%s OR %s > 0 AND %s <> 0)", isDate(date), date, s.integer("message", "schedule_type"))
}

// ownDate returns an SQL expression for the date of a row by itself.
func (s *Source) ownDate() string {
	date, delivered, read := s.integer("message", "date"), s.integer("message", "date_delivered"), s.integer("message", "date_read")
	return fmt.Sprintf("CASE WHEN %s THEN %s WHEN %s THEN %s WHEN %s THEN %s ELSE 0 END", s.isDated(), date, isDate(delivered), delivered, isDate(read), read)
}

// isUndated returns an SQL expression for whether the date of a row depends on other rows.
func (s *Source) isUndated() string {
	return fmt.Sprintf("(NOT %s AND NOT %s)", s.isDated(), isDate(s.integer("message", "date_delivered")))
}

// isFuture returns an SQL expression for whether the date of a row is in the future.
func (s *Source) isFuture() string {
	return fmt.Sprintf("(NOT %s AND %s > 0)", s.isDated(), s.integer("message", "date"))
}
