package engine

// #include <vq.h>
import "C"

// FLOPs are the floating-point operations of one micro-batch, forward and backward; a multiplication and an addition are
// two.
type FLOPs struct {
	Base       float64 // GEMMs with the frozen projections
	Other      float64 // LoRA, causal attention, logits of target rows
	Recomputed float64 // layers whose forward pass runs again for the backward pass

	RecomputedLayers int
}

// Useful is the arithmetic without recomputation.
func (f FLOPs) Useful() float64 { return f.Base + f.Other }

// Total is all arithmetic.
func (f FLOPs) Total() float64 { return f.Base + f.Other + f.Recomputed }

// TrainingFLOPs counts the arithmetic of a micro-batch as the engine does it. Window i has windowTokens[i] rows, the last
// windowTargets[i] of which are targets. recomputeLayers: see TrainLimits. The result is zero for a configuration that the
// engine refuses.
func TrainingFLOPs(m ModelConfig, a AdapterConfig, recomputeLayers int, windowTokens, windowTargets []int64) FLOPs {
	n := min(len(windowTokens), len(windowTargets))
	if n == 0 {
		return FLOPs{}
	}
	model, adapter := m.c(), a.c()
	var f C.vq_flops
	var e C.vq_error
	if C.vq_training_flops(&model, &adapter, C.int32_t(recomputeLayers), (*C.int64_t)(&windowTokens[0]),
		(*C.int64_t)(&windowTargets[0]), C.int64_t(n), &f, &e) != C.VQ_OK {
		return FLOPs{}
	}
	return FLOPs{Base: float64(f.base), Other: float64(f.other), Recomputed: float64(f.recomputed),
		RecomputedLayers: int(f.recomputed_layers)}
}
