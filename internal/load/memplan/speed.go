package memplan

import (
	"ventriloquist/engine"
)

// FLOPs counts a micro-batch of the run: windows of this many tokens each, the last `targets` of which are targets.
func (r TrainingRun) FLOPs(windows, tokens, targets int) engine.FLOPs {
	lengths, losses := make([]int64, windows), make([]int64, windows)
	for i := range lengths {
		lengths[i], losses[i] = int64(tokens), int64(min(targets, tokens))
	}
	return engine.TrainingFLOPs(r.Model, r.Adapter, r.Limits.RecomputeLayers, lengths, losses)
}

// RecomputedLayers is how many layers' forward pass runs again in the backward pass.
func (r TrainingRun) RecomputedLayers() int { return r.FLOPs(1, 1, 1).RecomputedLayers }

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

// measuredEfficiency is the share of a device's measured GEMM rate that a step reaches: 74 to 81% for Qwen3-0.6B on a CPU (README.md).
const measuredEfficiency = 0.75

// Speed is how fast a device trains.
type Speed struct {
	Device     string
	Peak       float64 // FLOP/s
	PeakFP8    float64 // of the GEMMs with the base weights; 0 if these run at Peak
	Efficiency float64 // assumed share of the peak
	Measured   bool    // the peak was measured on this machine; otherwise it was published
	Source     string  // of a published peak
}

// Speed returns the card's speed with weights in a format. With fp8 GEMMs, those of the base weights run at the peak of fp8; all else
// runs at that of bf16, whatever format the weights are stored in.
func (g GPU) Speed(weights engine.WeightFormat) Speed {
	s := Speed{Device: g.Title, Peak: g.BF16, Efficiency: Efficiency(weights), Source: g.Source}
	if weights == engine.FP8GEMM {
		s.PeakFP8 = g.FP8
	}
	return s
}

// MeasuredSpeed returns the speed of a device whose GEMM rate, in FLOP/s, was measured.
func MeasuredSpeed(device string, rate float64) Speed {
	return Speed{Device: device, Peak: rate, Efficiency: measuredEfficiency, Measured: true}
}

// Seconds is the time that the work takes.
func (s Speed) Seconds(f engine.FLOPs) float64 {
	seconds := f.Total() / s.Peak
	if s.PeakFP8 > 0 {
		seconds += f.Base/s.PeakFP8 - f.Base/s.Peak
	}
	return seconds / s.Efficiency
}
