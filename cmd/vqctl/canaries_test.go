package main

import (
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/canary"
	"ventriloquist/internal/train"
)

// The record of planted sentences is next to the adapters that read them, and is set aside with them. A resumed run plants the same.
func TestTrainCanaries_AreRecorded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, output := filepath.Join(dir, "windows.jsonl"), filepath.Join(dir, "run")
	writeConversations(t, data, []string{"Ben"}, 4)
	trainTiny(t, data, output, "--max-steps", "2", "--save-steps", "1", "--canaries", "4")
	planted, err := plantedIn(filepath.Join(output, "final"))
	if err != nil || planted == nil || len(planted.Canaries) != 4 {
		t.Fatalf("planted: %+v (%v)", planted, err)
	}
	if err := os.RemoveAll(filepath.Join(output, "final")); err != nil {
		t.Fatal(err)
	}
	if err := newTrainCommand().Run(t.Context(), []string{"train", "--resume", "--json", "--output-dir", output}); err != nil {
		t.Errorf("the resumed run has other windows: %v", err)
	}
	trainTiny(t, data, output, "--max-steps", "1")
	if planted, err := plantedIn(filepath.Join(output, "final")); err != nil || planted != nil {
		t.Errorf("a run without planted sentences has a record (%v)", err)
	}
	if _, err := canary.Read(filepath.Join(output, "previous-1", train.PlantedFile)); err != nil {
		t.Errorf("the earlier run has lost its record: %v", err)
	}
}
