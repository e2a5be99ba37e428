package signal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sqlcipher"
	"ventriloquist/internal/sources/sqlitefile"
	"ventriloquist/internal/usererr"
)

const databaseName = "db.sqlite"

// Recognize reports whether a folder is Signal Desktop's, or a file is its database, encrypted or not.
func Recognize(h *sources.Head) bool {
	switch {
	case h.Dir && slices.Contains(h.Names, databaseName):
		return !isPlain(filepath.Join(h.Path, databaseName)) || isSignal(filepath.Join(h.Path, databaseName))
	case h.Dir:
		return Find(h.Path) != h.Path
	case len(h.Names) > 0:
		return false
	case sqlitefile.IsDatabase(h.Text):
		return isSignal(h.Path)
	}
	return filepath.Base(h.Path) == databaseName
}

// isSignal reports whether a database that is not encrypted is Signal's.
func isSignal(path string) bool { return sqlitefile.Has(path, "messages", "conversations", "items") }

// isPlain reports whether a file is a database that is not encrypted.
func isPlain(path string) bool {
	f, err := regularfile.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 16)
	_, err = io.ReadFull(f, head)
	return err == nil && sqlitefile.IsDatabase(head)
}

// Find returns the path of the database in Signal's folder, or the path itself.
func Find(path string) string {
	for _, below := range []string{filepath.Join("sql", databaseName), databaseName} {
		if info, err := os.Stat(filepath.Join(path, below)); err == nil && !info.IsDir() {
			return filepath.Join(path, below)
		}
	}
	return path
}

// Reader reads one database.
type Reader struct {
	path    string // of the database
	files   string // the folder of the attachments
	db      *sqlitefile.File
	reading sources.Reading
	columns map[string]map[string]bool
	damage  sqlcipher.Damage
}

// Open opens the database at path, or in Signal's folder there. Secret is the key or the password that the user gave, or empty. What is
// decrypted or copied goes into a temporary folder in temp.
func Open(ctx context.Context, path, secret, temp string, reading sources.Reading) (*Reader, error) {
	path, err := filepath.Abs(Find(path))
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	folder := filepath.Dir(path)
	if filepath.Base(folder) == "sql" {
		folder = filepath.Dir(folder)
	}
	r := &Reader{path: path, files: filepath.Join(folder, "attachments.noindex"), reading: reading.Remembering()}
	if isPlain(path) {
		r.db, err = sqlitefile.Open(ctx, path, temp)
	} else {
		err = r.decrypt(ctx, folder, secret, temp)
	}
	if err != nil {
		return nil, err
	}
	if r.columns, err = r.db.Columns(ctx, "messages", "conversations", "items", "edited_messages", "message_attachments"); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read %s: %w", path, err), r.db.Close())
	}
	if m := r.columns["messages"]; !m["json"] || !m["conversationId"] || !m["sent_at"] || !r.columns["conversations"]["json"] {
		err := fmt.Errorf("%s is no database of Signal Desktop: it lacks the tables of messages and conversations", path)
		return nil, errors.Join(usererr.With(err, "name the folder of Signal Desktop, or its sql/%s", databaseName), r.db.Close())
	}
	return r, nil
}

// decrypt opens a decrypted copy of the database.
func (r *Reader) decrypt(ctx context.Context, folder, secret, temp string) error {
	if info, err := os.Stat(r.path); err == nil && info.IsDir() {
		return usererr.With(fmt.Errorf("%s holds no database of Signal Desktop: no sql/%s", r.path, databaseName), "name Signal's folder: ~/.config/Signal, or ~/Library/Application Support/Signal on a Mac")
	}
	c, err := readConfig(folder)
	if err != nil && parseKey(secret) == nil {
		return err
	}
	copied, err := scratch.New(temp)
	if err != nil {
		return err
	}
	target := filepath.Join(copied.Path, databaseName)
	r.damage, err = sqlcipher.Decrypt(ctx, target, r.path, c.keys(secret)...)
	if errors.Is(err, sqlcipher.ErrKey) {
		err = c.locked(r.path, secret)
	}
	if err != nil {
		return errors.Join(err, copied.Remove())
	}
	r.db, err = sqlitefile.OpenCopy(ctx, target, copied)
	return err
}

// Path returns the database's path.
func (r *Reader) Path() string { return r.path }

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "rows and reactions" }

// Close closes the database and removes its decrypted copy.
func (r *Reader) Close() error { return r.db.Close() }
