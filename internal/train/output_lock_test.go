package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Two runs never write to one folder at the same time; the next may start when the first is done.
func TestLockOutputDir_OneRunAtATime(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	release, err := LockOutputDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockOutputDir(dir); err == nil || !strings.Contains(err.Error(), "another training run is writing to") {
		t.Errorf("a second run got %v", err)
	}
	release()
	release, err = LockOutputDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}

func TestLockOutputDir_NotAFolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LockOutputDir(path); err == nil || !strings.Contains(err.Error(), "cannot write checkpoints") {
		t.Errorf("got %v", err)
	}
}
