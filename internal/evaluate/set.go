package evaluate

import (
	"context"
	"errors"
	"fmt"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// Set is the windows to look at, each read once and measured.
type Set struct {
	Windows    []int // those that fit the longest length, in file order
	CutWindows int   // windows that lose messages to fit
	CutLines   int   // messages so lost
	TooLong    int   // windows left out, their header and targets alone being too long

	Longest batch.Size // the largest of each over all windows, Windows being 1

	source    windows.List
	encoder   batch.Encoder
	reader    *batch.Reader
	total     batch.Size
	leftOut   *batch.TooLongError // why the last of TooLong was left out
	maxTokens int
}

// NewSet reads the windows of the list as ids of at most maxTokens.
func NewSet(ctx context.Context, source windows.List, list []int, encoder batch.Encoder, maxTokens int, p windows.Progress) (*Set, error) {
	s := &Set{source: source, encoder: encoder, reader: batch.NewReader(source, encoder, maxTokens), maxTokens: maxTokens}
	for n, i := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w, err := s.reader.Read(i)
		if errors.As(err, &s.leftOut) {
			s.TooLong++
			continue
		}
		if err != nil {
			return nil, err
		}
		s.add(i, &w)
		p.Report(int64(n+1), int64(len(list)))
	}
	return s, nil
}

// RequireSome is the error of a set all of whose windows were left out.
func (s *Set) RequireSome() error {
	if len(s.Windows) > 0 || s.leftOut == nil {
		return nil
	}
	return usererr.With(fmt.Errorf("no window fits %v %d: %w", usererr.Option("max_seq_length"), s.maxTokens, s.leftOut), "raise %v", usererr.Option("max_seq_length"))
}

func (s *Set) add(i int, w *batch.Window) {
	s.Windows = append(s.Windows, i)
	if w.Cut > 0 {
		s.CutWindows++
		s.CutLines += w.Cut
	}
	s.Longest = batch.Size{Tokens: max(s.Longest.Tokens, len(w.IDs)), Windows: 1, Targets: max(s.Longest.Targets, w.TargetTokens())}
	s.total = s.total.Plus(w)
}

// A batch holds at least so much, if there is so much: enough to keep the products large.
const (
	batchTokens  = 2048
	batchTargets = 512
	batchWindows = 64
)

// Limits are those of the batches that Losses will fill.
func (s *Set) Limits() engine.TrainLimits {
	return engine.TrainLimits{
		MaxTokens:  max(s.Longest.Tokens, min(batchTokens, s.total.Tokens)),
		MaxTargets: max(s.Longest.Targets, min(batchTargets, s.total.Targets)),
		MaxWindows: min(batchWindows, s.total.Windows),
	}
}
