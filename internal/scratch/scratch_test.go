package scratch_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"ventriloquist/internal/scratch"
)

// holdVariable makes the test program hold a folder in the parent that it names, until it is killed.
const holdVariable = "VQ_TEST_SCRATCH_PARENT"

func TestMain(m *testing.M) {
	if parent := os.Getenv(holdVariable); parent != "" {
		d, err := scratch.New(parent)
		if err != nil || os.WriteFile(filepath.Join(d.Path, "secret"), []byte("secret"), 0o600) != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString(d.Path + "\n")
		time.Sleep(time.Hour)
		_ = d.Remove()
	}
	os.Exit(m.Run())
}

// holder is a process that holds a temporary folder in parent.
func holder(t *testing.T, parent string) (path string, kill func()) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), holdVariable+"="+parent)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() { _ = c.Process.Kill(); _ = c.Wait() }
	t.Cleanup(kill)
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the holder ended")
	}
	return lines.Text(), kill
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, os.ErrNotExist)
}

func TestSweep_RemovesWhatKilledRunsLeftAndNothingElse(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	for _, name := range []string{".hidden", ".a.partial-", ".a.partial-x1", "a.partial-1", ".partial-1"} {
		if err := os.WriteFile(filepath.Join(parent, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	running, _ := holder(t, parent)
	killed, kill := holder(t, parent)
	kill()
	scratch.Sweep(parent)
	if exists(killed) {
		t.Error("a killed run's folder is still there")
	}
	if !exists(filepath.Join(running, "secret")) {
		t.Error("a running process lost its folder")
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 6 {
		t.Errorf("%d entries left, want the 5 other files and the running process's folder: %v", len(entries), entries)
	}
}

func TestSweep_PutsBackAFolderMovedAside(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	aside := filepath.Join(parent, ".step-5.partial-12"+scratch.Retired)
	if err := os.Mkdir(aside, 0o700); err != nil {
		t.Fatal(err)
	}
	scratch.Sweep(parent)
	if exists(aside) || !exists(filepath.Join(parent, "step-5")) {
		t.Error("the folder is not back at its place")
	}
	if err := os.Mkdir(aside, 0o700); err != nil {
		t.Fatal(err)
	}
	scratch.Sweep(parent)
	if exists(aside) {
		t.Error("a folder that was replaced is still there")
	}
}

func TestDir_RemoveTakesAParentThatItMade(t *testing.T) {
	t.Parallel()
	parent := filepath.Join(t.TempDir(), "data")
	d, err := scratch.New(parent)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(d.Path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v (%v), want 0700", info.Mode(), err)
	}
	if err := d.Remove(); err != nil || exists(parent) {
		t.Errorf("%v; the empty parent is still there", err)
	}
}
