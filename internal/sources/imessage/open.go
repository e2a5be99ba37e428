package imessage

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
	"howett.net/plist"

	"ventriloquist/internal/scratch"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
	"ventriloquist/internal/usererr"
)

// sourceOption is the option that names the database.
const sourceOption = usererr.Option("source")

// sqliteMagic is the start of every SQLite database.
var sqliteMagic = []byte("SQLite format 3\x00")

// Recognize reports whether a file is an SQLite database.
func Recognize(h *sources.Head) bool {
	return len(h.Names) == 0 && bytes.HasPrefix(h.Text, sqliteMagic)
}

// backupName is the name of sms.db in an iOS backup: the SHA-1 of its domain and path.
const backupName = "3d0d7e5fb2ce288813306e4d4636395e047a3d28"

// Open opens the database at path, or the one of the iOS backup in the folder path, for reading.
//
// Open never creates, changes or removes a file next to the source. A database in WAL mode can only be read with its -wal
// and -shm files. If they exist, Messages has it open, and Open reads it in place, in step with Messages. If they do not,
// reading in place would leave such files behind. No process has the database open then, and Open reads the file as
// immutable; if it does change, Collect starts again with a copy.
//
// A copy goes into a temporary folder in temp, and is removed by Close.
func Open(ctx context.Context, path, temp string) (*Source, error) {
	path, err := find(path)
	if err != nil {
		return nil, err
	}
	wal, err := inspect(path)
	if err != nil {
		return nil, err
	}
	s := &Source{path: path, temp: temp}
	if s.name, s.root, err = placeOf(path); err != nil {
		return nil, err
	}
	switch {
	case !wal || exists(path+"-wal") && exists(path+"-shm"):
		err = s.connect(ctx, path, "mode=ro")
		if wal && cannotOpen(err) {
			err = s.copyAndConnect(ctx)
		}
	case isEmpty(path + "-wal"):
		s.immutableStamp = stampOf(path)
		err = s.connect(ctx, path, "mode=ro&immutable=1")
	default:
		err = s.copyAndConnect(ctx)
	}
	if err != nil {
		s.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

// OpenDecrypted opens the decrypted files of the iOS backup in the folder backup; messages.db identifies the source by
// the backup. The folder is removed when the source is closed or cannot be opened.
func OpenDecrypted(ctx context.Context, folder *scratch.Dir, backup string) (*Source, error) {
	s, err := Open(ctx, folder.Path, filepath.Dir(folder.Path))
	if err != nil {
		return nil, errors.Join(err, folder.Remove())
	}
	s.backup, s.decrypted = backup, folder
	if s.name, s.root, err = placeOf(filepath.Join(backup, backupName[:2], backupName)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// placeOf returns the name that identifies a database by its location, and the folder to search for its attachments.
func placeOf(path string) (name, root string, err error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", "", explainFile(path, err)
	}
	root = filepath.Dir(absolute)
	if filepath.Base(absolute) == backupName && filepath.Base(root) == backupName[:2] {
		root = filepath.Dir(root)
	}
	return "imessage " + absolute, root, nil
}

// Close closes the database and removes its temporary files.
func (s *Source) Close() error {
	errs := []error{s.disconnect()}
	for _, folder := range []*scratch.Dir{s.copyFolder, s.decrypted} {
		if folder != nil {
			errs = append(errs, folder.Remove())
		}
	}
	s.copyFolder, s.decrypted = nil, nil
	return errors.Join(errs...)
}

// File returns the path of the database file.
func (s *Source) File() string { return s.path }

// isEmpty reports whether a file is empty or does not exist.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// find returns the path of the database that path refers to.
func find(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", explainFile(path, err)
	}
	if !info.IsDir() {
		// SQLite keeps the -wal and -shm files next to the file itself, not next to a link to it.
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return "", explainFile(path, err)
		}
		return path, nil
	}
	if err := refuseEncrypted(path); err != nil {
		return "", err
	}
	for _, name := range []string{filepath.Join(backupName[:2], backupName), backupName, "chat.db", "sms.db"} {
		candidate := filepath.Join(path, name)
		if _, err := os.Stat(candidate); err == nil {
			return candidate, nil
		} else if errors.Is(err, os.ErrPermission) {
			return "", explainFile(candidate, err)
		}
	}
	return "", usererr.With(fmt.Errorf("%s holds neither an iOS backup nor a chat.db", path),
		"a backup is a folder with a Manifest.plist, under ~/Library/Application Support/MobileSync/Backup")
}

func refuseEncrypted(backup string) error {
	manifest, err := os.ReadFile(filepath.Join(backup, "Manifest.plist"))
	if err != nil {
		return nil // not every copy of a backup includes its manifest
	}
	var content struct{ IsEncrypted bool }
	if _, err := plist.Unmarshal(manifest, &content); err == nil && content.IsEncrypted {
		return usererr.With(fmt.Errorf("the backup in %s is encrypted", backup), "collect it with its passphrase: `vqctl collect %v` asks for it", sourceOption)
	}
	return nil
}

// inspect reads the header of a database file and reports whether it is in WAL mode.
func inspect(path string) (wal bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, explainFile(path, err)
	}
	defer f.Close()
	header := make([]byte, 100)
	if _, err := io.ReadFull(f, header); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, explainFile(path, err)
	}
	if !bytes.HasPrefix(header, sqliteMagic) {
		return false, usererr.With(fmt.Errorf("%s is not an SQLite database", path), "name the database with %v: a Mac's is ~/Library/Messages/chat.db", sourceOption)
	}
	return header[18] == 2 || header[19] == 2, nil
}

// connect opens a database file and begins the transaction for all reads.
func (s *Source) connect(ctx context.Context, path, mode string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	dsn := url.URL{Scheme: "file", Path: absolute, RawQuery: mode + "&_query_only=true&_busy_timeout=3000&_stmt_cache_size=16"}
	if s.db, err = sql.Open("sqlite3", dsn.String()); err != nil {
		return err
	}
	if s.conn, err = s.db.Conn(ctx); err == nil {
		err = s.begin(ctx, absolute)
	}
	if err == nil {
		s.columns, err = s.probe(ctx)
	}
	if err == nil {
		err = s.readRoots(ctx)
	}
	if err != nil {
		s.disconnect()
	}
	return err
}

func (s *Source) disconnect() error {
	var errs []error
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	s.conn, s.db = nil, nil
	return errors.Join(errs...)
}

// begin begins the transaction. What another process commits at the same time may or may not be part of it.
func (s *Source) begin(ctx context.Context, path string) error {
	const attempts = 10
	for n := range attempts {
		if n > 0 {
			if _, err := s.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
				return err
			}
		}
		before, failed := sqlitepages.TakeSnapshot(path)
		if _, err := s.conn.ExecContext(ctx, "BEGIN; SELECT count(*) FROM sqlite_master"); err != nil {
			return err
		}
		if after, err := sqlitepages.TakeSnapshot(path); failed == nil && err == nil {
			if s.snapshot = before.Until(after); s.snapshot != nil {
				return nil
			}
		}
	}
	return nil
}

func cannotOpen(err error) bool {
	var failure sqlite3.Error
	return errors.As(err, &failure) && (failure.Code == sqlite3.ErrCantOpen || failure.Code == sqlite3.ErrReadonly)
}

// copyAndConnect reads a copy. Without a -shm file, no process has the database open, and its files are consistent. If
// one of them changes during the copy, it copies again.
func (s *Source) copyAndConnect(ctx context.Context) error {
	var err error
	if s.copyFolder, err = scratch.New(s.temp); err != nil {
		return err
	}
	target := filepath.Join(s.copyFolder.Path, "chat.db")
	const attempts = 5
	for range attempts {
		before := s.stamp()
		os.Remove(target + "-wal")
		for _, suffix := range []string{"", "-wal"} {
			if err := copyFile(ctx, target+suffix, s.path+suffix); err != nil {
				return fmt.Errorf("cannot copy the database: %w", err)
			}
		}
		if s.stamp() == before {
			return s.connect(ctx, target, "mode=ro")
		}
	}
	return usererr.With(errors.New("it keeps changing while it is copied"), "close Messages and try again")
}

// Stamp returns a string that differs if the files of the database at path have changed.
func Stamp(path string) (string, error) {
	path, err := find(path)
	s := Source{path: path}
	return s.stamp(), err
}

// copyFile copies a file, which may be missing.
func copyFile(ctx context.Context, to, from string) error {
	in, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, contextReader{ctx, in})
	return errors.Join(err, out.Close())
}

// contextReader stops reading when the context is done.
type contextReader struct {
	ctx context.Context
	in  io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}
