package sourcetest

import (
	"os"
	"path/filepath"
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
