package train

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.uber.org/zap"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/runlog"
)

// Evaluation is the loss on the held-out windows after a step.
type Evaluation struct {
	Step int     `json:"step"`
	Loss float64 `json:"eval_loss"`
	// TrainLoss is the mean over the target tokens of the steps since the evaluation before.
	TrainLoss *float64 `json:"train_loss,omitempty"`
}

// best returns the evaluation with the lowest loss among the steps that count.
func best(list []Evaluation, counts func(step int) bool) (found *Evaluation) {
	for i := range list {
		if e := &list[i]; counts(e.Step) && (found == nil || e.Loss < found.Loss) {
			found = e
		}
	}
	return found
}

// evaluate returns the mean loss over the target tokens of the held-out windows.
func (r *Run) evaluate(ctx context.Context, doing string) (*float64, error) {
	begun := r.now()
	scores, err := r.score(ctx, func(done, total int64) {
		r.progress(Progress{Doing: doing, Step: r.step, Done: int(done), Total: int(total)})
	})
	if errors.Is(err, engine.ErrNotFinite) {
		return nil, r.explain(fmt.Errorf("the loss on the held-out windows: %w", err), r.step, nil)
	}
	if err != nil {
		return nil, err
	}
	mean := scores.All.Loss()
	r.log.Info("evaluated", zap.Int("step", r.step), zap.Float64("eval_loss", mean), zap.Int("windows", len(r.data.HeldOut.Windows)))
	r.logEvaluation(ctx, scores, r.now().Sub(begun))
	return &mean, nil
}

// evaluateStep evaluates after a step.
func (r *Run) evaluateStep(ctx context.Context) (*float64, error) {
	loss, err := r.evaluate(ctx, Evaluating)
	if err == nil {
		r.evaluations = append(r.evaluations, Evaluation{Step: r.step, Loss: *loss, TrainLoss: r.since.mean()})
		r.since = tally{}
		if r.step < r.schedule.TotalSteps { // otherwise it is that of the finished adapter
			r.keepBest()
		}
	}
	return loss, err
}

// outOfPatience reports whether the last Patience evaluations have all failed to lower the loss.
func (r *Run) outOfPatience() bool {
	n := len(r.evaluations)
	if r.settings.Patience == 0 || n <= r.settings.Patience {
		return false
	}
	lowest := best(r.evaluations, func(int) bool { return true })
	return lowest.Step < r.evaluations[n-r.settings.Patience].Step
}

// evaluateResumed makes up for the evaluation that was interrupted when the checkpoint was written.
func (r *Run) evaluateResumed(ctx context.Context) error {
	n := len(r.evaluations)
	if !r.resumed || !r.evaluatesAfter(r.step) || n > 0 && r.evaluations[n-1].Step == r.step {
		return nil
	}
	_, err := r.evaluateStep(ctx)
	return err
}

// measureBase evaluates the base model, as a yardstick for the evaluations to come.
func (r *Run) measureBase(ctx context.Context) (err error) {
	if r.settings.SkipBase || r.settings.EvalSteps == 0 || len(r.data.HeldOut.Windows) == 0 || r.resumed {
		return nil
	}
	r.progress(Progress{Doing: MeasuringBase, Total: len(r.data.HeldOut.Windows)})
	if err := r.writeB(func(p *adapter.Pair) []float32 { return make([]float32, len(p.B)) }); err != nil {
		return err
	}
	if r.baseEvalLoss, err = r.evaluate(ctx, MeasuringBase); err != nil {
		return err
	}
	return r.writeB(func(p *adapter.Pair) []float32 { return p.B })
}

// writeB sets the B matrices of an adapter that continues another one. With zeros it changes nothing, as a new adapter.
func (r *Run) writeB(values func(p *adapter.Pair) []float32) error {
	if r.settings.ContinueFrom == "" {
		return nil
	}
	return load.EachPair(r.files, func(layer int, target engine.Target, p *adapter.Pair) error {
		return r.adapter.Write(layer, target, p.A, values(p))
	})
}

func (r *Run) summarize() Summary {
	s := Summary{Event: runlog.DoneEvent, Adapter: r.FinalDir(), BaseEvalLoss: r.baseEvalLoss, Seconds: r.now().Sub(r.begun).Seconds()}
	if r.step < r.schedule.TotalSteps {
		s.StoppedAfter = r.step
	}
	if n := len(r.evaluations); n > 0 && r.evaluations[n-1].Step == r.step {
		s.EvalLoss = &r.evaluations[n-1].Loss
	}
	if e := best(r.evaluations, func(step int) bool { return r.folderOf(step) != "" }); e != nil {
		dir := r.folderOf(e.Step)
		s.BestCheckpoint, s.BestEvalLoss, s.BestStep = &dir, &e.Loss, &e.Step
	}
	return s
}

// folderOf returns the folder that has the adapter as it was after a step, "" if there is none.
func (r *Run) folderOf(step int) string {
	dir := r.checkpointDirOf(step)
	if step == r.step { // the run has ended
		dir = r.FinalDir()
	}
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if s, err := ReadState(r.BestDir()); err == nil && s.Step == step && s.sameRun(r.state()) {
		return r.BestDir()
	}
	return ""
}

// HeldOutLoss returns the last held-out loss that was measured at the state's step, if one was.
func (s *State) HeldOutLoss() (loss float64, measured bool) {
	for _, e := range s.Evaluations {
		if e.Step == s.Step {
			loss, measured = e.Loss, true
		}
	}
	return loss, measured
}
