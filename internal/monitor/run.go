package monitor

import (
	"path/filepath"
	"time"

	"ventriloquist/internal/runlog"
)

// Run is a run that is shown.
type Run struct {
	Folder string
	name   string // "" if it has none

	training func() bool
	follower *runlog.Follower
	now      bool // it trains now
	err      error
}

// NewRun follows the run in a folder. training reports whether it trains now.
func NewRun(folder, name string, training func() bool) *Run {
	return &Run{Folder: folder, name: name, training: training, follower: runlog.NewFollower(runlog.Path(folder))}
}

// Update reads what is new. It reports whether something changed.
func (r *Run) Update() bool {
	was, failed := r.now, r.err
	r.now = r.training()
	changed, err := r.follower.Update()
	r.err = err
	return changed || was != r.now || (failed == nil) != (err == nil)
}

// Err returns why the log cannot be read.
func (r *Run) Err() error { return r.err }

func (r *Run) log() *runlog.Log { return &r.follower.Log }

// Title returns the run's name, else its folder.
func (r *Run) Title() string {
	if starts := r.log().Starts; len(starts) > 0 && starts[len(starts)-1].Name != "" {
		return starts[len(starts)-1].Name
	}
	if r.name != "" {
		return r.name
	}
	return filepath.Clean(r.Folder)
}

// State returns what a run is doing, in a word.
func (r *Run) State() string {
	l := r.log()
	switch {
	case r.now && l.Empty():
		return "preparing"
	case r.now:
		return "training"
	case l.Done != nil && l.Done.StoppedAfter > 0:
		return "stopped early"
	case l.Done != nil:
		return "finished"
	case l.Empty():
		return "not begun"
	}
	return "interrupted"
}

// rateSteps is how many reported steps the rate is measured over.
const rateSteps = 20

// secondsPerStep returns how long a step takes, evaluations included, 0 if it is not known.
func (r *Run) secondsPerStep() float64 {
	steps, from := r.log().Steps, 0
	if starts := r.log().Starts; len(starts) > 0 {
		from = starts[len(starts)-1].Step // not the pause before the run was resumed
	}
	var first, last *runlog.Metrics
	for i := max(0, len(steps)-rateSteps); i < len(steps); i++ {
		if steps[i].Time == nil || steps[i].Step <= from {
			continue
		}
		if first == nil {
			first = &steps[i]
		}
		last = &steps[i]
	}
	if first == nil || last.Step == first.Step {
		return 0
	}
	return max(0, last.Time.Sub(*first.Time).Seconds()/float64(last.Step-first.Step))
}

// Left returns how long the run will still take; known is false before it can be said, and when the run does not train.
func (r *Run) Left(now time.Time) (left time.Duration, known bool) {
	l := r.log()
	perStep, steps := r.secondsPerStep(), l.Steps
	if !r.now || perStep == 0 || l.TotalSteps() == 0 {
		return 0, false
	}
	seconds := perStep*float64(l.TotalSteps()-l.Step()) - now.Sub(*steps[len(steps)-1].Time).Seconds()
	return time.Duration(max(seconds, 0) * float64(time.Second)), seconds < 1e9
}

// recentLoss returns the mean training loss of the last reported steps.
func (r *Run) recentLoss() (mean float64, steps int) {
	list := r.log().Steps
	list = list[max(0, len(list)-rateSteps/2):]
	for _, m := range list {
		mean += m.Loss / float64(len(list))
	}
	return mean, len(list)
}

// last returns the last reported step, nil if there is none.
func (r *Run) last() *runlog.Metrics {
	if n := len(r.log().Steps); n > 0 {
		return &r.log().Steps[n-1]
	}
	return nil
}
