// Package memplan says what a training run takes before anything is taken: the memory, what must give for it to fit, the
// arithmetic of a step, and the time that a GPU should need for it.
//
// In: the shape of a model and of an adapter, the largest micro-batch, a device's memory. Out: limits for the engine's
// trainer, a table of bytes, numbers of seconds. It must not know windows, files or flags. What the trainer takes is
// counted by the engine itself, by the code that takes it; what a CUDA device adds to that is stated in cuda.go.
package memplan

import (
	"ventriloquist/engine"
)

// A TrainingRun is a run as far as its memory goes.
type TrainingRun struct {
	Model     engine.ModelConfig
	Stored    engine.DType // of the weights' files
	Precision engine.DType
	Adapter   engine.AdapterConfig
	Limits    engine.TrainLimits // RecomputeLayers and OffloadOptimizer are chosen
}

// Memory is bytes by purpose.
type Memory struct {
	Weights     uint64 `json:"weights"`
	Adapter     uint64 `json:"adapter"`
	Gradients   uint64 `json:"gradients"`
	Optimizer   uint64 `json:"optimizer"`
	Activations uint64 `json:"activations"`
	Workspace   uint64 `json:"workspace"`
	Driver      uint64 `json:"driver,omitempty"` // context and kernels of a GPU
	Total       uint64 `json:"total"`
	Host        uint64 `json:"host,omitempty"` // page-locked memory of the host, beside the total
}

// A MemoryBudget is a device that a run may take memory of.
type MemoryBudget interface {
	// Memory is what the subject takes there.
	Memory(s TrainingRun) (Memory, error)
	// Free is how much there is to take, in bytes.
	Free() uint64
	// Offloads says whether memory of the host is other memory than the device's.
	Offloads() bool
}

// A Fit is a run made to fit a budget, or the best that could be done.
type Fit struct {
	TrainingRun
	Memory Memory
	Fits   bool
}

// FitTo finds how little must be computed again in the backward pass, and whether the optimizer's moments must leave the
// device, for the subject to fit. atLeast: layers that are computed again in any case.
func FitTo(s TrainingRun, budget MemoryBudget, atLeast int) (Fit, error) {
	free := budget.Free() // what is free may change between two looks
	try := func(layers int, offload bool) (Fit, error) {
		s.Limits.RecomputeLayers, s.Limits.OffloadOptimizer = layers, offload
		memory, err := budget.Memory(s)
		return Fit{s, memory, err == nil && memory.Total <= free}, err
	}
	all := s.Model.Layers
	atLeast = min(atLeast, all)
	for _, offload := range []bool{false, true} {
		if offload && !budget.Offloads() {
			break
		}
		last, err := try(all, offload)
		if err != nil || !last.Fits {
			if err != nil || offload || !budget.Offloads() {
				return last, err
			}
			continue
		}
		// The memory falls with the number of layers: the smallest that fits, by halving.
		low, high := atLeast, all
		for low < high {
			middle := (low + high) / 2
			c, err := try(middle, offload)
			if err != nil {
				return c, err
			}
			if c.Fits {
				high = middle
			} else {
				low = middle + 1
			}
		}
		return try(low, offload)
	}
	return try(all, true)
}

// Opened is a device that is open: the engine itself counts what a run takes there.
type Opened struct{ Device *engine.Device }

func (o Opened) Memory(s TrainingRun) (Memory, error) {
	p, err := o.Device.PlanTraining(s.Model, s.Stored, s.Precision, &s.Adapter, s.Limits)
	m := Memory{
		Weights: p.WeightsMapped + p.WeightsPrepared, Adapter: p.Adapter, Gradients: p.Gradients, Optimizer: p.Optimizer,
		Activations: p.Activations, Workspace: p.Workspace, Total: p.Total,
	}
	if o.Offloads() {
		m.leaveToHost(p, s.Limits.OffloadOptimizer)
		m.Workspace += tileBytes(s)
		m.Driver = lateBytes
		m.Total += tileBytes(s) + m.Driver
	}
	return m, err
}

// leaveToHost takes page-locked memory out of the rows: the moments, where they are offloaded, and what batches are
// filled in.
func (m *Memory) leaveToHost(p engine.Plan, moments bool) {
	m.Host = p.Host
	if moments {
		m.Workspace -= p.Host - p.Optimizer
		m.Optimizer = 0
	} else {
		m.Workspace -= p.Host
	}
}

func (o Opened) Free() uint64   { return o.Device.Info().MemoryAvailable }
func (o Opened) Offloads() bool { return o.Device.Info().DiscreteMemory }
