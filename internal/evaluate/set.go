package evaluate

import (
	"context"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
	"ventriloquist/internal/windows"
)

// Set is the windows to evaluate on, each read and measured once.
type Set struct {
	*batch.Measured
	source  windows.List
	encoder batch.Encoder
	reader  *batch.Reader
}

// NewSet reads the windows of the list as at most maxTokens ids.
func NewSet(ctx context.Context, source windows.List, list []int, encoder batch.Encoder, maxTokens int, p windows.Progress) (*Set, error) {
	s := &Set{source: source, encoder: encoder, reader: batch.NewReader(source, encoder, maxTokens)}
	var err error
	s.Measured, err = s.reader.Measure(ctx, list, nil, p)
	return s, err
}

// Within returns the same set with windows of at most maxTokens ids.
func (s *Set) Within(maxTokens int) *Set {
	return &Set{Measured: s.Measured, source: s.source, encoder: s.encoder, reader: batch.NewReader(s.source, s.encoder, maxTokens)}
}

// A batch has room for at least this much, if there is this much: enough for efficient GEMMs.
const (
	batchTokens  = 2048
	batchTargets = 512
	batchWindows = 64
)

// Limits returns the limits that a trainer needs to evaluate the set.
func (s *Set) Limits() engine.TrainLimits {
	return engine.TrainLimits{
		MaxTokens:  max(s.Longest.Tokens, min(batchTokens, s.Total.Tokens)),
		MaxTargets: max(s.Longest.Targets, min(batchTargets, s.Total.Targets)),
		MaxWindows: min(batchWindows, s.Total.Windows),
	}
}
