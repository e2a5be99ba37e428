// Package train is the training loop: it decides which windows make up each step and at which rate, keeps the engine fed,
// measures, and writes checkpoints from which a run resumes bit-exactly.
//
// In: windows (a windows.List), an adapter on an engine's trainer, Options. Out: StepMetrics, the log of the run (runlog), and the
// folders checkpoint-N, final and best, each a PEFT adapter; all but best have what resuming needs. It must not know: where windows come from, the formats of model
// files, how anything is displayed.
package train

import (
	"context"
	"math"
	"time"

	"go.uber.org/zap"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/runlog"
)

// Run is a training run. It is not safe for concurrent use.
type Run struct {
	opts     Options
	settings RunSettings
	data     *Data
	people   People // whose conversations the adapter has seen
	steps    Steps
	schedule Schedule

	model   engine.ModelConfig
	trainer *engine.Trainer
	adapter *engine.Adapter  // being trained
	files   *adapter.Adapter // the same adapter, as it is read from and written to files
	base    string           // fingerprint of the base model

	step          int    // optimizer steps done
	resumed       bool   // from a checkpoint
	hasCheckpoint bool   // the run has written a checkpoint or resumes from one
	saved         bool   // a complete checkpoint of this run is there
	printed       string // see Handles.Printed
	planted       []byte // see Handles.Planted
	archiveDir    string // holds what an earlier run left in the output folder; "" until needed

	baseEvalLoss *float64       // of the base model on the held-out windows; nil: not measured
	evaluations  []Evaluation   // so far
	metrics      *runlog.Writer // nil if it cannot be written
	since        tally          // of the steps since the last evaluation
	ownsBest     bool           // the folder best is of this run, or not there
	summary      Summary

	orderEpoch int
	orderNow   []int

	log            *zap.Logger
	onProgress     func(Progress)
	sample         Sampler // nil: no samples
	machine        runlog.Machine
	memory         func() uint64
	openSink       func(log *runlog.Log) (runlog.Sink, error)
	now            func() time.Time
	comm           *engine.Comm    // the processes of the run; nil: this one alone
	asked          context.Context // canceled when this process is asked to stop
	stop           func()          // cancels the context that the run's parts take
	slow           slowness
	lastCheckpoint string // "" if there is none

	slot        int       // slot of the next micro-batch
	lastStepEnd time.Time // when the last step ended
	lastSave    time.Time // when the last checkpoint was written, or the run began
	begun       time.Time
}

// Handles are what a run trains: the adapter, its model and the trainer. Files is the adapter as it is read from and written
// to files; its matrices must be the engine's when the run begins. Base is the fingerprint of the base model.
type Handles struct {
	Base    string
	Model   *engine.Model
	Adapter *engine.Adapter
	Trainer *engine.Trainer
	Comm    *engine.Comm // the processes that the trainer shares the run with; nil: none
	Files   *adapter.Adapter
	Log     *zap.Logger // nil: nothing is logged
	// OnProgress is called while a step, an evaluation or a save goes on; may be nil.
	OnProgress func(Progress)
	Sample     Sampler // nil: no samples
	// Machine and Memory are for the log of the run: where it trains, and the bytes that the process holds now. Memory may be nil.
	Machine runlog.Machine
	Memory  func() uint64
	// Printed is the file that has what this process prints until the run begins, which renames it to OutputFile; "" for none.
	Printed string
	// Planted is the content of the file PlantedFile in the output folder; nil for none.
	Planted []byte
	// OpenSink opens a sink that the events of the run go to as well, after those that its log holds; may be nil.
	OpenSink func(log *runlog.Log) (runlog.Sink, error)
}

// Sampler writes a few fixed held-out messages again with the adapter as it is. It must not change what the run computes.
type Sampler func(ctx context.Context) ([]runlog.Sample, error)

// What a run is doing.
const (
	Stepping      = "training"
	Evaluating    = "evaluating"
	MeasuringBase = "evaluating the base model"
	Saving        = "saving"
	Sampling      = "writing samples"
)

// Progress is how far a run is in what it is doing.
type Progress struct {
	Doing       string // Stepping, Evaluating, MeasuringBase, Saving or Sampling
	Step        int    // optimizer step
	Done, Total int    // micro-batches that have begun, or windows that are evaluated
}

func (r *Run) progress(p Progress) {
	if r.onProgress != nil {
		r.onProgress(p)
	}
}

// NewRun prepares a training run.
func NewRun(opts Options, settings RunSettings, data *Data, m Handles) (*Run, error) {
	if m.Log == nil {
		m.Log = zap.NewNop()
	}
	r := &Run{opts: opts, log: m.Log, onProgress: m.OnProgress, sample: m.Sample, machine: m.Machine, memory: m.Memory, openSink: m.OpenSink, printed: m.Printed, planted: m.Planted, now: time.Now, settings: settings, data: data,
		model: m.Model.Config(), adapter: m.Adapter, trainer: m.Trainer, comm: m.Comm, files: m.Files, base: m.Base,
		people: data.people().union(peopleOf(settings.ContinueFrom))}
	r.files.BaseFingerprint = m.Base
	r.slow.waited = make([]float64, r.world())
	r.steps = data.Steps(opts)
	var err error
	r.schedule, err = NewSchedule(opts.Scheduler, opts.LearningRate, opts.WarmupRatio, opts.TotalSteps(r.steps))
	return r, err
}

// Steps divides the windows into steps.
func (d *Data) Steps(o Options) Steps {
	return Steps{Windows: len(d.Train), BatchSize: o.BatchSize, Accumulation: o.Accumulation}
}

// TotalSteps returns the number of optimizer steps of the whole run: MaxSteps if given, else those of all epochs.
func (o Options) TotalSteps(s Steps) int {
	if o.MaxSteps > 0 {
		return o.MaxSteps
	}
	return int(math.Ceil(o.Epochs * float64(s.PerEpoch())))
}

// Limits returns the size of the largest micro-batch of a run.
func (d *Data) Limits(o Options) engine.TrainLimits {
	size := d.limits(o.BatchSize)
	return engine.TrainLimits{MaxTokens: size.Tokens, MaxWindows: size.Windows, MaxTargets: size.Targets}
}

// Step returns the number of optimizer steps done.
func (r *Run) Step() int { return r.step }

// TotalSteps returns the number of optimizer steps of the whole run.
func (r *Run) TotalSteps() int { return r.schedule.TotalSteps }

// Summary returns how a finished run ended. Numbers that were not measured are nil.
func (r *Run) Summary() Summary { return r.summary }

// downloadAdapter copies the engine's matrices to r.files.
func (r *Run) downloadAdapter() error {
	return load.EachPair(r.files, func(layer int, target engine.Target, p *adapter.Pair) error {
		return r.adapter.Read(layer, target, p.A, p.B)
	})
}
