// Package sqlitefile opens SQLite databases of other programs, which it never changes, nor leaves files beside them.
//
// In: the path of a database. Out: a connection that only reads. It must not know what the database holds.
package sqlitefile

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3" // the driver

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/scratch"
)

var magic = []byte("SQLite format 3\x00")

// IsDatabase reports whether a file with this beginning is a database.
func IsDatabase(head []byte) bool { return bytes.HasPrefix(head, magic) }

// File is an open database.
type File struct {
	*sql.DB
	copied *scratch.Dir
}

// Open opens the database at path. One with changes in a -wal file is copied into a temporary folder in temp, because reading it in
// place would change it.
func Open(ctx context.Context, path, temp string) (*File, error) {
	f := &File{}
	in, err := regularfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	in.Close()
	mode := inPlace
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		mode = "mode=rw"
		if path, err = f.copy(ctx, path, temp); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, f.connect(ctx, path, mode)
}

// OpenCopy opens a copy without a -wal file in a temporary folder, which Close removes.
func OpenCopy(ctx context.Context, path string, folder *scratch.Dir) (*File, error) {
	f := &File{copied: folder}
	return f, f.connect(ctx, path, inPlace)
}

// inPlace is the mode of a database beside which no files may appear.
const inPlace = "mode=ro&immutable=1"

// connect connects to the database at path; if it cannot, it closes the file.
func (f *File) connect(ctx context.Context, path, mode string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	dsn := url.URL{Scheme: "file", Path: absolute, RawQuery: mode + "&_mutex=no&_query_only=true"}
	f.DB, err = sql.Open("sqlite3", dsn.String())
	if err == nil {
		f.SetMaxOpenConns(4)
		err = f.PingContext(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot read %s: %w", path, err), f.Close())
	}
	return nil
}

// copy copies a database with its -wal file.
func (f *File) copy(ctx context.Context, path, temp string) (target string, err error) {
	if f.copied, err = scratch.New(temp); err != nil {
		return "", err
	}
	target = filepath.Join(f.copied.Path, "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		if err := regularfile.Copy(ctx, target+suffix, path+suffix); err != nil {
			return "", fmt.Errorf("cannot copy the database: %w", err)
		}
	}
	return target, nil
}

// Close closes the database and removes its copy.
func (f *File) Close() error {
	var errs []error
	if f.DB != nil {
		errs = append(errs, f.DB.Close())
	}
	if f.copied != nil {
		errs = append(errs, f.copied.Remove())
	}
	return errors.Join(errs...)
}

// Columns returns the columns of every table, empty if it does not exist.
func (f *File) Columns(ctx context.Context, tables ...string) (map[string]map[string]bool, error) {
	found := make(map[string]map[string]bool)
	for _, table := range tables {
		found[table] = make(map[string]bool)
		rows, err := f.QueryContext(ctx, `SELECT name FROM pragma_table_info(?)`, table)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			found[table][name] = true
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Has reports whether the database at path has all of these tables.
func Has(path string, tables ...string) bool {
	f, err := Open(context.Background(), path, os.TempDir())
	if err != nil {
		return false
	}
	defer f.Close()
	columns, err := f.Columns(context.Background(), tables...)
	if err != nil {
		return false
	}
	for _, table := range tables {
		if len(columns[table]) == 0 {
			return false
		}
	}
	return true
}
