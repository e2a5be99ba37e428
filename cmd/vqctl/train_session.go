package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"ventriloquist/engine"
	"ventriloquist/internal/datacheck"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/tokenizer"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// trainSession is a run and all that it holds: files, device, memory. The steps of open fill it in order.
type trainSession struct {
	team      *runProcesses
	options   trainOptions
	view      *trainView
	start     trainStart
	files     *model.Model
	adapter   *adapter.Adapter
	data      *train.Data
	sizes     windowSizes // of the windows to train on
	device    *engine.Device
	precision engine.DType
	limits    engine.TrainLimits
	planned   uint64 // bytes of the memory plan
	tokenizer *tokenizer.Tokenizer
	handles   train.Handles
	closers   []func()
}

// openTrainSession prepares a run, up to its first step.
func openTrainSession(ctx context.Context, team *runProcesses, o trainOptions, out io.Writer) (*trainSession, error) {
	s := &trainSession{team: team, options: o, view: newTrainView(out, o.json, o.settings.Patience)}
	err := s.inOrder(ctx, s.requireFree, s.openFiles, s.readData, s.openDevice, s.checkResume)
	if err = team.agree(err, s.facts()); err == nil {
		err = s.inOrder(ctx, s.plan, s.lockOutput, s.load)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// inOrder takes steps until one fails.
func (s *trainSession) inOrder(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *trainSession) requireFree(context.Context) error {
	if !s.team.leads() {
		return nil
	}
	if err := train.RequireFree(s.options.settings.OutputDir); err != nil {
		return err
	}
	s.view.earlier(s.options)
	return nil
}

// facts are what the processes of a run must have in common.
func (s *trainSession) facts() []fact {
	if s.team == nil || s.data == nil || s.device == nil {
		return nil
	}
	o, p := s.options, s.options.settings
	return []fact{
		{"version", version},
		{"instruction set", s.device.Info().Instructions},
		{"base model", s.handles.Base},
		{"windows", s.data.Fingerprint()},
		{"held-out windows", fmt.Sprint(len(s.data.HeldOut.Windows))},
		{"options", fmt.Sprintf("%+v", o.run)},
		{"adapter", fmt.Sprintf("r %d, alpha %g, dropout %g, targets %s, from %q", s.adapter.R, s.adapter.Alpha, s.adapter.Dropout, shortNames(s.adapter.Targets), s.start.adapterFrom)},
		{"options", fmt.Sprintf("eval-steps %d, patience %d, save-steps %d", p.EvalSteps, p.Patience, p.SaveSteps)},
		{"checkpoint", fmt.Sprintf("%q, step %d", s.start.resumeFrom, s.start.state.Step)},
	}
}

// close frees what the session holds, the latest first.
func (s *trainSession) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// onClose registers a function for close to call.
func (s *trainSession) onClose(f func()) { s.closers = append(s.closers, f) }

// openFiles opens the base model, and makes or loads the adapter.
func (s *trainSession) openFiles(context.Context) (err error) {
	if s.start, err = s.options.start(); err != nil {
		return err
	}
	base, err := model.Resolve(s.start.baseModel)
	if err != nil {
		return err
	}
	if s.files, err = base.Open(); err != nil {
		return err
	}
	s.onClose(func() { s.files.Close() })
	s.adapter, err = s.start.adapter(s.options, s.files)
	return err
}

// readData reads and measures all windows.
func (s *trainSession) readData(ctx context.Context) error {
	o := &s.options
	encoder, err := load.Tokenizer(s.files)
	if err != nil {
		return err
	}
	s.tokenizer = encoder
	source, err := openWindows(ctx, o.dataPath, o.dataDir)
	if err != nil {
		return err
	}
	s.onClose(func() { source.Close() })
	o.run.MemoryTokens = windows.MemoryTokens(source)
	source = windows.WithMemory(source, o.run.MemoryTokens, tokenCount(encoder))
	if source, err = s.plantCanaries(source); err != nil {
		return err
	}
	report, finish := newProgress("tokenizing windows", "windows")
	read := int64(0)
	training, heldOut := o.splitWindows(source)
	watched, checker := datacheck.Watch(source, training, heldOut)
	s.data, err = train.ReadData(ctx, watched, encoder, o.run.MaxSeqLength, o.run.Limit, func() {
		read++
		report(read, int64(source.Len()))
	})
	finish()
	if err == nil {
		o.choose(o.recipeData(source, training, heldOut))
		s.view.data(s.data, o.run, o.settings.RunName)
		s.view.settings(o, checker.Findings())
		s.sizes = sizesOf(source, s.data)
	}
	return err
}

func (s *trainSession) openDevice(context.Context) (err error) {
	o := &s.options
	threads := o.model.threads
	if s.team != nil && threads == 0 {
		threads = s.team.threads
	}
	if s.device, err = load.Device(o.model.at, threads); err != nil {
		return err
	}
	s.onClose(s.device.Close)
	if s.team != nil && s.device.Info().DiscreteMemory {
		return usererr.With(errors.New("several processes cannot train on GPUs yet"), "train on the processors with --cpu, or in one process")
	}
	if s.precision, err = load.Precision(o.model.precision, s.device); err != nil {
		return err
	}
	o.run.Precision = s.precision.String()
	if o.model.weights != engine.Plain {
		o.run.Weights = o.model.weights.String()
	}
	return nil
}

// checkResume returns an error if the run to resume had other options, data or weights.
func (s *trainSession) checkResume(context.Context) (err error) {
	defer waiting("checking the base model")()
	if s.handles.Base, err = s.files.Fingerprint(); err != nil || s.options.resume == nil {
		return err
	}
	return s.start.state.RequireSame(s.options.resumed(), s.options.run, s.data, s.handles.Base)
}

// plan finds limits that fit. It measures the device before the run allocates its memory, because measuring needs some too.
func (s *trainSession) plan(context.Context) (err error) {
	limits := s.data.Limits(s.options.run)
	limits.Ranks = s.team.world()
	fit, err := s.options.planTraining(s.view, s.team.sharing(), s.device, s.files, s.adapter, s.precision, limits)
	if err != nil {
		return err
	}
	s.limits, s.planned = fit.Limits, fit.Memory.Total
	if !s.team.leads() {
		return nil
	}
	finish := waiting("measuring the device")
	err = s.view.measurePeak(s.device, s.files.Config, s.precision, s.limits)
	finish()
	if err != nil {
		return err
	}
	return s.cost(fit)
}

// lockOutput checks that the run's checkpoints can be written, before hours of training.
func (s *trainSession) lockOutput(ctx context.Context) error {
	if !s.team.leads() {
		return nil
	}
	release, err := train.LockOutputDir(s.options.settings.OutputDir)
	if err != nil {
		return err
	}
	s.onClose(release)
	recorded := make(chan struct{})
	go func() { // what writes messages.db does not keep training from starting
		recordOutput(ctx, s.options.dataDir, s.options.settings.OutputDir)
		close(recorded)
	}()
	s.onClose(func() { <-recorded })
	o := &s.options
	room, err := train.RequireRoom(o.run, &o.settings, s.data, s.adapter, s.start.state.Step)
	if err == nil {
		s.view.room(room, o.settings)
	}
	return err
}

// load allocates the memory of the run.
func (s *trainSession) load(ctx context.Context) (err error) {
	defer waiting("loading the model")()
	h := &s.handles
	h.Log = logOf(ctx)
	if h.Model, err = load.Model(s.device, s.files, s.precision, s.options.model.weights, true); err != nil {
		return err
	}
	s.onClose(h.Model.Close)
	if h.Adapter, err = load.Adapter(h.Model, s.adapter); err != nil {
		return err
	}
	s.onClose(h.Adapter.Close)
	if h.Trainer, err = s.newTrainer(); err != nil {
		return err
	}
	s.onClose(h.Trainer.Close)
	h.Files = s.adapter
	s.view.live = newTrainLine(s.view.peak, s.start.state.Step, s.options.run.TotalSteps(s.data.Steps(s.options.run)))
	h.OnProgress = func(p train.Progress) {
		tellBegun()
		s.view.live.progress(p)
	}
	h.Printed = os.Getenv(printedVariable)
	h.Machine, h.Memory, h.OpenSink = s.machine(), memoryTaken, s.exporter(h.Log)
	h.Comm = s.team.communicator()
	if n := s.options.settings.Samples; n > 0 && s.team.leads() && s.options.settings.EvalSteps > 0 {
		samples := newSampler(s, n)
		s.onClose(samples.close)
		h.Sample = samples.write
	}
	return load.TuneGEMMs(s.device, h.Trainer, logOf(ctx))
}

func (s *trainSession) newTrainer() (*engine.Trainer, error) {
	if s.team == nil {
		return s.handles.Model.NewTrainer(s.handles.Adapter, s.limits, true)
	}
	return s.handles.Model.NewShardedTrainer(s.handles.Adapter, s.limits, s.team.comm)
}

// newRun makes the run, and takes it to the checkpoint to resume from, if any.
func (s *trainSession) newRun() (*train.Run, error) {
	run, err := train.NewRun(s.options.run, s.options.settings, s.data, s.handles)
	if err != nil || s.options.resume == nil {
		return run, err
	}
	if s.start.resumeFrom == "" {
		s.view.resumed("", run)
		return run, nil
	}
	if err := run.Resume(s.start.resumeFrom, s.start.state); err != nil {
		return nil, err
	}
	s.view.resumed(s.start.resumeFrom, run)
	return run, nil
}
