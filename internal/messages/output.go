package messages

import (
	"context"
	"database/sql"
	"path/filepath"
)

// AddOutput records that the file or folder at path was written from the database: what is erased here is to be erased there too.
func (db *DB) AddOutput(ctx context.Context, path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	err = retryBusy(ctx, func() error {
		_, err := db.sql.ExecContext(ctx, `INSERT OR IGNORE INTO output VALUES (?)`, absolute)
		return err
	})
	if err != nil {
		return explain(db.path, err)
	}
	return nil
}

// RemoveOutput drops the record of a file that was deleted.
func (db *DB) RemoveOutput(ctx context.Context, path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	err = retryBusy(ctx, func() error {
		_, err := db.sql.ExecContext(ctx, `DELETE FROM output WHERE path = ?`, absolute)
		return err
	})
	if err != nil {
		return explain(db.path, err)
	}
	return nil
}

// Outputs returns the absolute paths of the files and folders that AddOutput recorded, whether they still exist or not.
func (db *DB) Outputs(ctx context.Context) (paths []string, err error) {
	err = db.each(ctx, `SELECT path FROM output ORDER BY path`, func(rows *sql.Rows) error {
		var path string
		err := rows.Scan(&path)
		paths = append(paths, path)
		return err
	})
	return paths, err
}
