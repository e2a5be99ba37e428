package evaluate

import (
	"context"
	"fmt"

	"ventriloquist/internal/windows"
)

// TextLosses says how likely texts are; *remote.Writer does.
type TextLosses interface {
	// Likelihoods returns the log probability and the number of tokens of each of several texts, after the prompt and the texts before it.
	Likelihoods(ctx context.Context, prompt string, texts []string) (logProbs []float64, tokens []int, err error)
}

// ScoreTexts is Score for a model that reads texts instead of token ids.
func (s *Set) ScoreTexts(ctx context.Context, l TextLosses, p windows.Progress) (*Scores, error) {
	scores := &Scores{PerContact: make(map[string]*Tally)}
	for n, i := range s.Windows {
		next, err := s.read(i)
		if err != nil {
			return nil, err
		}
		w, err := s.source.Window(i)
		if err != nil {
			return nil, err
		}
		prompt := string(w.Header)
		for _, line := range w.Memory {
			prompt += string(line)
		}
		for _, line := range w.Lines[next.window.Cut : len(w.Lines)-w.Targets] {
			prompt += string(line.Text)
		}
		var targets []string
		for _, line := range w.TargetLines() {
			targets = append(targets, string(line.Text))
		}
		logProbs, tokens, err := l.Likelihoods(ctx, prompt, targets)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.source.Where(i), err)
		}
		losses := make([]float64, len(logProbs))
		for t, logProb := range logProbs {
			losses[t] = -logProb
		}
		scores.addWindow(&next, tokens, losses)
		p.Report(int64(n+1), int64(len(s.Windows)))
	}
	return scores, nil
}
