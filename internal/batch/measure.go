package batch

import (
	"context"
	"errors"
	"fmt"

	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// Fit counts the windows that are over the maximum length.
type Fit struct {
	CutWindows int // windows that lose their oldest messages to fit
	CutLines   int // messages lost this way
	TooLong    int // windows left out because their header and targets alone are too long
}

// Plus returns the counts of both.
func (f Fit) Plus(g Fit) Fit {
	return Fit{f.CutWindows + g.CutWindows, f.CutLines + g.CutLines, f.TooLong + g.TooLong}
}

// Measured is a list of windows that have been read once for their sizes.
type Measured struct {
	Fit
	Windows []int // those that fit, in the order of the list
	Lengths []int // ids of each of Windows
	Targets []int // target tokens of each of Windows
	Total   Size  // of all of Windows
	Longest Size  // the largest of each over all of Windows; Longest.Windows is 1

	maxTokens int
	tooLong   *TooLongError // of the last window left out
}

// Measure reads the windows of a list. It passes each that fits to visit, which may be nil, and reports progress in windows.
func (r *Reader) Measure(ctx context.Context, list []int, visit func(w *Window) error, progress windows.Progress) (*Measured, error) {
	m := &Measured{maxTokens: r.max}
	for n, i := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w, err := r.Read(i)
		progress.Report(int64(n+1), int64(len(list)))
		if errors.As(err, &m.tooLong) {
			m.TooLong++
			continue
		}
		if err == nil && visit != nil {
			err = visit(&w)
		}
		if err != nil {
			return nil, err
		}
		m.add(i, &w)
	}
	return m, nil
}

func (m *Measured) add(i int, w *Window) {
	m.Windows = append(m.Windows, i)
	m.Lengths = append(m.Lengths, len(w.IDs))
	m.Targets = append(m.Targets, w.TargetTokens())
	if w.Cut > 0 {
		m.CutWindows++
		m.CutLines += w.Cut
	}
	m.Total = m.Total.Plus(w)
	m.Longest = Size{Tokens: max(m.Longest.Tokens, len(w.IDs)), Windows: 1, Targets: max(m.Longest.Targets, w.TargetTokens())}
}

// RequireSome returns an error if all windows of the list were left out as too long.
func (m *Measured) RequireSome() error {
	if len(m.Windows) > 0 || m.tooLong == nil {
		return nil
	}
	option := usererr.Option("max_seq_length")
	return usererr.With(fmt.Errorf("no window fits %v %d: %w", option, m.maxTokens, m.tooLong), "raise %v", option)
}
