package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ventriloquist/internal/atomicfile"
)

// cell is one run of the study.
type cell struct {
	Chat   string  `json:"chat"`
	Window int     `json:"window"`           // most messages of a window
	Stride int     `json:"stride"`           // 0: the base model, untrained
	Rate   float64 `json:"rate"`             // peak learning rate
	Epochs float64 `json:"epochs,omitempty"` // length of the run, or
	Tokens float64 `json:"tokens,omitempty"` // of all its windows
	Phase  string  `json:"phase"`
	Seed   uint64  `json:"seed"`
}

// The phases of cuts.
const (
	fixedPhase  = "fixed"  // the first window of a conversation has as many targets as the others
	randomPhase = "random" // from one target to all, drawn in each epoch
)

func (c cell) name() string {
	length := fmt.Sprintf("e%g", c.Epochs)
	if c.Tokens > 0 {
		length = fmt.Sprintf("t%g", c.Tokens)
	}
	return fmt.Sprintf("%s-w%d-s%d-%s-lr%g-%s-seed%d", c.Chat, c.Window, c.Stride, length, c.Rate, c.Phase, c.Seed)
}

func (c cell) path(folder string) string { return filepath.Join(folder, "cells", c.name()+".json") }

func (c cell) exists(folder string) bool {
	_, err := os.Stat(c.path(folder))
	return err == nil
}

// result is what a cell measured.
type result struct {
	cell
	Steps   int                `json:"steps"`
	Read    int64              `json:"tokens_read"`      // of all windows that were trained on
	Learned int64              `json:"targets_seen"`     // target messages
	LeftOut int64              `json:"targets_left_out"` // target messages of windows that are too long
	Seconds float64            `json:"seconds"`          // of training
	Loss    float64            `json:"loss"`             // mean over the tokens of the held-out messages
	HeldOut []score            `json:"held_out"`
	Shorter map[string]float64 `json:"shorter,omitempty"` // loss with at most this many messages before each
}

// score is the loss of one held-out message.
type score struct {
	Conversation int     `json:"conversation"`
	Author       string  `json:"author"`
	Tokens       int     `json:"tokens"`
	Sum          float64 `json:"sum"`
}

func (r *result) write(folder string) error {
	if err := os.MkdirAll(filepath.Join(folder, "cells"), 0o755); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(r.path(folder), append(text, '\n'))
}

// readResults reads all cells of a folder.
func readResults(folder string) (all []*result, err error) {
	entries, err := os.ReadDir(filepath.Join(folder, "cells"))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil, fmt.Errorf("%s has no results yet", folder)
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(folder, "cells", e.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		r := new(result)
		if err := json.Unmarshal(text, r); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// meanLoss is the mean over the tokens.
func meanLoss(scores []score) float64 {
	var sum float64
	tokens := 0
	for _, s := range scores {
		sum += s.Sum
		tokens += s.Tokens
	}
	return sum / float64(tokens)
}
