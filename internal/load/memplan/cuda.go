package memplan

import (
	"ventriloquist/engine"
)

// CUDA is a GPU of this much memory, which need not be there. The trainer's buffers are those that the engine counts;
// the weights, the scratch of the ops and the driver's part are stated here.
type CUDA struct {
	Device *engine.Device // counts; any
	Total  uint64         // bytes
}

const (
	driverBytes    = 448 << 20 // context, loaded kernels and cuBLASLt's own
	lateBytes      = 192 << 20 // of these what comes only when kernels are first used
	cublasScratch  = 32 << 20  // what cuBLASLt is given for its algorithms
	scaleBytes     = 4         // of a row's scale
	nf4Block       = 64
	nf4ScaleBlock  = 256
	elementsPerNF4 = 2        // codes in a byte
	tileElements   = 32 << 20 // of a quantized matrix that are plain at a time
	waitingSums    = 16 << 20 // of products in fp8, where the library does not scale them
	sumBytes       = 4
	attentionParts = 24 << 20 // results of attention in parts, on the largest cards
	attentionRow   = 640      // bytes of its tables a row
)

func (c CUDA) Free() uint64   { return c.Total }
func (c CUDA) Offloads() bool { return true }

// Memory is what the run takes on the GPU: one copy of the weights, since cuBLASLt multiplies by either side of it, but in
// fp8.
func (c CUDA) Memory(s TrainingRun) (Memory, error) {
	p, err := c.Device.PlanTraining(s.Model, s.Stored, s.Precision, &s.Adapter, s.Limits)
	if err != nil {
		return Memory{}, err
	}
	m := Memory{
		Weights: weightBytes(s.Model, s.Precision), Adapter: p.Adapter, Gradients: p.Gradients, Optimizer: p.Optimizer,
		Activations: p.Activations, Workspace: p.Workspace - p.DeviceScratch + opsScratch(s) + roundedBytes(s), Driver: driverBytes,
	}
	m.leaveToHost(p, s.Limits.OffloadOptimizer)
	m.Total = m.Weights + m.Adapter + m.Gradients + m.Optimizer + m.Activations + m.Workspace + m.Driver
	return m, nil
}

// matrices calls f with the shape of each projection of one layer.
func matrices(c engine.ModelConfig, f func(rows, cols int)) {
	for _, target := range engine.AllTargets.Each() {
		in, out := c.TargetShape(target)
		f(out, in)
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// weightBytes are those of all weights on the device.
func weightBytes(c engine.ModelConfig, precision engine.DType) uint64 {
	plain := c.Vocab * c.Hidden * precision.Size()
	if !c.Tied {
		plain *= 2
	}
	norms := 4 * (c.Hidden*(1+2*c.Layers) + 2*c.HeadDim*c.Layers)
	layer := 0
	matrices(c, func(rows, cols int) {
		n := rows * cols
		switch c.Weights {
		case engine.Int8, engine.FP8:
			layer += n + rows*scaleBytes
		case engine.FP8GEMM: // and turned, for the backward pass
			layer += 2*n + rows*scaleBytes
		case engine.NF4:
			blocks := ceilDiv(n, nf4Block)
			layer += ceilDiv(n, elementsPerNF4) + blocks + ceilDiv(blocks, nf4ScaleBlock)*scaleBytes
		default:
			layer += n * precision.Size()
		}
	})
	return uint64(plain + norms + c.Layers*layer)
}

// opsScratch is what the ops themselves need: cuBLASLt's, attention's tables, products of rows and results in parts, and
// for quantized weights a tile of the widest one taken apart.
func opsScratch(s TrainingRun) uint64 {
	c := s.Model
	// The engine asks for as many rows as the widest product has columns, for the adapter's gradients.
	rows := max(s.Limits.MaxTokens, 2*c.FFN, (c.Heads+2*c.KVHeads)*c.HeadDim)
	bytes := cublasScratch + attentionParts + rows*(4*c.Heads+attentionRow)
	if c.Weights == engine.FP8GEMM {
		// Operands rounded, and sums that wait for their scales.
		widest := max(2*c.FFN, (c.Heads+2*c.KVHeads)*c.HeadDim)
		bytes += s.Limits.MaxTokens*(widest+scaleBytes) + min(waitingSums, s.Limits.MaxTokens*widest)*sumBytes
	}
	return uint64(bytes) + tileBytes(s)
}

// tileBytes are those of a part of the widest quantized weight, taken apart.
func tileBytes(s TrainingRun) uint64 {
	if s.Model.Weights == engine.Plain {
		return 0
	}
	return uint64(min(tileElements, 2*s.Model.FFN*s.Model.Hidden) * s.Precision.Size())
}

// roundedBytes are what is kept in f32 once more as operands of products in bf16: a layer's adapter, the gradient of the
// residual stream, that of the logits of a few rows.
func roundedBytes(s TrainingRun) uint64 {
	if s.Precision == engine.F32 {
		return 0
	}
	const logits, fewest = 8 << 20, 16 // see csrc/model/lm_head.cpp
	chunk := max(1, min(s.Limits.MaxTargets, max(logits/s.Model.Vocab, fewest)))
	elements := s.Adapter.Parameters(s.Model)/s.Model.Layers + s.Limits.MaxTokens*s.Model.Hidden + chunk*s.Model.Vocab
	return uint64(elements * s.Precision.Size())
}
