package train

import (
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/runlog"
)

// Row "train over a finished run": the folder of an earlier run has the run's name, and its number is higher than those before.
func TestArchive_IsNamedForItsRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct{ run, folder string }{
		{"", "previous-1"},
		{"first", "previous-2-first"},
		{"lr 2e-3, r=64", "previous-3-lr-2e-3-r-64"},
		{"../../etc/passwd", "previous-4-..-..-etc-passwd"},
		{"...", "previous-5"},
		{"für Jürgen 🎣", "previous-6-für-Jürgen"},
		{"0123456789012345678901234567890123456789 and more", "previous-7-0123456789012345678901234567890123456789"},
	} {
		got := newArchive(dir, c.run)
		if got != filepath.Join(dir, c.folder) {
			t.Errorf("%q is set aside in %s, want %s", c.run, got, c.folder)
		}
		if err := os.Mkdir(got, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, remove := range []string{"previous-1", "previous-2-first"} {
		if err := os.Remove(filepath.Join(dir, remove)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "previous-notes"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := newArchive(dir, "first"); filepath.Base(got) != "previous-8-first" {
		t.Errorf("after all were seen and two removed: %s", got)
	}
	if got := archives(dir); len(got) != 5 {
		t.Errorf("archives are %q", got)
	}
}

// All that an earlier run left is in one folder of its name.
func TestRun_SetsAsideUnderTheRunsName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	for i, name := range []string{"one", "two"} {
		opts := options(2)
		opts.Seed = uint64(i)
		settings := RunSettings{OutputDir: out, LoggingSteps: 1, SaveSteps: 1, RunName: name}
		if earlier := EarlierRun(out); name == "two" && filepath.Base(earlier.MovesTo) != "previous-1-one" {
			t.Errorf("moves to %s", earlier.MovesTo)
		}
		if err := tinyRun(t, someWindows(t, dir, 6), opts, settings).Train(t.Context(), ignore); err != nil {
			t.Fatal(err)
		}
	}
	if got := archives(out); len(got) != 1 || filepath.Base(got[0]) != "previous-1-one" {
		t.Fatalf("archives are %q", got)
	}
	for _, file := range []string{finalName, "checkpoint-1", recordFile, runlog.Name} {
		if _, err := os.Stat(filepath.Join(out, "previous-1-one", file)); err != nil {
			t.Error(err)
		}
	}
}
