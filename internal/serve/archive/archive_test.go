package archive_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/runlog"
	"ventriloquist/internal/serve/archive"
	"ventriloquist/internal/stats"
)

// The statistics are computed once, and again when the database was written.
func TestArchive_KeepsTheStatistics(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	gathered := 0
	a := &archive.Archive{Database: path, Gather: func(context.Context) (*stats.Report, error) {
		gathered++
		return &stats.Report{}, nil
	}}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ask := func() {
		if _, err := a.Statistics(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	ask()
	ask()
	if gathered != 1 {
		t.Errorf("gathered %d times", gathered)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	later := info.ModTime().Add(1e9)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if ask(); gathered != 2 {
		t.Errorf("gathered %d times after the database was written", gathered)
	}
}

// Runs have all that the page draws, few points of a long run, and no number that JSON cannot hold.
func TestArchive_ShowsRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log strings.Builder
	log.WriteString(`{"event": "run", "version": 1, "run_name": "evening", "total_steps": 3000}` + "\n")
	log.WriteString(`{"event": "evaluation", "step": 0, "eval_loss": 2.5, "per_contact": {"Ada": {"loss": 2.25, "windows": 1, "target_tokens": 5}}}` + "\n")
	for step := 1; step <= 3000; step++ {
		line, _ := json.Marshal(runlog.Metrics{Event: runlog.StepEvent, Step: step, Loss: 2})
		log.Write(append(line, '\n'))
	}
	log.WriteString(`{"event": "sample", "step": 0, "sample": 2, "real": {"name": "Ada", "text": "b"}, "text": "x"}` + "\n")
	log.WriteString(`{"event": "sample", "step": 0, "sample": 1, "real": {"name": "Ada", "text": "a"}, "text": "y"}` + "\n")
	log.WriteString(`{"event": "sample", "step": 9, "sample": 1, "real": {"name": "Ada", "text": "a"}, "text": "z"}` + "\n")
	if err := os.WriteFile(runlog.Path(dir), []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &archive.Archive{FindRuns: func() []archive.RunFolder {
		return []archive.RunFolder{{Folder: dir, Training: func() bool { return false }}}
	}}
	value, err := a.Runs(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(value)
	var got struct{ Runs []archive.Run }
	if err == nil {
		err = json.Unmarshal(encoded, &got)
	}
	if err != nil || len(got.Runs) != 1 {
		t.Fatalf("%s, %v", encoded, err)
	}
	r := got.Runs[0]
	if r.Title != "evening" || r.Step != 3000 || r.TotalSteps != 3000 || len(r.Losses) > 400 || len(r.Losses) < 200 || r.Losses[0][1] != 2 {
		t.Errorf("the run is %q, step %d of %d, with %d losses", r.Title, r.Step, r.TotalSteps, len(r.Losses))
	}
	if len(r.Evaluations) != 1 || len(r.People) != 1 || r.People[0].Base == nil || *r.People[0].Base != 2.25 {
		t.Errorf("evaluations %v, people %v", r.Evaluations, r.People)
	}
	if len(r.Samples) != 2 || r.Samples[0].Number != 1 || len(r.Samples[0].Written) != 2 || r.Samples[0].Written[1].Text != "z" {
		t.Errorf("samples %v", r.Samples)
	}
}
