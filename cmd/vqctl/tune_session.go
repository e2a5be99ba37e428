package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"ventriloquist/engine"
	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
	"ventriloquist/internal/tune"
	"ventriloquist/internal/usererr"
)

// tuneFile is in the output folder: the search so far.
const tuneFile = "tune.json"

// forwardShare is what evaluating a window takes of what training on it takes.
const forwardShare = 1. / 3

// tuneSession is a search and all that it holds. It trains and evaluates its trials: a tune.Trainer.
type tuneSession struct {
	*trainSession
	tune  tuneOptions
	out   io.Writer
	state *tune.State
	key   string // of the search: what decides its result
	shown *tuneView
}

// tuneRecord is tune.json.
type tuneRecord struct {
	Version int         `json:"version"`
	Search  string      `json:"search"`
	State   *tune.State `json:"state"`
}

const tuneVersion = 1

func openTuneSession(ctx context.Context, o tuneOptions, out io.Writer) (*tuneSession, error) {
	s := &tuneSession{trainSession: &trainSession{options: o.train, view: newTrainView(out, true, 0)}, tune: o, out: out}
	for _, step := range []func(context.Context) error{s.openFiles, s.readData, s.requireHeldOut, s.requireSettingsFile, s.openDevice, s.checkResume, s.planTrials, s.lockTrials, s.loadModel, s.readState} {
		if err := step(ctx); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *tuneSession) requireHeldOut(context.Context) error {
	s.tune.train = s.options // with what was chosen for the data
	if len(s.data.HeldOut.Windows) > 0 {
		return nil
	}
	return usererr.With(errors.New("there are no held-out windows to compare settings by"), "collect more messages per conversation, or train with the settings that are chosen")
}

// requireSettingsFile returns an error if the settings could not be written at the end of the search.
func (s *tuneSession) requireSettingsFile(context.Context) error {
	path := s.tune.path
	info := statOf(path)
	if path == "" || info != nil && !info.Mode().IsRegular() && !info.IsDir() { // a pipe or a device is written to
		return nil
	}
	err := train.CheckWritable(filepath.Dir(path))
	if err == nil && info != nil && info.IsDir() {
		err = errors.New("it is a folder")
	}
	if err != nil {
		return usererr.With(fmt.Errorf("cannot write %s: %w", path, err), "name another file with --settings, or have the settings printed with --print")
	}
	return nil
}

// planTrials prints the memory plan of the trials with the highest rank.
func (s *tuneSession) planTrials(context.Context) error {
	largest := s.options.lora
	for _, rank := range s.tune.space().Ranks {
		largest.R = max(largest.R, rank)
	}
	fit, err := s.options.planTraining(s.view, 1, s.device, s.files, &adapter.Adapter{Config: largest}, s.precision, s.data.Limits(s.options.run))
	if err != nil {
		return err
	}
	s.limits, s.planned = fit.Limits, fit.Memory.Total
	return s.view.measurePeak(s.device, s.files.Config, s.precision, s.limits)
}

// lockTrials locks the folder, and records it, for forget and redact.
func (s *tuneSession) lockTrials(ctx context.Context) error {
	release, err := train.LockOutputDir(s.options.settings.OutputDir)
	if err != nil {
		return err
	}
	s.onClose(release)
	recordOutput(ctx, s.options.dataDir, s.options.settings.OutputDir)
	return nil
}

func (s *tuneSession) loadModel(ctx context.Context) (err error) {
	defer waiting("loading the model")()
	s.handles.Log = logOf(ctx)
	if s.handles.Model, err = load.Model(s.device, s.files, s.precision, s.options.model.weights, true); err == nil {
		s.onClose(s.handles.Model.Close)
	}
	return err
}

// readState continues the search in the output folder if it is the same, or begins one.
func (s *tuneSession) readState(context.Context) error {
	space, o := s.tune.space(), s.options.run
	o.LearningRate, o.Epochs = 0, 0 // in space
	key, err := json.Marshal([]any{space, o, s.options.lora.Alpha / float64(s.options.lora.R), shortNames(s.options.lora.Targets), s.data.Fingerprint(), s.handles.Base, s.tune.minutes, s.tune.trials})
	if err != nil {
		return err
	}
	s.key = string(key)
	s.state = &tune.State{Seed: o.Seed, Space: space, Minutes: s.tune.minutes, Trials: s.tune.trials}
	path := s.statePath()
	content, err := regularfile.Read(path, jsonfields.MaxDocument)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var record tuneRecord
	err = json.Unmarshal(content, &record)
	switch {
	case err == nil && record.Version == tuneVersion && record.State != nil:
	case s.tune.restart:
		return nil
	case err == nil:
		return usererr.With(fmt.Errorf("%s: unknown version %d of a search", path, record.Version), "continue with the version of vqctl that wrote it; --restart begins a new search, and replaces it")
	default:
		return usererr.With(fmt.Errorf("%s: %w", path, jsonfields.Describe(content, err)), "the file is damaged: --restart begins a new search, and replaces it")
	}
	switch {
	case s.tune.restart:
	case record.Search != s.key:
		notice("%s has a search with other settings or data: a new one begins and replaces it", s.options.settings.OutputDir)
	case record.State.Done:
		s.state = record.State
		notice("this search is done; --restart begins it again")
	default:
		s.state = record.State
		notice("continuing the search in %s: %s done", s.options.settings.OutputDir, terminal.Quantity(len(s.state.Results), "trial"))
	}
	return nil
}

func (s *tuneSession) statePath() string {
	return filepath.Join(s.options.settings.OutputDir, tuneFile)
}

// Keep writes the state, then removes the adapters of all trials but the best.
func (s *tuneSession) Keep(state *tune.State) error {
	text, err := json.MarshalIndent(tuneRecord{tuneVersion, s.key, state}, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(s.statePath(), append(text, '\n')); err != nil {
		return fmt.Errorf("cannot keep the state of the search: %w", err)
	}
	return s.removeLosers()
}

func (s *tuneSession) removeLosers() error {
	kept := ""
	if best := s.state.Best(); best != nil {
		kept = s.folderOf(best.Trial, best.Rung)
	}
	for _, folder := range regularfile.Glob(s.options.settings.OutputDir, "trial-*") {
		if folder == kept {
			continue
		}
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	return nil
}

// folderOf returns the folder of a trial's run.
func (s *tuneSession) folderOf(trial, rung int) string {
	return filepath.Join(s.options.settings.OutputDir, fmt.Sprintf("trial-%d-%d", rung+1, trial))
}

// trialOptions returns the options of the run of a trial.
func (s *tuneSession) trialOptions(t tune.Trial) train.Options {
	o := s.options.run
	o.LearningRate, o.Epochs = t.Settings.LearningRate, t.Settings.Epochs
	o.MaxSteps = max(1, int(math.Ceil(t.Share*float64(o.TotalSteps(s.data.Steps(o))))))
	return o
}

// Work counts the windows that a trial trains on, and those that it evaluates.
func (s *tuneSession) Work(t tune.Trial) float64 {
	o := s.trialOptions(t)
	trained := visits(len(s.data.Train), o.MaxSteps, o.BatchSize*o.Accumulation)
	return float64(trained) + forwardShare*float64(len(s.data.HeldOut.Windows))
}

// Train trains and evaluates once, from the start.
func (s *tuneSession) Train(ctx context.Context, t tune.Trial) (tune.Result, error) {
	begun, o := time.Now(), s.trialOptions(t)
	result := tune.Result{Trial: t.Number, Rung: t.Rung, Settings: t.Settings, Steps: o.MaxSteps}
	folder := s.folderOf(t.Number, t.Rung)
	if err := os.RemoveAll(folder); err != nil { // of a search that was killed
		return result, err
	}
	run, free, err := s.trialRun(ctx, t, o, folder)
	if err != nil {
		return result, err
	}
	defer free()
	done := s.shown.trial(s.state, t, o.MaxSteps)
	live := s.view.live
	err = run.Train(ctx, func(m train.StepMetrics) error {
		live.step(m, time.Now())
		return nil
	})
	done()
	if ctx.Err() != nil && err != nil {
		return result, usererr.With(errTuneInterrupted, "%s done and kept: the same command continues with the next", havingDone(len(s.state.Results)))
	}
	result.Seconds = time.Since(begun).Seconds()
	switch {
	case errors.Is(err, engine.ErrNotFinite):
		result.Failed = "loss or gradient is not finite"
	case err != nil:
		return result, err
	default:
		result.Loss = *run.Summary().EvalLoss
	}
	return result, s.shown.ended(s.state, result)
}

func havingDone(trials int) string {
	if trials == 1 {
		return "1 trial is"
	}
	return terminal.Count(int64(trials)) + " trials are"
}

// tuneInterruptedError is the error of a search that was interrupted.
type tuneInterruptedError struct{}

var errTuneInterrupted = &tuneInterruptedError{}

func (*tuneInterruptedError) Error() string { return "the search was interrupted" }

// Is makes the error a cancellation, for exit status 130.
func (*tuneInterruptedError) Is(target error) bool { return target == context.Canceled }

// trialRun makes the run of a trial with an adapter of its own.
func (s *tuneSession) trialRun(ctx context.Context, t tune.Trial, o train.Options, folder string) (run *train.Run, free func(), err error) {
	config := s.options.lora
	config.Alpha *= float64(t.Settings.Rank) / float64(config.R)
	config.R, config.Dropout, config.BaseModel = t.Settings.Rank, t.Settings.Dropout, s.files.Location.Pinned()
	h := s.handles
	var closers []func()
	free = func() {
		for i := len(closers) - 1; i >= 0; i-- {
			closers[i]()
		}
	}
	defer func() {
		if err != nil {
			free()
		}
	}()
	if h.Files, err = adapter.New(s.files.Config, config, o.Seed); err != nil {
		return nil, nil, err
	}
	if h.Adapter, err = load.Adapter(h.Model, h.Files); err != nil {
		return nil, nil, err
	}
	closers = append(closers, h.Adapter.Close)
	if h.Trainer, err = h.Model.NewTrainer(h.Adapter, s.limits, true); err != nil {
		return nil, nil, err
	}
	closers = append(closers, h.Trainer.Close)
	if err = load.TuneGEMMs(s.device, h.Trainer, logOf(ctx)); err != nil {
		return nil, nil, err
	}
	s.view.live = newTrainLine(s.view.peak, 0, o.MaxSteps)
	h.OnProgress, h.Machine, h.Memory = s.view.live.progress, s.machine(), memoryTaken
	settings := train.RunSettings{LoggingSteps: s.options.settings.LoggingSteps, EvalSteps: o.MaxSteps, SkipBase: true, OutputDir: folder,
		RunName: fmt.Sprintf("tune, trial %d", t.Number), Recompute: s.options.settings.Recompute, NoRoomForBest: true}
	run, err = train.NewRun(o, settings, s.data, h)
	return run, free, err
}

// search runs the trials that are still to be run.
func (s *tuneSession) search(ctx context.Context) error {
	s.shown = newTuneView(s)
	defer onInterrupt(stopping{func() string { return "stopping after the running step; the trials so far are kept" }, "the running trial is lost, no other"})()
	if s.state.Done {
		return nil
	}
	if s.tune.restart {
		if err := os.RemoveAll(s.statePath()); err != nil {
			return err
		}
	}
	return s.state.Run(ctx, s)
}
