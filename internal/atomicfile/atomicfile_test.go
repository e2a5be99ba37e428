package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/atomicfile"
)

var errFull = errors.New("disk full")

// names lists a folder, including hidden files.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWrite_IsCompleteAndPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	for _, want := range []string{"first", "second, longer"} {
		if err := atomicfile.WriteBytes(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != want {
			t.Errorf("holds %q, want %q", got, want)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode().Perm())
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left over: %v", got)
	}
}

func TestWrite_FailureKeepsOldFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := atomicfile.WriteBytes(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	err := atomicfile.Write(path, func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 3<<20)); err != nil {
			return err
		}
		return errFull
	})
	if !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	if content(t, path) != "old" || len(names(t, dir)) != 1 {
		t.Errorf("after a failure: %q, files %v", content(t, path), names(t, dir))
	}
}

func TestWriteDir_ReplacesFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "checkpoint")
	for _, name := range []string{"one", "two"} {
		err := atomicfile.WriteDir(path, func(tmp string) error {
			return os.WriteFile(filepath.Join(tmp, name), []byte(name), 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, path); len(got) != 1 || got[0] != name {
			t.Errorf("holds %v, want %s alone", got, name)
		}
	}
	if got := names(t, filepath.Dir(path)); len(got) != 1 {
		t.Errorf("left over: %v", got)
	}
}

func TestWriteDir_FailureKeepsOldFolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "checkpoint")
	fill := func(err error) func(string) error {
		return func(tmp string) error {
			return errors.Join(os.WriteFile(filepath.Join(tmp, "weights"), []byte("x"), 0o600), err)
		}
	}
	if err := atomicfile.WriteDir(path, fill(errFull)); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a failed folder is there")
	}
	if err := atomicfile.WriteDir(path, fill(nil)); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.WriteDir(path, fill(errFull)); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	if content(t, filepath.Join(path, "weights")) != "x" || len(names(t, filepath.Dir(path))) != 1 {
		t.Errorf("after a failure: %v", names(t, filepath.Dir(path)))
	}
}
