package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
	"ventriloquist/internal/windows"
)

// pipelineState is how far the pipeline is, according to its folders.
type pipelineState struct {
	messages   int    // in messages.db; -1 before collect
	described  int    // attachments
	windows    int    // -1 before preprocess
	checkpoint string // "done", "not done", or what there is so far
	trained    bool   // there is a finished adapter
	started    bool   // there is a run to resume
	training   bool   // a run trains now
	problem    error  // with a messages.db that is there
}

func counted(n int, what string) string {
	if n < 0 {
		return "not done"
	}
	return "done: " + terminal.Quantity(n, what)
}

func readPipelineState(ctx context.Context, dataDir, outputDir string) pipelineState {
	state := pipelineState{messages: -1, windows: -1}
	if state.training = train.Running(outputDir) != 0; state.training {
		state.checkpoint = "training now"
	} else {
		state.checkpoint, state.trained, state.started = checkpointState(outputDir)
	}
	db, err := openDatabase(ctx, dataDir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			state.problem = err
		}
		return state
	}
	defer db.Close()
	if counts, err := db.Counts(ctx); err == nil {
		state.messages, state.described = counts.Messages, counts.Described
	}
	if n, err := windows.Count(ctx, db); err == nil && n > 0 {
		state.windows = n
	}
	return state
}

// checkpointState says what a run has written into outputDir, and whether it is finished or can be resumed.
func checkpointState(outputDir string) (state string, trained, started bool) {
	if _, err := os.Stat(filepath.Join(outputDir, "final", "adapter_config.json")); err == nil {
		final := filepath.Join(outputDir, "final")
		if state, err := train.ReadState(final); err == nil && state.RunName != "" {
			return fmt.Sprintf("done: %s (run %q)", final, state.RunName), true, false
		}
		return "done: " + final, true, false
	}
	checkpoints := 0
	for _, folder := range regularfile.Glob(outputDir, "checkpoint-*") {
		if statOf(filepath.Join(folder, "adapter_config.json")) != nil {
			checkpoints++
		}
	}
	if checkpoints > 0 {
		return fmt.Sprintf("interrupted, %s", terminal.Quantity(checkpoints, "checkpoint")), false, true
	}
	return "not done", false, false
}
