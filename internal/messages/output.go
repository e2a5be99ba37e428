package messages

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
)

// AddOutput records that the file or folder at path was written from the database: what is erased here is to be erased there too.
func (db *DB) AddOutput(ctx context.Context, path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if strings.HasPrefix(absolute, "/dev/") || strings.HasPrefix(absolute, "/proc/") { // /dev/stdout is another file for each process
		if absolute, err = filepath.EvalSymlinks(absolute); err != nil {
			return nil // a pipe
		}
	}
	if info, err := os.Stat(absolute); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil // a pipe or a device holds nothing
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
