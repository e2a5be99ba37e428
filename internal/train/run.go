// Package train is the training loop: it decides which windows make which step at which rate, keeps the engine fed,
// measures, and writes checkpoints from which a run goes on to the same bytes.
//
// In: windows (a windows.Source), an adapter on an engine's trainer, Options. Out: StepMetrics, and folders
// checkpoint-N and final, each a PEFT adapter with what resuming needs. The package must not know where windows come
// from, how files of models look, nor how anything is shown.
package train

import (
	"math"
	"time"

	"go.uber.org/zap"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model/adapter"
)

// Run is a training run. One goroutine at a time may use it.
type Run struct {
	opts     Options
	settings RunSettings
	data     *Data
	people   People // whose conversations it has seen
	steps    Steps
	schedule Schedule

	model   engine.ModelConfig
	trainer *engine.Trainer
	adapter *engine.Adapter  // what is trained
	files   *adapter.Adapter // the same, as it is read from and written to files
	base    string           // fingerprint of the base model

	step          int    // optimizer steps done
	hasCheckpoint bool   // whether the run has written a checkpoint yet, or resumes from one
	archiveDir    string // folder for what an earlier run left in the output folder, "" before it is needed

	orderEpoch int
	orderNow   []int

	log         *zap.Logger
	slot        int       // of the next micro-batch
	lastStepEnd time.Time // when the last step ended
}

// Handles is what a run trains: the adapter, on its model, by the trainer; and Files, the adapter as it is read from and
// written to files, whose matrices must be the engine's when the run begins. Base is the base model's fingerprint.
type Handles struct {
	Base    string
	Model   *engine.Model
	Adapter *engine.Adapter
	Trainer *engine.Trainer
	Files   *adapter.Adapter
	Log     *zap.Logger // nil: nothing is logged
}

// NewRun prepares a run of opts on data.
func NewRun(opts Options, settings RunSettings, data *Data, m Handles) (*Run, error) {
	if m.Log == nil {
		m.Log = zap.NewNop()
	}
	r := &Run{opts: opts, log: m.Log, settings: settings, data: data,
		model: m.Model.Config(), adapter: m.Adapter, trainer: m.Trainer, files: m.Files, base: m.Base,
		people: data.people().union(peopleOf(settings.ContinueFrom))}
	r.steps = data.Steps(opts)
	var err error
	r.schedule, err = NewSchedule(opts.Scheduler, opts.LearningRate, opts.WarmupRatio, opts.TotalSteps(r.steps))
	return r, err
}

// Steps is how the windows of the data fall into steps.
func (d *Data) Steps(o Options) Steps {
	return Steps{Windows: len(d.Train), BatchSize: o.BatchSize, Accumulation: o.Accumulation}
}

// TotalSteps is the number of optimizer steps of the whole run: MaxSteps, or what the Epochs take.
func (o Options) TotalSteps(s Steps) int {
	if o.MaxSteps > 0 {
		return o.MaxSteps
	}
	return int(math.Ceil(o.Epochs * float64(s.PerEpoch())))
}

// Limits is the largest micro-batch of a run.
func (d *Data) Limits(o Options) engine.TrainLimits {
	size := d.limits(o.BatchSize)
	return engine.TrainLimits{MaxTokens: size.Tokens, MaxWindows: size.Windows, MaxTargets: size.Targets}
}

// Step is the number of optimizer steps done, TotalSteps of the run's.
func (r *Run) Step() int { return r.step }

// TotalSteps is the number of optimizer steps that the run has when it is done.
func (r *Run) TotalSteps() int { return r.schedule.TotalSteps }

// downloadAdapter brings files' matrices up to date with the engine's.
func (r *Run) downloadAdapter() error {
	return load.EachPair(r.files, func(layer int, target engine.Target, p *adapter.Pair) error {
		return r.adapter.Read(layer, target, p.A, p.B)
	})
}
