package train

import "ventriloquist/internal/runlog"

// risingEvaluations is how many evaluations in a row must be above the lowest one for a run to be called overfitting: one or two
// may be chance.
const risingEvaluations = 3

// overfitting returns whether the evaluations so far, of which the last is new, show overfitting; nil if not.
func overfitting(list []Evaluation) *runlog.Overfitting {
	lowest := best(list, func(int) bool { return true })
	if lowest == nil {
		return nil
	}
	var since []Evaluation // all are above the lowest
	for i := range list {
		if list[i].Step > lowest.Step {
			since = append(since, list[i])
		}
	}
	n := len(since)
	if n < risingEvaluations || lowest.TrainLoss == nil {
		return nil
	}
	latest := since[n-1]
	rises := latest.Loss > since[n-risingEvaluations].Loss
	learns := latest.TrainLoss != nil && *latest.TrainLoss < *lowest.TrainLoss
	if !rises || !learns {
		return nil
	}
	return &runlog.Overfitting{
		Evaluations: n, LowestStep: lowest.Step, LowestLoss: lowest.Loss, LowestTrainLoss: *lowest.TrainLoss, Loss: latest.Loss, TrainLoss: *latest.TrainLoss,
	}
}

// tally is the loss of the training windows since the last evaluation.
type tally struct {
	LossSum      float64 `json:"loss_sum"`
	TargetTokens int     `json:"target_tokens"`
}

// mean returns the mean loss per target token, nil if there is none.
func (t *tally) mean() *float64 {
	if t.TargetTokens == 0 {
		return nil
	}
	mean := t.LossSum / float64(t.TargetTokens)
	return &mean
}
