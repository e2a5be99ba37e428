package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

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
}

func readPipelineState(ctx context.Context, dataDir, outputDir string) pipelineState {
	state := pipelineState{messages: -1, windows: -1}
	state.checkpoint, state.trained = checkpointState(outputDir)
	db, err := openDatabase(ctx, dataDir)
	if err != nil {
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

func checkpointState(outputDir string) (state string, trained bool) {
	if _, err := os.Stat(filepath.Join(outputDir, "final", "adapter_config.json")); err == nil {
		final := filepath.Join(outputDir, "final")
		if state, err := train.ReadState(final); err == nil && state.RunName != "" {
			return fmt.Sprintf("done: %s (run %q)", final, state.RunName), true
		}
		return "done: " + final, true
	}
	if found, _ := filepath.Glob(filepath.Join(outputDir, "checkpoint-*", "adapter_config.json")); len(found) > 0 {
		return fmt.Sprintf("started, %d checkpoints: vqctl train --resume", len(found)), false
	}
	return "not done", false
}
