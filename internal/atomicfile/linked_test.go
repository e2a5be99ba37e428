//go:build unix

package atomicfile_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/atomicfile"
)

func TestWriteAll_ReachesOtherNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, other := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := os.WriteFile(path, []byte("secret and more"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, other); err != nil {
		t.Skipf("no hard links here: %v", err)
	}
	err := atomicfile.WriteAll(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "more")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, other} {
		if got, _ := os.ReadFile(name); string(got) != "more" {
			t.Errorf("%s holds %q", name, got)
		}
		if info, _ := os.Stat(name); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestErase_ReachesOtherNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, other := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, other); err != nil {
		t.Skipf("no hard links here: %v", err)
	}
	if err := atomicfile.Erase(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	if got, err := os.ReadFile(other); err != nil || len(got) != 0 {
		t.Errorf("the other name holds %q (%v)", got, err)
	}
}
