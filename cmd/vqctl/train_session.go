package main

import (
	"context"
	"io"
	"os"

	"ventriloquist/engine"
	"ventriloquist/internal/datacheck"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/tokenizer"
	"ventriloquist/internal/train"
)

// trainSession is a run and all that it holds: files, device, memory. The steps of open fill it in order.
type trainSession struct {
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
func openTrainSession(ctx context.Context, o trainOptions, out io.Writer) (*trainSession, error) {
	if err := train.RequireFree(o.settings.OutputDir); err != nil {
		return nil, err
	}
	s := &trainSession{options: o, view: newTrainView(out, o.json, o.settings.Patience)}
	s.view.earlier(o)
	for _, step := range []func(context.Context) error{s.openFiles, s.readData, s.openDevice, s.checkResume, s.plan, s.lockOutput, s.load} {
		if err := step(ctx); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
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
	if s.device, err = load.Device(o.model.at, o.model.threads); err != nil {
		return err
	}
	s.onClose(s.device.Close)
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
	fit, err := s.options.planTraining(s.view, s.device, s.files, s.adapter, s.precision, s.data.Limits(s.options.run))
	if err != nil {
		return err
	}
	s.limits, s.planned = fit.Limits, fit.Memory.Total
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
	if h.Trainer, err = h.Model.NewTrainer(h.Adapter, s.limits, true); err != nil {
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
	if n := s.options.settings.Samples; n > 0 && s.options.settings.EvalSteps > 0 {
		samples := newSampler(s, n)
		s.onClose(samples.close)
		h.Sample = samples.write
	}
	return load.TuneGEMMs(s.device, h.Trainer, logOf(ctx))
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
