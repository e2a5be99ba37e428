package messages

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ventriloquist/internal/scratch"
	"ventriloquist/internal/usererr"
)

// Open opens an existing messages.db and brings its schema up to date. It removes what killed runs left in the
// folder.
func Open(ctx context.Context, path string) (*DB, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder")
	}
	if err != nil {
		return nil, cannotOpen(path, err)
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		_ = os.Chmod(path, 0o600) // where it is another user's, reading is still possible
	}
	return open(ctx, path, settings)
}

// cannotOpen says why there is no file to open, and what to do.
func cannotOpen(path string, err error) error {
	err = fmt.Errorf("cannot open %s: %w", path, err)
	if errors.Is(err, fs.ErrPermission) {
		return usererr.With(err, foreign, usererr.Option("data_dir"))
	}
	return usererr.With(err, "run `vqctl collect` first, or name the folder with %v", usererr.Option("data_dir"))
}

// OpenReadOnly opens an existing messages.db of this version's schema, and changes nothing of it.
func OpenReadOnly(ctx context.Context, path string) (*DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, cannotOpen(path, err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	handle, err := sql.Open("sqlite3", dataSource(absolute, settings+"&_query_only=true"))
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	db := &DB{sql: handle, path: path}
	found, err := db.foundVersion(ctx)
	if err == nil && found != version() {
		err = usererr.With(fmt.Errorf("it has version %d, this program reads %d", found, version()), "run: vqctl collect")
	}
	if err != nil {
		handle.Close()
		return nil, explain(path, err)
	}
	return db, nil
}

// Create opens path, making the file (mode 0600) and its folder (0700) if missing.
func Create(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the folder of %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, usererr.With(fmt.Errorf("cannot open %s: %w", path, errors.Unwrap(err)), "name a folder that can be written to with %v", usererr.Option("data_dir"))
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return nil, fmt.Errorf("cannot make %s private: %w", path, err)
	}
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		return open(ctx, path, settings)
	}
	return open(ctx, path, settings+newFileSettings)
}

// settings apply to every connection. None of them takes a lock: what writes the file does not keep others from opening it. The
// cache of 32 MiB serves chronological reading, which jumps between pages.
const settings = "_mutex=no&_busy_timeout=5000&_secure_delete=false&_cache_size=-32768"

// newFileSettings apply to a new, empty file: deleted rows return their pages at the commit.
const newFileSettings = "&_auto_vacuum=full"

func open(ctx context.Context, path, settings string) (*DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	handle, err := sql.Open("sqlite3", dataSource(absolute, settings))
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	db := &DB{sql: handle, path: path, shared: isShared(path)}
	scratch.Sweep(db.Folder())
	if err := db.migrate(ctx); err != nil {
		handle.Close()
		return nil, explain(path, err)
	}
	sweepJournal(absolute)
	return db, nil
}
