package train

import (
	"os"
	"path/filepath"
	"strconv"
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

// The process of a run is known while it trains, and not after it was killed.
func TestRunning_IsTheProcessThatHoldsTheLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if p := Running(dir); p != 0 {
		t.Errorf("process %d trains in an empty folder", p)
	}
	release, err := LockOutputDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if p := Running(dir); p != os.Getpid() {
		t.Errorf("process %d trains", p)
	}
	release()
	for _, left := range []string{"4711\n", "1\n", "-5", "x", "", strings.Repeat("1", 100)} { // by a killed run, or by anything
		if err := os.WriteFile(filepath.Join(dir, processFile), []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		if p := Running(dir); p != 0 {
			t.Errorf("%q: process %d trains", left, p)
		}
	}
}

// Another process that trains in the folder is met before the data is read; one's own lock, and a folder that is not there, are no obstacle.
func TestRequireFree_RefusesAnotherRunsFolder(t *testing.T) {
	dir := t.TempDir()
	release, err := LockOutputDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := RequireFree(dir); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, processFile), []byte(strconv.Itoa(os.Getppid())), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := RequireFree(dir); err == nil || !strings.Contains(err.Error(), "another training run is writing") {
		t.Errorf("%v", err)
	}
	if err := RequireFree(filepath.Join(dir, "none")); err != nil {
		t.Error(err)
	}
}
