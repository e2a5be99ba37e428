package windows

import (
	"context"
	"fmt"

	"ventriloquist/internal/messages"
)

// Count is how many windows a database holds.
func Count(ctx context.Context, db *messages.DB) (n int, err error) {
	const count = `SELECT coalesce(sum((last - first + stride) / stride), 0) FROM training_run`
	if err := db.SQL().QueryRowContext(ctx, count).Scan(&n); err != nil {
		return 0, fmt.Errorf("cannot count the windows of %s: %w", db.Path(), err)
	}
	return n, nil
}
