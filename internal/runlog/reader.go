package runlog

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"

	"ventriloquist/internal/regularfile"
)

// Log is what a log holds.
type Log struct {
	Starts      []Start   // the first, and one for each time that the run was resumed
	Steps       []Metrics // with ascending steps
	Evaluations []Evaluation
	Samples     []Sample
	Done        *Done
}

// Read reads a log.
func Read(path string) (*Log, error) {
	f := NewFollower(path)
	_, err := f.Update()
	return &f.Log, err
}

// errFound ends the reading of a log early.
var errFound = errors.New("found")

// NameIn returns the name of the run in a log, "" if it has none.
func NameIn(path string) (name string) {
	_ = through(path, func(f io.Reader, _ int64) error {
		_, err := eachLine(f, func(line []byte) error { // the first line has it
			var start Start
			if json.Unmarshal(line, &start) == nil && start.Event == StartEvent {
				name = start.Name
			}
			return errFound
		})
		return err
	})
	return name
}

// add takes an event. Damaged and unknown lines are skipped.
func (l *Log) add(line []byte) {
	var h head
	if json.Unmarshal(line, &h) != nil || h.Step < 0 {
		return
	}
	switch h.Event {
	case StartEvent:
		take(&l.Starts, line, func(Start) bool { return true })
	case StepEvent:
		take(&l.Steps, line, func(m Metrics) bool {
			return len(l.Steps) == 0 || m.Step > l.Steps[len(l.Steps)-1].Step
		})
	case EvaluationEvent:
		take(&l.Evaluations, line, func(e Evaluation) bool {
			return len(l.Evaluations) == 0 || e.Step > l.Evaluations[len(l.Evaluations)-1].Step
		})
	case SampleEvent:
		take(&l.Samples, line, func(Sample) bool { return true })
	case DoneEvent:
		var done Done
		if json.Unmarshal(line, &done) == nil {
			l.Done = &done
		}
	}
}

func take[E any](list *[]E, line []byte, wanted func(E) bool) {
	var event E
	if json.Unmarshal(line, &event) == nil && wanted(event) {
		*list = append(*list, event)
	}
}

// finish completes what logs of earlier versions do not have: evaluations, which are only in their steps.
func (l *Log) finish() {
	if len(l.Starts) > 0 {
		return
	}
	l.Evaluations = nil
	for _, s := range l.Steps {
		if s.EvalLoss == nil {
			continue
		}
		if len(l.Evaluations) == 0 && s.BaseEvalLoss != nil {
			l.Evaluations = append(l.Evaluations, Evaluation{Event: EvaluationEvent, Loss: *s.BaseEvalLoss})
		}
		l.Evaluations = append(l.Evaluations, Evaluation{Event: EvaluationEvent, Step: s.Step, Loss: *s.EvalLoss})
	}
}

// Empty reports whether the log holds no event.
func (l *Log) Empty() bool {
	return len(l.Starts) == 0 && len(l.Steps) == 0 && len(l.Evaluations) == 0 && l.Done == nil
}

// Step returns the number of the last step of the log, or that of the checkpoint from which the run was resumed.
func (l *Log) Step() int {
	step := 0
	if n := len(l.Starts); n > 0 {
		step = l.Starts[n-1].Step
	}
	if n := len(l.Steps); n > 0 {
		step = max(step, l.Steps[n-1].Step)
	}
	return step
}

// TotalSteps returns the number of steps of the whole run, 0 if it is unknown.
func (l *Log) TotalSteps() int {
	if n := len(l.Starts); n > 0 {
		return l.Starts[n-1].TotalSteps
	}
	return 0
}

// Base returns the evaluation of the base model, nil if there is none.
func (l *Log) Base() *Evaluation {
	if len(l.Evaluations) > 0 && l.Evaluations[0].Step == 0 {
		return &l.Evaluations[0]
	}
	return nil
}

// Last returns the latest evaluation of the adapter, nil if there is none.
func (l *Log) Last() *Evaluation {
	if n := len(l.Evaluations); n > 0 && l.Evaluations[n-1].Step > 0 {
		return &l.Evaluations[n-1]
	}
	return nil
}

// Best returns the evaluation of the adapter with the lowest loss, nil if there is none.
func (l *Log) Best() (best *Evaluation) {
	for i := range l.Evaluations {
		if e := &l.Evaluations[i]; e.Step > 0 && (best == nil || e.Loss < best.Loss) {
			best = e
		}
	}
	return best
}

// People returns the authors of held-out messages, those with the most target tokens first.
func (l *Log) People() []string {
	tokens := map[string]int{}
	for _, e := range l.Evaluations {
		for name, f := range e.PerContact {
			tokens[name] = max(tokens[name], f.TargetTokens)
		}
	}
	names := make([]string, 0, len(tokens))
	for name := range tokens {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if tokens[a] != tokens[b] {
			return tokens[b] - tokens[a]
		}
		if a < b {
			return -1
		}
		return 1
	})
	return names
}

// Finite reports whether a value can be drawn.
func Finite(x float64) bool { return !math.IsNaN(x) && math.Abs(x) < 1e30 }

// Follower keeps a Log up to date.
type Follower struct {
	Log
	path string
	read int64       // bytes, up to the end of a line
	file os.FileInfo // that was read
}

// NewFollower returns a follower of a log that has read nothing yet.
func NewFollower(path string) *Follower { return &Follower{path: path} }

// Update reads what was appended. It reports whether there was something new. A log that does not exist yet is empty; one that was
// replaced is read again.
func (f *Follower) Update() (changed bool, err error) {
	file, err := regularfile.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		changed = f.read > 0
		f.Log, f.read, f.file = Log{}, 0, nil
		return changed, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	if f.file != nil && (!os.SameFile(info, f.file) || info.Size() < f.read) {
		f.Log, f.read, changed = Log{}, 0, true
	}
	f.file = info
	if info.Size() == f.read {
		return changed, nil
	}
	if _, err := file.Seek(f.read, io.SeekStart); err != nil {
		return changed, err
	}
	read, err := eachLine(file, func(line []byte) error {
		f.add(line)
		return nil
	})
	f.read += read
	f.finish()
	return changed || read > 0, err
}
