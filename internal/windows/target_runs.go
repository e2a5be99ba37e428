package windows

import (
	"context"
	"database/sql"
)

// targetRun is a range of consecutive messages that may all be targets.
type targetRun struct{ first, last int64 }

// addTarget adds the next message that may be a target.
func (b *builder) addTarget(id int64) {
	if n := len(b.runs); n > 0 && b.runs[n-1].last == id-1 {
		b.runs[n-1].last = id
		return
	}
	b.runs = append(b.runs, targetRun{id, id})
}

// insertRun inserts the windows of a run: each has stride targets, the last one those that remain.
const insertRun = `INSERT INTO training_windows (conversation, first, last, targets)
	WITH RECURSIVE w(target, last) AS (
		SELECT :first, min(:first + :stride - 1, :end)
		UNION ALL SELECT last + 1, min(last + :stride, :end) FROM w WHERE last < :end)
	SELECT :conversation, max(:conversation_first, last - :window + 1), last, last - target + 1 FROM w`

// insertWindows inserts the windows of the current conversation, whose first message has id first.
func (b *builder) insertWindows(ctx context.Context, first int64) error {
	for _, r := range b.runs {
		_, err := b.windows.ExecContext(ctx, sql.Named("conversation", b.summary.Conversations), sql.Named("conversation_first", first),
			sql.Named("first", r.first), sql.Named("end", r.last), sql.Named("stride", b.options.Stride), sql.Named("window", b.options.Window))
		if err != nil {
			return err
		}
	}
	return nil
}
