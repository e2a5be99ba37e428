package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
	"ventriloquist/internal/runlog"
	"ventriloquist/internal/usererr"
)

// AdamW's constants: torch's defaults.
const (
	adamBeta1   = 0.9
	adamBeta2   = 0.999
	adamEpsilon = 1e-8
)

// Train runs the remaining optimizer steps, writes the checkpoints, and calls report after each step. When ctx is canceled
// it finishes the running step, writes a checkpoint and returns an *InterruptedError.
func (r *Run) Train(ctx context.Context, report func(StepMetrics) error) error {
	ctx, cancel := r.agreeing(ctx)
	defer cancel()
	err := r.train(ctx, report)
	if errors.Is(err, engine.ErrPeer) {
		return r.peerFailed(err)
	}
	return err
}

func (r *Run) train(ctx context.Context, report func(StepMetrics) error) error {
	r.begun = r.now()
	if r.leads() {
		if err := r.begin(); err != nil {
			return fmt.Errorf("cannot begin the run: %w", err)
		}
	}
	defer func() { r.metrics.Close() }()
	if err := r.measureBase(ctx); err != nil {
		return r.beforeFirstStep(ctx, err)
	}
	if err := r.evaluateResumed(ctx); err != nil {
		return err
	}
	if err := r.trainSteps(ctx, report); err != nil {
		return err
	}
	if err := r.finish(); err != nil {
		return err
	}
	if !r.leads() {
		return nil
	}
	r.summary = r.summarize()
	done, now := r.summary, r.now()
	done.Time = &now
	r.metrics.Add(done)
	r.metrics.Sync()
	return nil
}

// finish writes the finished adapter, and makes it the best one if it is.
func (r *Run) finish() error {
	if err := r.save(r.FinalDir()); err != nil || !r.leads() {
		return err
	}
	err := r.archiveForeignBest()
	if err == nil && r.improved() {
		err = r.linkBest()
	}
	if err != nil {
		r.log.Warn("the finished adapter is not kept as "+bestName, zap.Error(err))
	}
	return nil
}

// beforeFirstStep explains an interruption before there is anything to save.
func (r *Run) beforeFirstStep(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	return usererr.With(errUntrained, "nothing was trained yet: run the same command again")
}

func (r *Run) trainSteps(ctx context.Context, report func(StepMetrics) error) error {
	finish := func(s *pendingStep) error { return r.finishStep(ctx, s, report) }
	var running *pendingStep
	r.lastStepEnd, r.lastSave = r.now(), r.now()
	for step := r.step + 1; step <= r.schedule.TotalSteps && !r.outOfPatience(); step++ {
		next, err := r.startStep(step, running, finish)
		if err != nil {
			return err
		}
		running = next
		running.save, running.byTime = r.savesAfter(step), r.alone() && r.timeToSave(step)
		if r.evaluatesAfter(step) || running.save || running.byTime || step == r.schedule.TotalSteps {
			// Evaluating and saving need an idle engine.
			if err := finish(running); err != nil {
				return err
			}
			running = nil
			r.lastStepEnd = r.now()
		}
	}
	return nil
}

func (r *Run) evaluatesAfter(step int) bool {
	every := r.settings.EvalSteps
	return every > 0 && (step%every == 0 || step == r.schedule.TotalSteps) && len(r.data.HeldOut.Windows) > 0
}

func (r *Run) savesAfter(step int) bool {
	return r.settings.SaveSteps > 0 && step%r.settings.SaveSteps == 0 && step < r.schedule.TotalSteps
}

// timeToSave reports whether the run saves after a step because the last time was long ago.
func (r *Run) timeToSave(step int) bool {
	minutes := r.settings.SaveMinutes
	return minutes > 0 && !r.settings.NoRoomByTime && step < r.schedule.TotalSteps && r.now().Sub(r.lastSave).Minutes() >= minutes
}

// finishStep waits for the step's update, then evaluates, reports and saves as due.
func (r *Run) finishStep(ctx context.Context, s *pendingStep, report func(StepMetrics) error) error {
	if err := r.endUpdate(s); err != nil {
		return r.saveOnNoMemory(err)
	}
	r.step = s.Step
	last := r.step == r.schedule.TotalSteps
	var failed error
	if r.evaluatesAfter(r.step) {
		if s.EvalLoss, failed = r.evaluateStep(ctx); failed != nil && ctx.Err() == nil {
			return failed
		}
		s.BaseEvalLoss = r.baseEvalLoss
		if failed == nil {
			s.Overfitting = overfitting(r.evaluations)
		}
	}
	s.Logged = r.step%r.settings.LoggingSteps == 0 || last || s.EvalLoss != nil
	if s.Logged {
		r.logStep(s.Metrics)
	}
	if err := report(s.StepMetrics); err != nil {
		return err
	}
	if ctx.Err() != nil && (failed != nil || !last) {
		return r.interrupted(ctx, ctx.Err())
	}
	switch {
	case s.save:
		return r.save(r.checkpointDir())
	case s.byTime:
		return r.saveByTime()
	}
	return nil
}

// saveByTime writes a checkpoint between those that were asked for. The run goes on if it cannot be written.
func (r *Run) saveByTime() error {
	if err := r.saveCheckpoint(r.checkpointDir(), true); err != nil {
		r.lastSave = r.now() // the next attempt comes after as long again
		r.log.Warn("the run continues without this checkpoint", zap.Error(err))
	}
	return nil
}

// untrainedError is the error of a run that was interrupted before its first step.
type untrainedError struct{}

var errUntrained = &untrainedError{}

func (*untrainedError) Error() string { return "interrupted before the first step" }

// Is makes the error a cancellation, for exit status 130.
func (*untrainedError) Is(target error) bool { return target == context.Canceled }

// InterruptedError says at which step a run was interrupted and where it was saved.
type InterruptedError struct {
	Step, TotalSteps int
	Checkpoint       string
}

func (e *InterruptedError) Error() string {
	return fmt.Sprintf("interrupted after step %d of %d; saved as %s", e.Step, e.TotalSteps, e.Checkpoint)
}

// Is makes the error a cancellation, for exit status 130.
func (e *InterruptedError) Is(target error) bool { return target == context.Canceled }

// interrupted saves the run, so that it can be resumed, if err comes from the context.
func (r *Run) interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	dir := r.checkpointDir()
	if err := r.save(dir); err != nil {
		return err
	}
	return &InterruptedError{Step: r.step, TotalSteps: r.schedule.TotalSteps, Checkpoint: dir}
}

// saveOnNoMemory saves the run if a step ran out of memory: a failed step changes nothing.
func (r *Run) saveOnNoMemory(err error) error {
	if !errors.Is(err, engine.ErrNoMemory) || r.step == 0 || !r.alone() {
		return err
	}
	dir := r.checkpointDir()
	if failed := r.save(dir); failed != nil {
		return errors.Join(err, fmt.Errorf("the run could not be saved: %w", failed))
	}
	return usererr.With(err, "the run is saved as %s: run the same command with %v when more memory is free", dir, resumeOption)
}

// pendingStep is an optimizer step whose update is in flight. Its loss and norm are known when the update ends.
type pendingStep struct {
	StepMetrics
	order  []int // its windows
	queued int   // micro-batches; all but the last two have run
	save   bool  // a checkpoint is due after it
	byTime bool  // the same, because of SaveMinutes
}

// startStep queues one optimizer step (numbered from 1), filling one batch while the engine computes the other. If the step
// before is still in flight, finish is called for it as soon as the first micro-batch of this one is queued.
func (r *Run) startStep(step int, before *pendingStep, finish func(*pendingStep) error) (*pendingStep, error) {
	epoch, first, last := r.steps.Step(step)
	s := &pendingStep{order: r.order(epoch)[first:last],
		StepMetrics: StepMetrics{Metrics: runlog.Metrics{Event: runlog.StepEvent, Step: step, Epoch: r.steps.Epochs(step), LearningRate: r.schedule.Rate(step)}}}
	for first := 0; first < r.microBatches(s); first += r.world() {
		err := r.accumulate(s, first)
		if before != nil {
			// An error in the step before came first.
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
		Normalizer: float64(s.TargetTokens), Step: int64(step), Flags: r.flags(step),
	})
	if err != nil {
		return nil, r.saveOnNoMemory(r.explain(err, step, s.order))
	}
	return s, nil
}

// microBatches returns the number of micro-batches of a step.
func (r *Run) microBatches(s *pendingStep) int { return ceilDiv(len(s.order), r.opts.BatchSize) }

// microBatch returns the windows of a micro-batch of a step, none after the last.
func (r *Run) microBatch(s *pendingStep, number int) []int {
	first := min(number*r.opts.BatchSize, len(s.order))
	return s.order[first:min(first+r.opts.BatchSize, len(s.order))]
}

// accumulate queues this process' micro-batch of a round: the one of its rank, from first on. The last round may have none for it.
func (r *Run) accumulate(s *pendingStep, first int) error {
	number := first + r.rank()
	windows, err := r.readWindows(r.microBatch(s, number))
	if err != nil {
		return err
	}
	if err := r.trainer.Wait(r.slot); err != nil {
		return r.explain(err, s.Step, s.order)
	}
	r.progress(Progress{Doing: Stepping, Step: s.Step, Done: max(1, s.queued), Total: r.microBatches(s)})
	var size batch.Size
	if len(windows) > 0 {
		size = batch.Fill(r.trainer.Batch(r.slot), windows)
	}
	if err := r.trainer.Accumulate(r.slot, size.Windows, size.Targets, r.dropoutSeed(s.Step, number)); err != nil {
		return r.explain(err, s.Step, s.order)
	}
	for i := first; i < min(first+r.world(), r.microBatches(s)); i++ {
		r.count(s, r.microBatch(s, i))
	}
	r.slot = (r.slot + 1) % engine.Slots
	return nil
}

// count counts a micro-batch of any process.
func (r *Run) count(s *pendingStep, list []int) {
	tokens, targets := make([]int64, len(list)), make([]int64, len(list))
	for i, at := range list {
		tokens[i], targets[i] = int64(r.data.lengths[at]), int64(r.data.targets[at])
		s.Tokens += r.data.lengths[at]
		s.TargetTokens += r.data.targets[at]
	}
	s.FLOPs += engine.TrainingFLOPs(r.model, r.adapter.Config(), 0, tokens, targets).Useful()
	s.queued++
}

// endUpdate waits for the step's update and records its loss and norm.
func (r *Run) endUpdate(s *pendingStep) error {
	result, err := r.trainer.EndUpdate()
	if errors.Is(err, engine.ErrNotFinite) {
		return r.explain(err, s.Step, r.nonFiniteWindows(s.order))
	}
	if err != nil {
		return r.explain(err, s.Step, s.order)
	}
	r.heed(s, result.Flags)
	s.Loss = result.LossSum / float64(s.TargetTokens)
	r.since.LossSum += result.LossSum
	r.since.TargetTokens += s.TargetTokens
	s.GradNorm = result.GradNorm
	now := r.now()
	s.Elapsed = now.Sub(r.lastStepEnd)
	s.TokensPerSecond = float64(s.Tokens) / s.Elapsed.Seconds()
	r.lastStepEnd = now
	r.noteSlow(s)
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

// order returns the order in which the epoch visits the windows; it is drawn once per epoch.
func (r *Run) order(epoch int) []int {
	if r.orderEpoch != epoch || r.orderNow == nil {
		r.orderNow = epochOrder(len(r.data.Train), r.opts.Seed, epoch, r.opts.Shuffle)
		r.orderEpoch = epoch
	}
	return r.orderNow
}

// dropoutSeed differs between the micro-batches of a run and depends only on the seed and their number.
func (r *Run) dropoutSeed(step, microBatch int) uint64 {
	return r.opts.Seed<<32 ^ uint64((step-1)*r.opts.Accumulation+microBatch)
}

// nonFiniteWindows returns the windows of a step whose own loss is NaN or infinite under the adapter as it was before the
// step, which the engine still holds. If there are none, the gradient overflowed, and it returns all of them.
func (r *Run) nonFiniteWindows(order []int) []int {
	if !r.leads() {
		return order
	}
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
		if slices.ContainsFunc(losses, func(x float32) bool { return x-x != 0 }) { // true for NaN and infinity
			found = append(found, at)
		}
	}
	if len(found) == 0 {
		return order
	}
	return found
}

// explain adds to an engine's error the step and windows in which it happened, and that saved checkpoints are intact.
func (r *Run) explain(err error, step int, order []int) error {
	if errors.Is(err, engine.ErrPeer) {
		return err
	}
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
		return usererr.With(wrapped, "%s", r.adviseNotFinite())
	}
	if !r.saved {
		return wrapped
	}
	return usererr.With(wrapped, "saved checkpoints are intact: continue from the last one with %v", resumeOption)
}

// adviseNotFinite says what helps against a loss that is not a number. Before the first update no learning rate has had an
// effect.
func (r *Run) adviseNotFinite() string {
	precision := ""
	if r.opts.Precision != engine.F32.String() {
		precision = fmt.Sprintf(", or try %v f32", usererr.Option("precision"))
	}
	rate := usererr.Option("learning_rate")
	switch {
	case r.step == 0 && r.settings.ContinueFrom != "":
		return fmt.Sprintf("nothing was trained yet, so the cause is the base model or the adapter in %s: use other copies of them%s", r.settings.ContinueFrom, precision)
	case r.step == 0:
		return fmt.Sprintf("nothing was trained yet, so the cause is the base model: check its files or download it again%s", precision)
	case r.saved:
		return fmt.Sprintf("saved checkpoints are intact: continue from the last one with a lower %v: %v DIR", rate, continueFrom)
	}
	return fmt.Sprintf("no checkpoint has been written yet: start again with a lower %v, or with a smaller %v", rate, usererr.Option("save_steps"))
}
