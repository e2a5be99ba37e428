package plan

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
	cublasScratch  = 32 << 20  // what cuBLASLt is given for its algorithms
	scaleBytes     = 4         // of a row's scale
	nf4Block       = 64
	nf4ScaleBlock  = 256
	elementsPerNF4 = 2 // codes in a byte
)

func (c CUDA) Free() uint64   { return c.Total }
func (c CUDA) Offloads() bool { return true }

// Memory is what the run takes on the GPU: one copy of the weights, since cuBLASLt multiplies by either side of it.
func (c CUDA) Memory(s Subject) (Memory, error) {
	p, err := c.Device.PlanTraining(s.Model, s.Stored, s.Precision, &s.Adapter, s.Limits)
	if err != nil {
		return Memory{}, err
	}
	m := Memory{
		Weights: weightBytes(s.Model, s.Precision), Adapter: p.Adapter, Gradients: p.Gradients, Optimizer: p.Optimizer,
		Activations: p.Activations, Workspace: p.Workspace - p.DeviceScratch + opsScratch(s), Driver: driverBytes, Host: p.Host,
	}
	// Batches are filled in page-locked memory of the host.
	if s.Limits.OffloadOptimizer {
		m.Workspace -= p.Host - p.Optimizer
		m.Optimizer = 0
	} else {
		m.Workspace -= p.Host
	}
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

// weightBytes are those of all weights on a device that keeps each once.
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
		case engine.NF4:
			blocks := ceilDiv(n, nf4Block)
			layer += ceilDiv(n, elementsPerNF4) + blocks + ceilDiv(blocks, nf4ScaleBlock)*scaleBytes
		default:
			layer += n * precision.Size()
		}
	})
	return uint64(plain + norms + c.Layers*layer)
}

// opsScratch is what the ops themselves need: cuBLASLt's, the sums of dq and the products of rows in attention's backward
// pass, and for quantised weights the widest one taken apart (for fp8 the activations that are multiplied with it).
func opsScratch(s Subject) uint64 {
	c, rows := s.Model, s.Limits.MaxTokens
	q := c.Heads * c.HeadDim
	bytes := cublasScratch + rows*q*4 + rows*c.Heads*4
	switch c.Weights {
	case engine.Int8, engine.NF4:
		bytes += 2 * c.FFN * c.Hidden * s.Precision.Size()
	case engine.FP8:
		bytes += rows * max(2*c.FFN, q, c.Hidden)
	}
	return uint64(bytes)
}
