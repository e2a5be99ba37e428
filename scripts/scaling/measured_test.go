package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun_ReplaysMeasuredTimes(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "times")
	text := "# two processes\nmicro-batch 0 2 2\nmicro-batch 1 3 2   # slow once\ngradient 1\nparameters 0.5\nupdate 0.25\nstep 8\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run([]string{file}, &out); err != nil {
		t.Fatal(err)
	}
	if want := "2 ranks, 7.75 s per step, efficiency 61.3%; measured 8 s, -3.1%"; !strings.Contains(out.String(), want) {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestReadMeasured_NamesTheLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "no micro-batch",
		"micro-batch 0 1\ngradient x": "line 2",
		"micro-batch 1 1":             "line 1",
		"micro-batch 0 -1":            "line 1",
		"speed 1":                     "line 1",
	} {
		if _, err := readMeasured(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
