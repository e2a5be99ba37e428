package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
	"ventriloquist/internal/usererr"
)

// AdamW's constants, torch's defaults.
const (
	adamBeta1   = 0.9
	adamBeta2   = 0.999
	adamEpsilon = 1e-8
)

// StepMetrics is what one optimizer step reports: a line of the JSON output of `vqctl train`.
type StepMetrics struct {
	Step            int      `json:"step"`          // from 1
	Epoch           float64  `json:"epoch"`         // done after the step
	Loss            float64  `json:"loss"`          // mean over the step's target tokens
	GradNorm        float64  `json:"grad_norm"`     // before clipping
	LearningRate    float64  `json:"lr"`            // the rate that the step used
	Tokens          int      `json:"tokens"`        // of the step
	TargetTokens    int      `json:"target_tokens"` // of the step
	TokensPerSecond float64  `json:"tokens_per_second"`
	EvalLoss        *float64 `json:"eval_loss,omitempty"` // on the held-out windows, after the update

	FLOPs   float64       `json:"-"` // of the step
	Elapsed time.Duration `json:"-"` // of the step, without evaluation
	Logged  bool          `json:"-"` // whether the step is to be reported, by LoggingSteps
}

// Train runs the optimizer steps that are left, writes the checkpoints, and calls report after each step. A canceled
// context ends it after the step that runs, with a checkpoint and an *InterruptedError.
func (r *Run) Train(ctx context.Context, report func(StepMetrics) error) error {
	finish := func(s *pendingStep) error { return r.finishStep(ctx, s, report) }
	var running *pendingStep
	r.lastStepEnd = time.Now()
	for step := r.step + 1; step <= r.schedule.TotalSteps; step++ {
		next, err := r.startStep(step, running, finish)
		if err != nil {
			return err
		}
		running = next
		if r.evaluatesAfter(step) || r.savesAfter(step) || step == r.schedule.TotalSteps {
			// The engine must have nothing of the next step when it is looked at.
			if err := finish(running); err != nil {
				return err
			}
			running = nil
			r.lastStepEnd = time.Now()
		}
	}
	return r.save(r.FinalDir())
}

func (r *Run) evaluatesAfter(step int) bool {
	return r.settings.EvalSteps > 0 && step%r.settings.EvalSteps == 0 && len(r.data.HeldOut.Windows) > 0
}

func (r *Run) savesAfter(step int) bool {
	return r.settings.SaveSteps > 0 && step%r.settings.SaveSteps == 0 && step < r.schedule.TotalSteps
}

// finishStep waits for the step's update; then it evaluates, reports and saves, whatever is due.
func (r *Run) finishStep(ctx context.Context, s *pendingStep, report func(StepMetrics) error) error {
	if err := r.endUpdate(s); err != nil {
		return r.saveOnNoMemory(err)
	}
	r.step = s.Step
	last := r.step == r.schedule.TotalSteps
	if r.evaluatesAfter(r.step) {
		var err error
		if s.EvalLoss, err = r.evaluate(ctx); err != nil {
			return r.interrupted(ctx, err)
		}
	}
	s.Logged = r.step%r.settings.LoggingSteps == 0 || last || s.EvalLoss != nil
	if err := report(s.StepMetrics); err != nil {
		return err
	}
	if ctx.Err() != nil && !last {
		return r.interrupted(ctx, ctx.Err())
	}
	if r.savesAfter(r.step) {
		return r.save(r.checkpointDir())
	}
	return nil
}

// InterruptedError says where an interrupted run was saved.
type InterruptedError struct {
	Step, TotalSteps int
	Checkpoint       string
}

func (e *InterruptedError) Error() string {
	return fmt.Sprintf("interrupted after step %d of %d; saved as %s", e.Step, e.TotalSteps, e.Checkpoint)
}

// Is makes it a cancellation: status 130.
func (e *InterruptedError) Is(target error) bool { return target == context.Canceled }

// interrupted saves the run when err comes from the context, so that it can be resumed.
func (r *Run) interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	dir := r.checkpointDir()
	if err := r.save(dir); err != nil {
		return err
	}
	return usererr.With(&InterruptedError{Step: r.step, TotalSteps: r.schedule.TotalSteps, Checkpoint: dir},
		"the same command with %v goes on from there", resumeOption)
}

// saveOnNoMemory saves the run as it was before a step that found no memory, since such a step has changed nothing.
func (r *Run) saveOnNoMemory(err error) error {
	if !errors.Is(err, engine.ErrNoMemory) || r.step == 0 {
		return err
	}
	dir := r.checkpointDir()
	if failed := r.save(dir); failed != nil {
		return errors.Join(err, fmt.Errorf("the run could not be saved as it was before: %w", failed))
	}
	return usererr.With(err, "the run is saved as %s: where more memory is free the same command with %v goes on from there", dir, resumeOption)
}

// pendingStep is an optimizer step whose update has been begun; what it saw is known when that ends.
type pendingStep struct {
	StepMetrics
	order []int // its windows
}

// startStep gives the engine one optimizer step (from 1): it fills one batch while the other runs. The step before, if it
// still runs, is finished as soon as there is work behind it.
func (r *Run) startStep(step int, before *pendingStep, finish func(*pendingStep) error) (*pendingStep, error) {
	epoch, first, last := r.steps.Step(step)
	s := &pendingStep{order: r.order(epoch)[first:last],
		StepMetrics: StepMetrics{Step: step, Epoch: r.steps.Epochs(step), LearningRate: r.schedule.Rate(step)}}
	for at := 0; at < len(s.order); at += r.opts.BatchSize {
		seed := r.dropoutSeed(step, at/r.opts.BatchSize)
		err := r.accumulate(s, s.order[at:min(at+r.opts.BatchSize, len(s.order))], seed)
		if before != nil {
			// What went wrong in it went wrong first.
			if err := finish(before); err != nil {
				return nil, err
			}
			before = nil
		}
		if err != nil {
			return nil, r.saveOnNoMemory(err)
		}
	}
	err := r.trainer.BeginUpdate(engine.Update{
		LearningRate: float32(s.LearningRate), Beta1: adamBeta1, Beta2: adamBeta2, Epsilon: adamEpsilon,
		WeightDecay: float32(r.opts.WeightDecay), MaxGradNorm: float32(r.opts.MaxGradNorm),
		Normalizer: float64(s.TargetTokens), Step: int64(step),
	})
	if err != nil {
		return nil, r.saveOnNoMemory(r.explain(err, step, s.order))
	}
	return s, nil
}

// accumulate starts one micro-batch of the step.
func (r *Run) accumulate(s *pendingStep, list []int, dropoutSeed uint64) error {
	windows, err := r.readWindows(list)
	if err != nil {
		return err
	}
	if err := r.trainer.Wait(r.slot); err != nil {
		return r.explain(err, s.Step, s.order)
	}
	size := batch.Fill(r.trainer.Batch(r.slot), windows)
	if err := r.trainer.Accumulate(r.slot, size.Windows, size.Targets, dropoutSeed); err != nil {
		return r.explain(err, s.Step, s.order)
	}
	s.Tokens += size.Tokens
	s.TargetTokens += size.Targets
	s.FLOPs += r.flops(windows)
	r.slot = (r.slot + 1) % engine.Slots
	return nil
}

// endUpdate waits for the step's update and takes down what it saw.
func (r *Run) endUpdate(s *pendingStep) error {
	result, err := r.trainer.EndUpdate()
	if errors.Is(err, engine.ErrNotFinite) {
		return r.explain(err, s.Step, r.nonFiniteWindows(s.order))
	}
	if err != nil {
		return r.explain(err, s.Step, s.order)
	}
	s.Loss = result.LossSum / float64(s.TargetTokens)
	s.GradNorm = result.GradNorm
	now := time.Now()
	s.Elapsed = now.Sub(r.lastStepEnd)
	s.TokensPerSecond = float64(s.Tokens) / s.Elapsed.Seconds()
	r.lastStepEnd = now
	return nil
}

func (r *Run) readWindows(list []int) ([]batch.Window, error) {
	windows := make([]batch.Window, len(list))
	for i, at := range list {
		w, err := r.data.reader.Read(r.data.Train[at])
		if err != nil {
			return nil, err
		}
		windows[i] = w
	}
	return windows, nil
}

// order is the epoch's order of visiting, drawn once an epoch.
func (r *Run) order(epoch int) []int {
	if r.orderEpoch != epoch || r.orderNow == nil {
		r.orderNow = epochOrder(len(r.data.Train), r.opts.Seed, epoch, r.opts.Shuffle)
		r.orderEpoch = epoch
	}
	return r.orderNow
}

// dropoutSeed differs between the micro-batches of a run and depends on nothing but the seed and their number.
func (r *Run) dropoutSeed(step, microBatch int) uint64 {
	return r.opts.Seed<<32 ^ uint64((step-1)*r.opts.Accumulation+microBatch)
}

func (r *Run) flops(ws []batch.Window) float64 {
	tokens, targets := make([]int64, len(ws)), make([]int64, len(ws))
	for i := range ws {
		tokens[i], targets[i] = int64(len(ws[i].IDs)), int64(ws[i].TargetTokens())
	}
	return engine.TrainingFLOPs(r.model, r.adapter.Config(), 0, tokens, targets).Useful()
}

// nonFiniteWindows are the windows of a step whose own loss is not finite: with the adapter as it was before the step, which is
// what the engine still has. When there are none it was the gradient, and all windows are its cause.
func (r *Run) nonFiniteWindows(order []int) []int {
	var found []int
	for _, at := range order {
		windows, err := r.readWindows([]int{at})
		if err != nil {
			continue
		}
		size := batch.Fill(r.trainer.Batch(0), windows)
		losses := make([]float32, size.Targets)
		if err := r.trainer.Evaluate(0, size.Windows, size.Targets, losses); err != nil {
			continue
		}
		if slices.ContainsFunc(losses, func(x float32) bool { return x-x != 0 }) { // of NaN and infinity only
			found = append(found, at)
		}
	}
	if len(found) == 0 {
		return order
	}
	return found
}

// explain adds to an engine's error which step and windows it happened in, and what is left untouched.
func (r *Run) explain(err error, step int, order []int) error {
	names := make([]string, 0, 4)
	for _, at := range order[:min(len(order), 3)] {
		names = append(names, r.data.source.Where(r.data.Train[at]))
	}
	if len(order) > len(names) {
		names = append(names, fmt.Sprintf("and %d more", len(order)-len(names)))
	}
	where := fmt.Sprintf("step %d", step)
	if len(names) > 0 {
		where += " (windows " + strings.Join(names, ", ") + ")"
	}
	wrapped := fmt.Errorf("%s: %w", where, err)
	if errors.Is(err, engine.ErrNotFinite) {
		return usererr.With(wrapped, "nothing was saved over; go on from the last checkpoint with a lower %v: %v DIR", usererr.Option("learning_rate"), continueFrom)
	}
	return usererr.With(wrapped, "what was saved is intact: go on from the last checkpoint with %v", resumeOption)
}

// evaluate is the mean loss over the target tokens of the held-out windows.
func (r *Run) evaluate(ctx context.Context) (*float64, error) {
	scores, err := r.data.HeldOut.Score(ctx, r.trainer, nil)
	if errors.Is(err, engine.ErrNotFinite) {
		return nil, r.explain(fmt.Errorf("the loss on the held-out windows after the update: %w", err), r.step, nil)
	}
	if err != nil {
		return nil, err
	}
	mean := scores.All.Loss()
	r.log.Info("evaluated", zap.Int("step", r.step), zap.Float64("eval_loss", mean), zap.Int("windows", len(r.data.HeldOut.Windows)))
	return &mean, nil
}
