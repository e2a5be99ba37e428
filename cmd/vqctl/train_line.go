package main

import (
	"fmt"
	"sync"
	"time"

	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
)

// trainLine is the live line of a training run: the last step, how long the running one has taken so far, and the time left.
type trainLine struct {
	peak  float64 // GFLOP/s of a GEMM of the model's shape
	total int     // steps

	mu      sync.Mutex
	begun   int // steps done before
	done    int // steps
	last    *train.StepMetrics
	rate    float64 // seconds per step, smoothed
	running time.Time
	now     train.Progress
}

func newTrainLine(peak float64, done, total int) *trainLine {
	return &trainLine{peak: peak, total: total, begun: done, done: done, running: time.Now()}
}

// step notes a finished step.
func (l *trainLine) step(m train.StepMetrics, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seconds := m.Elapsed.Seconds()
	if l.rate == 0 {
		l.rate = seconds
	}
	l.rate += 0.1 * (seconds - l.rate)
	l.done, l.last, l.running = m.Step, &m, now
}

// progress notes what the run is doing.
func (l *trainLine) progress(p train.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now.Doing != p.Doing && l.last == nil {
		l.running = time.Now() // the first step begins after the base model is evaluated
	}
	l.now = p
}

// doing returns what the run is doing, if it takes longer.
func (l *trainLine) doing(now time.Time) string {
	p, since := l.now, now.Sub(l.running)
	switch {
	case p.Doing == train.Stepping && p.Step > l.done:
		if l.last != nil && since < time.Second {
			return "" // steps are fast
		}
		return fmt.Sprintf("micro-batch %d/%d for %s", p.Done, p.Total, terminal.Duration(since))
	case p.Total > 0:
		return fmt.Sprintf("%s %d/%d windows", p.Doing, p.Done, p.Total)
	case p.Doing == train.Sampling:
		return train.Sampling
	case p.Doing == train.Saving:
		return "saving a checkpoint"
	}
	return ""
}

// left returns the time that the run will still take, 0 if no step has ended yet.
func (l *trainLine) left() time.Duration {
	return time.Duration(l.rate * float64(l.total-l.done) * float64(time.Second))
}

// pace returns how many steps this process has done, the seconds per step and the time left.
func (l *trainLine) pace() (steps int, perStep float64, left time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done - l.begun, l.rate, l.left()
}

// guess returns the time left before a step has ended, from the micro-batches; "" if that is not known.
func (l *trainLine) guess(now time.Time) string {
	p := l.now
	if p.Doing != train.Stepping || p.Done < 3 {
		return "" // the first ones take longer
	}
	perStep := float64(now.Sub(l.running)) / float64(p.Done) * float64(p.Total)
	return "about " + terminal.Duration(time.Duration(perStep*float64(l.total-l.done))) + " left"
}

// whenInterrupted says what an interrupt does, and how long that may take.
func (l *trainLine) whenInterrupted() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate == 0 {
		return "stopping after the running step, then saving a checkpoint"
	}
	left := max(time.Duration(l.rate*float64(time.Second))-time.Since(l.running), time.Second)
	return fmt.Sprintf("stopping after the running step (about %s), then saving a checkpoint", terminal.Duration(left))
}

func (l *trainLine) render(now time.Time, cells int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	shown := l.done
	if l.now.Step > shown {
		shown = l.now.Step // the running one
	}
	step := fmt.Sprintf("step %s/%s", terminal.Count(int64(shown)), terminal.Count(int64(l.total)))
	doing := l.doing(now)
	m := l.last
	if m == nil {
		return terminal.Fit(cells, terminal.Part{Text: step}, terminal.Part{Text: doing, Rank: 1}, terminal.Part{Text: l.guess(now), Rank: 2})
	}
	evalLoss := ""
	if m.EvalLoss != nil {
		evalLoss = fmt.Sprintf("eval loss %.4f", *m.EvalLoss)
	}
	return terminal.Fit(cells,
		terminal.Part{Text: step},
		terminal.Part{Text: terminal.Duration(l.left()) + " left", Rank: 1},
		terminal.Part{Text: fmt.Sprintf("loss %.4f", m.Loss), Rank: 2},
		terminal.Part{Text: evalLoss, Rank: 4},
		terminal.Part{Text: terminal.Rate(m.TokensPerSecond, "tokens"), Rank: 5},
		terminal.Part{Text: fmt.Sprintf("epoch %.2f", m.Epoch), Rank: 6},
		terminal.Part{Text: fmt.Sprintf("lr %.2e", m.LearningRate), Rank: 7},
		terminal.Part{Text: fmt.Sprintf("grad %.3f", m.GradNorm), Rank: 8},
		terminal.Part{Text: fmt.Sprintf("%.0f%% of peak", 100*m.FLOPs/m.Elapsed.Seconds()/1e9/l.peak), Rank: 9},
		terminal.Part{Text: doing, Rank: 3})
}
