package imessage

import (
	"fmt"

	"ventriloquist/internal/sources"
)

// applyOutcome takes what the database found out about reactions into the summary, and counts the rows that were never reached.
func applyOutcome(s *sources.Summary) {
	s.Rows[sources.Reactions] -= s.LostReactions
	s.Rows[sources.Removals] -= s.LostRemovals
	s.Rows[sources.LostTarget] += s.LostReactions + s.LostRemovals
	if read := s.Rows.Sum(); len(s.Unreadable) > 0 && read < s.Total {
		s.Rows[sources.Unread] = s.Total - read
	} else {
		s.Total = read
	}
}

func afterRow(row int64) string { return fmt.Sprintf("message, after row %d", row) }
