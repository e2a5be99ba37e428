package imessage

import (
	"fmt"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// settledRows returns the fates of the rows, including what the store found out about reactions.
func settledRows(rows sources.FateCounts, o *messages.Outcome) sources.FateCounts {
	rows[sources.Reactions] -= o.LostReactions
	rows[sources.Removals] -= o.LostRemovals
	rows[sources.LostTarget] += o.LostReactions + o.LostRemovals
	return rows
}

// settle completes the summary after the store is done, including the rows that were never reached.
func (c *collector) settle() {
	s := &c.summary
	s.Rows = settledRows(c.rows, &s.Outcome)
	if counted := s.Rows.Sum(); len(s.Unreadable) > 0 && counted < s.Total {
		s.Rows[sources.Unread] = s.Total - counted
	} else {
		s.Total = counted
	}
	if c.future > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d rows have a date in the future; they keep their place among the others", c.future))
	}
	if len(s.Unreadable) > 0 {
		s.Repair = "repair a copy of it with sqlite3's .recover and collect that"
	}
	s.Damaged = sources.ListRows(c.damaged)
	s.Unknown = countUnknown(c.unknown)
	if s.Changed += s.Moved; c.old == nil {
		s.Read, s.Changed = s.Total, s.Total
	}
}
