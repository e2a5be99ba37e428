package memplan

import (
	"ventriloquist/engine"
)

// Work is the arithmetic of a micro-batch in FLOP; a multiplication and an addition are two.
type Work struct {
	Base  float64 // products with the frozen projections, forward and backward
	Other float64 // LoRA, attention, output
	Again float64 // computed a second time in the backward pass
}

// Total is all of it.
func (w Work) Total() float64 { return w.Base + w.Other + w.Again }

// WorkOf counts a micro-batch of windows of so many tokens, the last `targets` of which carry loss.
func WorkOf(s Subject, windows, tokens, targets int) Work {
	lengths, losses := make([]int64, windows), make([]int64, windows)
	for i := range lengths {
		lengths[i], losses[i] = int64(tokens), int64(targets)
	}
	total := engine.TrainingFLOPs(s.Model, s.Adapter, lengths, losses)
	rows := float64(windows * tokens)
	base, again := 0.0, 0.0
	for _, target := range engine.AllTargets.Each() {
		in, out := s.Model.TargetShape(target)
		forward := 2 * rows * float64(in) * float64(out)
		// The last layer has keys and values of all rows, the rest of its products of a few.
		layers := float64(s.Model.Layers - 1)
		if target == engine.TargetK || target == engine.TargetV {
			layers++
		}
		base += 2 * forward * layers
		if target == engine.TargetDown {
			continue // a layer is computed again up to its last product
		}
		again += forward
		if s.Adapter.Targets&target != 0 {
			again += 2 * rows * float64(s.Adapter.Rank) * float64(in+out)
		}
	}
	pairs := float64(windows) * float64(tokens) * float64(tokens+1) / 2
	again += 4 * float64(s.Model.Heads*s.Model.HeadDim) * pairs
	return Work{Base: min(base, total), Other: max(0, total-base), Again: again * float64(LayersAgain(s))}
}

// LayersAgain is how many layers the backward pass computes again: the last that went through the shared buffers is still
// there, and the model's last layer is always kept.
func LayersAgain(s Subject) int {
	return max(0, min(s.Limits.RecomputeLayers, s.Model.Layers-1)-1)
}

// Efficiency is the share of a card's published peak that a step is taken to reach. Trainers that were measured reach from
// 43% (NeMo AutoModel, 7B, H100, bf16) to 60% (LLMQ, 7B, H100, bf16) of it; quantized weights are taken apart
// besides.
func Efficiency(weights engine.WeightFormat) float64 {
	switch weights {
	case engine.FP8GEMM: // what is not products weighs more, see docs/kernels.md
		return 0.38
	case engine.FP8, engine.Int8:
		return 0.45
	case engine.NF4:
		return 0.42
	}
	return 0.50
}

// StepSeconds is the time of a micro-batch on the card at that efficiency of its peaks: products with the base weights run
// at that of fp8 with fp8 products, and all else at that of bf16, whatever the weights are kept in.
func (g GPU) StepSeconds(w Work, weights engine.WeightFormat) float64 {
	seconds := w.Total() / g.BF16
	if weights == engine.FP8GEMM && g.FP8 > 0 {
		seconds += w.Base/g.FP8 - w.Base/g.BF16
	}
	return seconds / Efficiency(weights)
}
