package sourcetest

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // the driver

	"ventriloquist/internal/sources"
)

// Write writes a file into its own folder.
func Write(t testing.TB, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Database writes a database with these tables and rows, and returns its path.
func Database(t testing.TB, name, tables, rows string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(tables + rows); err != nil {
		t.Fatal(err)
	}
	return path
}

// WriteFiles writes files into a folder of their own.
func WriteFiles(t testing.TB, files map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, content := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// WriteZip writes files into a zip at path.
func WriteZip(t testing.TB, path string, files map[string]string) {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		member, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(member, files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), os.WriteFile(path, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// Zipped writes all files below a folder into a zip, in a folder there.
func Zipped(t testing.TB, folder string) (path string) {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		relative, _ := filepath.Rel(folder, name)
		files["export/"+filepath.ToSlash(relative)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "export.zip")
	WriteZip(t, path, files)
	return path
}

// Bomb writes a .gz that begins with head and repeats unit for so many MiB: a small file that is large when it is read.
func Bomb(t testing.TB, head, unit string, mib int) (path string) {
	t.Helper()
	member := func(text string) string { // a .gz may consist of several
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, err := io.WriteString(w, text)
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	many := member(strings.Repeat(unit, 1<<20/len(unit)))
	return Write(t, "bomb.gz", member(head)+strings.Repeat(many, mib))
}

// Allocated returns how many bytes f allocates. No other test may run at the same time.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// ReadFile reads a file with a format's Open; own are the names of the owner. A second reader gets a sink that refuses a message: it
// must stop with the sink's error, not take it for damage of the file.
func ReadFile[R sources.Reader](t testing.TB, open func(string, sources.Reading) (R, error), path string, own ...string) (*Sink, error) {
	t.Helper()
	r, err := open(path, Reading(own...))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read, err := Read(t, r)
	if n := len(read.Messages); err == nil && n > 0 {
		again, err := open(path, Reading(own...))
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if _, err := again.Read(context.Background(), &refusing{Sink: NewSink(), left: n / 2}); !errors.Is(err, errRefused) {
			t.Errorf("%s: a sink that refuses a message ends it with %v", path, err)
		}
	}
	return read, err
}

// Recognized reports whether a format recognizes a file or folder.
func Recognized(t testing.TB, recognize func(*sources.Head) bool, path string) bool {
	t.Helper()
	head, err := sources.ReadHead(path)
	if err != nil {
		t.Fatal(err)
	}
	return recognize(head)
}

// errRefused is the error of a sink whose disk is full.
var errRefused = errors.New("no space left on device")

// refusing is a sink that takes some messages and refuses the others.
type refusing struct {
	*Sink
	left int
}

func (s *refusing) Message(m *sources.Message) error {
	if s.left--; s.left < 0 {
		return errRefused
	}
	return s.Sink.Message(m)
}

func (s *refusing) Err() error {
	if s.left < 0 {
		return errRefused
	}
	return nil
}
