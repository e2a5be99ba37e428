package sourcetest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

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

// ReadFile reads a file with a format's Open; own are the names of the owner.
func ReadFile[R sources.Reader](t testing.TB, open func(string, sources.Reading) (R, error), path string, own ...string) (*Sink, error) {
	t.Helper()
	r, err := open(path, Reading(own...))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return Read(t, r)
}
