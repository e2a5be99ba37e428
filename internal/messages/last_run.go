package messages

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"
)

// A LastRun is the last run of a command on the database.
type LastRun struct {
	Flags []string
	At    time.Time // zero if the flags are those of the next run
}

// LastRuns returns the recorded runs by command.
func (db *DB) LastRuns(ctx context.Context) (map[string]LastRun, error) {
	runs := map[string]LastRun{}
	err := db.each(ctx, `SELECT command, flags, at FROM last_run`, func(rows *sql.Rows) error {
		var command, flags string
		var at int64
		var run LastRun
		if err := rows.Scan(&command, &flags, &at); err != nil {
			return err
		}
		if at > 0 {
			run.At = time.Unix(at, 0)
		}
		runs[command] = run
		if json.Unmarshal([]byte(flags), &run.Flags) == nil {
			runs[command] = run
		}
		return nil
	})
	return runs, err
}

// SetLastRun records a run of a command.
func (db *DB) SetLastRun(ctx context.Context, command string, run LastRun) error {
	flags, err := json.Marshal(run.Flags)
	if err != nil {
		return err
	}
	at := int64(0)
	if !run.At.IsZero() {
		at = run.At.Unix()
	}
	err = retryBusy(ctx, func() error {
		_, err := db.sql.ExecContext(ctx, `INSERT OR REPLACE INTO last_run VALUES (?, ?, ?)`, command, string(flags), at)
		return err
	})
	if err != nil {
		return explain(db.path, err)
	}
	return nil
}

// ForgetLastRuns removes the recorded runs, whose flags may name people.
func (db *DB) ForgetLastRuns(ctx context.Context) error {
	err := retryBusy(ctx, func() error {
		_, err := db.sql.ExecContext(ctx, `DELETE FROM last_run`)
		return err
	})
	if err != nil {
		return explain(db.path, err)
	}
	return nil
}
