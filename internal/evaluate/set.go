package evaluate

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"

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
	hash    uint64 // of the windows' ids

	longestTarget int // tokens
}

// NewSet reads the windows of the list as at most maxTokens ids.
func NewSet(ctx context.Context, source windows.List, list []int, encoder batch.Encoder, maxTokens int, p windows.Progress) (*Set, error) {
	s := &Set{source: source, encoder: encoder, reader: batch.NewReader(source, encoder, maxTokens)}
	var err error
	hash := fnv.New64a()
	s.Measured, err = s.reader.Measure(ctx, list, func(w *batch.Window) error {
		s.longestTarget = max(s.longestTarget, slices.Max(w.Targets))
		return binary.Write(hash, binary.LittleEndian, w.IDs)
	}, p)
	s.hash = hash.Sum64()
	return s, err
}

// Fingerprint identifies the windows.
func (s *Set) Fingerprint() string { return fmt.Sprintf("%016x", s.hash) }

// Work is how much there is to measure.
type Work struct {
	Windows  int
	Tokens   int     // of all windows
	Targets  int     // tokens
	Messages int     // targets
	Members  float64 // mean over the messages
}

// Work returns how much there is to measure.
func (s *Set) Work() Work {
	w := Work{Windows: s.Total.Windows, Tokens: s.Total.Tokens, Targets: s.Total.Targets}
	members := 0
	for _, i := range s.Windows {
		n := s.source.Targets(i)
		w.Messages += n
		members += n * len(s.source.Conversations()[s.source.Conversation(i)])
	}
	w.Members = float64(members) / float64(max(1, w.Messages))
	return w
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
