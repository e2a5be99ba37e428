package train

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/runlog"
)

// StepMetrics is what one optimizer step reports: a line of the JSON output of `vqctl train`.
type StepMetrics struct {
	runlog.Metrics

	FLOPs   float64       `json:"-"` // of the step
	Elapsed time.Duration `json:"-"` // of the step, without evaluation
	Logged  bool          `json:"-"` // whether the step is to be reported, by LoggingSteps
}

// Summary is how a run ended: the last line of the JSON output of `vqctl train`.
type Summary = runlog.Done

// openMetrics opens the log of the run, and records its beginning. Training goes on if it cannot be written.
func (r *Run) openMetrics() {
	var err error
	r.metrics, err = runlog.Open(filepath.Join(r.settings.OutputDir, runlog.Name), r.step, func(err error) {
		r.log.Warn("the run continues without "+runlog.Name, zap.Error(err))
	})
	if err != nil {
		r.log.Warn("cannot write " + runlog.Name + ": " + err.Error())
	} else if r.openSink != nil {
		r.openExport()
	}
	r.metrics.Add(r.startEvent())
}

// openExport also writes the log in other formats, with what the log of a resumed run holds already.
func (r *Run) openExport() {
	log, err := runlog.Read(runlog.Path(r.settings.OutputDir))
	if err == nil {
		var sink runlog.Sink
		if sink, err = r.openSink(log); err == nil {
			r.metrics.Tee(sink)
			return
		}
	}
	r.log.Warn("the run continues without writing its metrics in another format", zap.Error(err))
}

// startEvent describes the run.
func (r *Run) startEvent() runlog.Start {
	lora := fieldsOf(loraOf(r.files))
	lora["dropout"] = r.files.Dropout
	return runlog.Start{
		Event: runlog.StartEvent, Version: runlog.Version, Time: r.now(), Name: r.settings.RunName, Step: r.step, TotalSteps: r.schedule.TotalSteps,
		BaseModel: r.files.BaseModel, BaseFingerprint: r.base, DataFingerprint: r.data.fingerprint(),
		Windows: len(r.data.Train), HeldOutWindows: len(r.data.HeldOut.Windows), Tokens: r.data.Tokens, TargetTokens: r.data.Targets,
		LoRA: lora, Options: fieldsOf(r.opts), Settings: fieldsOf(r.settings), Machine: r.machine,
	}
}

// fieldsOf returns the fields of a struct under their names in JSON.
func fieldsOf(of any) (fields map[string]any) {
	text, err := json.Marshal(of)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		return map[string]any{}
	}
	return fields
}

// logStep adds a step to the log.
func (r *Run) logStep(s runlog.Metrics) {
	now := r.now()
	s.Time = &now
	if r.memory != nil {
		s.Memory = r.memory()
	}
	r.metrics.Add(s)
}

// logEvaluation adds an evaluation to the log, and then the messages that the model writes again.
func (r *Run) logEvaluation(ctx context.Context, scores *evaluate.Scores, took time.Duration) {
	e := runlog.Evaluation{Event: runlog.EvaluationEvent, Step: r.step, Time: r.now(), Loss: scores.All.Loss(), Windows: scores.All.Windows,
		TargetTokens: scores.All.TargetTokens, Seconds: took.Seconds(), PerContact: make(map[string]runlog.Figures, len(scores.PerContact))}
	for name, tally := range scores.PerContact {
		e.PerContact[name] = runlog.Figures{Loss: tally.Loss(), Windows: tally.Windows, TargetTokens: tally.TargetTokens}
	}
	r.metrics.Add(e)
	defer r.metrics.Sync()
	r.logSamples(ctx)
}

// logSamples adds the held-out messages that the model writes again. The run goes on without them if they cannot be written.
func (r *Run) logSamples(ctx context.Context) {
	if r.sample == nil {
		return
	}
	r.progress(Progress{Doing: Sampling, Step: r.step})
	list, err := r.sample(ctx)
	if ctx.Err() != nil {
		return // the evaluation is done: only its samples are missing
	}
	if err != nil {
		r.log.Warn("the run continues without samples", zap.Error(err))
		r.sample = nil
		return
	}
	for i := range list {
		list[i].Event, list[i].Step, list[i].Time, list[i].Number = runlog.SampleEvent, r.step, r.now(), i+1
		r.metrics.Add(list[i])
	}
}
