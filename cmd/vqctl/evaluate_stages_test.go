package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
)

// A stage that was finished is not measured again, unless the model, the windows or its options are others.
func TestRunStage_KeepsWhatIsDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, stagesFile)
	calls := 0
	run := func(data, model string, options any) *stages {
		s := openStages(path, data)
		value, err := runStage(s, &measured{identity: model}, "loss", "measuring", "windows", options, func(func(done, total int64)) ([]float64, error) {
			calls++
			return []float64{0.1 + 0.2}, nil
		})
		if err != nil || len(value) != 1 || value[0] != 0.1+0.2 {
			t.Errorf("%v (%v)", value, err)
		}
		return s
	}
	s := run("d", "m", 1)
	if hint := usererr.Of(s.explain(context.Canceled)); !strings.Contains(hint, "is kept") || !errors.Is(s.explain(context.Canceled), context.Canceled) {
		t.Errorf("hint %q", hint)
	}
	if s := run("d", "m", 1); calls != 1 || s.reused != 1 {
		t.Errorf("measured %d times", calls)
	}
	run("d", "m", 2)
	run("d", "other", 1)
	if run("other", "m", 1); calls != 4 {
		t.Errorf("measured %d times, want 4: something else was asked for", calls)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if run("d", "m", 1); calls != 5 {
		t.Error("a damaged file was used")
	}
	if err := removeStages([]string{path}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("a file that is not next to an adapter is gone")
	}
	if err := os.WriteFile(filepath.Join(dir, "adapter_config.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := removeStages([]string{path, filepath.Join(dir, "other")}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is left")
	}
}

// The time left follows from what was measured so far.
func TestStages_Left(t *testing.T) {
	t.Parallel()
	s := &stages{models: 2, costs: []stageCost{{"loss", 100}, {"authors", 300}}, measured: []float64{10}, spent: []float64{100}, at: 2}
	// A third of the second stage took 10 s: 20 s are left of it. So far 200 tokens took 20 s, and another model has 400.
	if left := s.left("authors", 10, 1./3); left < 59.9 || left > 60.1 {
		t.Errorf("%g s", left)
	}
	if left := s.left("authors", 0.5, 0.1); left != 0 {
		t.Errorf("after half a second it claims to know: %g s", left)
	}
}
