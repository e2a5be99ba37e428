package memplan

import (
	"ventriloquist/engine"
)

// FLOPs counts a micro-batch of the run: windows of this many tokens each, the last `targets` of which are targets.
func (r TrainingRun) FLOPs(windows, tokens, targets int) engine.FLOPs {
	lengths, losses := make([]int64, windows), make([]int64, windows)
	for i := range lengths {
		lengths[i], losses[i] = int64(tokens), int64(targets)
	}
	return engine.TrainingFLOPs(r.Model, r.Adapter, r.Limits.RecomputeLayers, lengths, losses)
}

// Efficiency is the share of a card's published peak that a step is assumed to reach. Published measurements of other
// trainers range from 43% (NeMo AutoModel, 7B, H100, bf16) to 60% (LLMQ, 7B, H100, bf16). Quantized weights cost extra
// for dequantizing.
func Efficiency(weights engine.WeightFormat) float64 {
	switch weights {
	case engine.FP8GEMM: // everything but GEMMs weighs more, see docs/kernels.md
		return 0.38
	case engine.FP8, engine.Int8:
		return 0.45
	case engine.NF4:
		return 0.42
	}
	return 0.50
}

// StepSeconds is the time of a micro-batch on the card at that efficiency. With fp8 GEMMs, those of the base weights run at
// the peak of fp8; all else runs at that of bf16, whatever format the weights are stored in.
func (g GPU) StepSeconds(f engine.FLOPs, weights engine.WeightFormat) float64 {
	seconds := f.Total() / g.BF16
	if weights == engine.FP8GEMM && g.FP8 > 0 {
		seconds += f.Base/g.FP8 - f.Base/g.BF16
	}
	return seconds / Efficiency(weights)
}

// RecomputedLayers is how many layers' forward pass runs again in the backward pass.
func (r TrainingRun) RecomputedLayers() int { return r.FLOPs(1, 1, 1).RecomputedLayers }
