package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
	"ventriloquist/internal/windows"
)

// Losses computes the loss of each target of a batch; *engine.Trainer is one.
type Losses interface {
	Limits() engine.TrainLimits
	Batch(slot int) *engine.Batch
	Evaluate(slot, windows, targets int, loss []float32) error
}

// Tally is the loss of a set of targets.
type Tally struct {
	Windows      int // windows with such targets
	TargetTokens int
	Sum          float64 // of the losses
}

// Loss returns the mean over the target tokens, in nats.
func (t *Tally) Loss() float64 { return t.Sum / float64(t.TargetTokens) }

// Scores are the losses of all targets and of each author's.
type Scores struct {
	All        Tally
	PerContact map[string]*Tally // by the author of the target
	Parts      []Part
}

// Part is what one author's targets in one window add to the scores.
type Part struct {
	Window       int // in the source
	Conversation int
	Author       string
	Tokens       int
	Sum          float64 // of their losses
}

// Unscored returns the scores of a set whose losses are not measured.
func (s *Set) Unscored() *Scores { return &Scores{All: Tally{Windows: len(s.Windows)}} }

// pending is a window waiting for its batch.
type pending struct {
	window       batch.Window
	number       int // in the source
	conversation int
	authors      []string // of the target lines
}

// Score computes the losses of all targets of the set.
func (s *Set) Score(ctx context.Context, l Losses, p windows.Progress) (*Scores, error) {
	scores := &Scores{PerContact: make(map[string]*Tally)}
	var waiting []pending
	var size batch.Size
	for n, i := range s.Windows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next, err := s.read(i)
		if err != nil {
			return nil, err
		}
		if larger := size.Plus(&next.window); !larger.Fits(l.Limits()) {
			if err := scores.add(l, waiting); err != nil {
				return nil, fmt.Errorf("windows up to %s: %w", s.source.Where(i), err)
			}
			waiting, size = waiting[:0], batch.Size{}
			p.Report(int64(n), int64(len(s.Windows)))
		}
		waiting = append(waiting, next)
		size = size.Plus(&next.window)
	}
	if len(waiting) == 0 {
		return scores, nil
	}
	if err := scores.add(l, waiting); err != nil {
		return nil, fmt.Errorf("the last windows: %w", err)
	}
	p.Report(int64(len(s.Windows)), int64(len(s.Windows)))
	return scores, nil
}

// read returns the ids of window i and the authors of its targets.
func (s *Set) read(i int) (pending, error) {
	w, err := s.source.Window(i)
	if err != nil {
		return pending{}, err
	}
	ids, err := s.reader.Tokenize(i, w)
	if err != nil {
		return pending{}, err
	}
	next := pending{window: ids, number: i, conversation: w.Conversation}
	for _, line := range w.TargetLines() {
		m, err := windows.ParseMessage(line.Text)
		if err != nil {
			return pending{}, fmt.Errorf("%s: %w", s.source.Where(i), err)
		}
		next.authors = append(next.authors, m.Name)
	}
	return next, nil
}

// add runs a batch of windows and adds the losses of their targets.
func (s *Scores) add(l Losses, ws []pending) error {
	ids := make([]batch.Window, len(ws))
	for i := range ws {
		ids[i] = ws[i].window
	}
	size := batch.Fill(l.Batch(0), ids)
	losses := make([]float32, size.Targets)
	if err := l.Evaluate(0, size.Windows, size.Targets, losses); err != nil {
		return err
	}
	for i := range ws {
		sums := make([]float64, len(ws[i].window.Targets))
		for t, tokens := range ws[i].window.Targets {
			for _, loss := range losses[:tokens] {
				sums[t] += float64(loss)
			}
			if math.IsNaN(sums[t]) || math.IsInf(sums[t], 0) {
				return engine.ErrNotFinite
			}
			losses = losses[tokens:]
		}
		s.addWindow(&ws[i], ws[i].window.Targets, sums)
	}
	return nil
}

// addWindow adds the targets of a window: how many tokens each has, and the sum of their losses.
func (s *Scores) addWindow(w *pending, tokens []int, sums []float64) {
	first := len(s.Parts)
	s.All.Windows++
	for t, sum := range sums {
		author := w.authors[t]
		s.All.add(tokens[t], sum)
		s.contact(author).add(tokens[t], sum)
		p := slices.IndexFunc(s.Parts[first:], func(p Part) bool { return p.Author == author })
		if p < 0 {
			p = len(s.Parts) - first
			s.Parts = append(s.Parts, Part{Window: w.number, Conversation: w.conversation, Author: author})
			s.contact(author).Windows++
		}
		s.Parts[first+p].Tokens += tokens[t]
		s.Parts[first+p].Sum += sum
	}
}

func (t *Tally) add(tokens int, sum float64) {
	t.TargetTokens += tokens
	t.Sum += sum
}

func (s *Scores) contact(name string) *Tally {
	if s.PerContact[name] == nil {
		s.PerContact[name] = new(Tally)
	}
	return s.PerContact[name]
}
