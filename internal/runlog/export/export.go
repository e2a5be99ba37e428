// Package export writes the events of a training run in the formats of other programs: TensorBoard's event files, and offline runs of
// Weights & Biases, which `wandb sync` uploads.
//
// In: the events of a run (runlog). Out: files in its output folder; nothing is sent anywhere. Names and texts of people are only
// written if that is asked for. It must not know: how a model is trained.
package export

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/runlog"
)

// The formats.
const (
	TensorBoard = "tensorboard"
	WandB       = "wandb"
)

// Formats are the names of the formats. Each is also the name of its folder in the output folder.
var Formats = []string{TensorBoard, WandB}

// Options say what is written.
type Options struct {
	Formats []string
	Texts   bool   // also names of people, with their losses, and samples
	Project string // of Weights & Biases
	Entity  string // of Weights & Biases; "" for the default of who uploads
}

// writer writes one format.
type writer interface {
	// begin starts the file, for a run that began then.
	begin(s *runlog.Start) error
	// add adds values that belong to a step.
	add(r *record) error
	// end is called with how the run ended, last.
	end(done *runlog.Done) error
	sync()
	close()
}

// record is all values of a step, by name.
type record struct {
	step    int
	at      time.Time
	numbers map[string]float64
	texts   map[string]string
}

// Exporter is a runlog.Sink.
type Exporter struct {
	options Options
	writers []writer
	begun   bool
	pending *record
	failed  func(error)
}

// Open starts the files in an output folder anew, with what the log of the run holds so far. A failure later is reported once, and
// ends the export.
func Open(folder string, o Options, log *runlog.Log, failed func(error)) (*Exporter, error) {
	e := &Exporter{options: o, failed: failed}
	for _, format := range o.Formats {
		dir := filepath.Join(folder, format)
		if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
			return nil, err
		}
		switch format {
		case TensorBoard:
			e.writers = append(e.writers, &tensorBoard{folder: dir})
		case WandB:
			e.writers = append(e.writers, &wandb{folder: dir, options: o})
		default:
			return nil, fmt.Errorf("unknown format %q", format)
		}
	}
	e.replay(log)
	return e, nil
}

// replay adds the events of a log in their order.
func (e *Exporter) replay(l *runlog.Log) {
	if len(l.Starts) == 0 {
		return
	}
	e.Add(l.Starts[0])
	evaluations, samples := l.Evaluations, l.Samples
	until := func(step int) {
		for len(evaluations) > 0 && evaluations[0].Step <= step {
			e.Add(evaluations[0])
			for len(samples) > 0 && samples[0].Step <= evaluations[0].Step {
				e.Add(samples[0])
				samples = samples[1:]
			}
			evaluations = evaluations[1:]
		}
	}
	for _, m := range l.Steps {
		until(m.Step)
		e.Add(m)
	}
	until(math.MaxInt)
}

// Add takes an event.
func (e *Exporter) Add(event any) {
	switch event := event.(type) {
	case runlog.Start:
		if !e.begun {
			e.begun = true
			e.each(func(w writer) error { return w.begin(&event) })
		}
	case runlog.Metrics:
		at := time.Time{}
		if event.Time != nil {
			at = *event.Time
		}
		r := e.at(event.Step, at)
		for name, value := range map[string]float64{"train/loss": event.Loss, "train/grad_norm": event.GradNorm, "train/learning_rate": event.LearningRate,
			"train/epoch": event.Epoch, "train/tokens": float64(event.Tokens), "train/target_tokens": float64(event.TargetTokens),
			"train/tokens_per_second": event.TokensPerSecond, "train/memory_bytes": float64(event.Memory)} {
			r.numbers[name] = value
		}
	case runlog.Evaluation:
		r := e.at(event.Step, event.Time)
		r.numbers["eval/loss"], r.numbers["eval/perplexity"] = event.Loss, math.Exp(min(event.Loss, 80))
		if e.options.Texts {
			for name, f := range event.PerContact {
				r.numbers["eval/loss of "+strings.ReplaceAll(name, "/", "∕")] = f.Loss
			}
		}
	case runlog.Sample:
		if e.options.Texts {
			e.at(event.Step, event.Time).texts[fmt.Sprintf("samples/%d", event.Number)] = sampleText(&event)
		}
	case runlog.Done:
		e.flush()
		e.each(func(w writer) error { return w.end(&event) })
	}
}

// sampleText returns what is shown of a sample.
func sampleText(s *runlog.Sample) string {
	var text strings.Builder
	for _, l := range s.Context {
		fmt.Fprintf(&text, "%s: %s\n\n", l.Name, l.Text)
	}
	fmt.Fprintf(&text, "%s wrote: %s\n\nthe model wrote: %s", s.Real.Name, s.Real.Text, s.Text)
	return text.String()
}

// at returns the record of a step. Records of one step are written together.
func (e *Exporter) at(step int, at time.Time) *record {
	if e.pending != nil && e.pending.step != step {
		e.flush()
	}
	if e.pending == nil {
		e.pending = &record{step: step, at: at, numbers: map[string]float64{}, texts: map[string]string{}}
	}
	return e.pending
}

// flush writes the record that waits.
func (e *Exporter) flush() {
	if r := e.pending; r != nil {
		e.pending = nil
		e.each(func(w writer) error { return w.add(r) })
	}
}

// each calls write for each format, until one fails.
func (e *Exporter) each(write func(w writer) error) {
	for _, w := range e.writers {
		if err := write(w); err != nil {
			e.Close()
			e.writers = nil
			e.failed(err)
			return
		}
	}
}

// Sync makes what was written so far durable. The values of the latest step still wait for others of that step.
func (e *Exporter) Sync() {
	for _, w := range e.writers {
		w.sync()
	}
}

// Close writes what waits and closes the files.
func (e *Exporter) Close() {
	if r := e.pending; r != nil {
		e.pending = nil
		for _, w := range e.writers {
			_ = w.add(r) // the files end here in any case
		}
	}
	for _, w := range e.writers {
		w.close()
	}
}

// names returns the names of values in order.
func names[V any](values map[string]V) []string { return slices.Sorted(maps.Keys(values)) }

// create creates a private file.
func create(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
}
