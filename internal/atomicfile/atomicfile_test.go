package atomicfile_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

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

// What a link leads to must not keep the old content.
func TestWrite_ThroughASymbolicLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.WriteFile(file, []byte("old"), 0o600), os.Symlink(file, link)); err != nil {
		t.Skip(err)
	}
	if err := atomicfile.WriteBytes(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().IsRegular() || content(t, file) != "new" {
		t.Errorf("the file holds %q; the link is %v (%v)", content(t, file), info.Mode(), err)
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

// writeVariable makes the test program write the file or folder that it names, and wait in the middle of it.
const writeVariable = "VQ_TEST_WRITE"

func TestMain(m *testing.M) {
	if path := os.Getenv(writeVariable); path != "" {
		halt := func() error {
			os.Stdout.WriteString("half\n")
			time.Sleep(time.Hour)
			return nil
		}
		if filepath.Base(path) == "folder" {
			_ = atomicfile.WriteDir(path, func(tmp string) error {
				return errors.Join(os.WriteFile(filepath.Join(tmp, "weights"), []byte("secret"), 0o600), halt())
			})
		}
		_ = atomicfile.Write(path, func(w io.Writer) error {
			_, err := w.Write(bytes.Repeat([]byte("secret"), 1<<20))
			return errors.Join(err, halt())
		})
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestWrite_KilledLeavesNothingThatTheNextWriteDoesNotRemove(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"file", "folder"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		write := func() error {
			if name == "file" {
				return atomicfile.WriteBytes(path, []byte("whole"))
			}
			return atomicfile.WriteDir(path, func(string) error { return nil })
		}
		if err := write(); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), writeVariable+"="+path)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if !bufio.NewScanner(out).Scan() {
			t.Fatal("the writer ended")
		}
		if err := errors.Join(write(), c.Process.Kill()); err != nil { // a writer that runs keeps what it has
			t.Fatal(err)
		}
		_ = c.Wait()
		if runtime.GOOS == "linux" && name == "file" && len(names(t, dir)) != 1 {
			t.Errorf("a killed write left %v", names(t, dir))
		}
		if err := write(); err != nil {
			t.Fatal(err)
		}
		if got := names(t, dir); len(got) != 1 {
			t.Errorf("left over after the next write: %v", got)
		}
	}
}
