// Package memplan plans a training run before anything is allocated: its memory, what must give for it to fit, the
// arithmetic of a step, and the time that a GPU should need for it.
//
// In: the shapes of a model and an adapter, the largest micro-batch, a device or the description of a GPU. Out: limits for
// the engine's trainer, a memory table, seconds. It must not know windows, files or flags. All bytes and FLOPs are
// counted by the engine, by the code that allocates and computes.
package memplan

import (
	"ventriloquist/engine"
)

// A TrainingRun is what the memory and the arithmetic of a run depend on.
type TrainingRun struct {
	Model     engine.ModelConfig
	Stored    engine.DType // of the weights' files
	Precision engine.DType
	Adapter   engine.AdapterConfig
	Limits    engine.TrainLimits // FitTo sets RecomputeLayers and OffloadOptimizer
}

// A MemoryBudget is the memory of a device that a run must fit into.
type MemoryBudget struct {
	Planner engine.Planner
	Bytes   uint64
	// Discrete: the device has memory of its own, so the optimizer's moments can move to the host's.
	Discrete bool
}

// OfDevice is what is free on an open device now.
func OfDevice(d *engine.Device) MemoryBudget {
	info := d.Info()
	return MemoryBudget{Planner: d, Bytes: info.MemoryAvailable, Discrete: info.DiscreteMemory}
}

// OfGPU is the memory of a card that need not be in this machine. Of an unknown card only the memory is known; it is taken
// to have as many multiprocessors as any known one, which need the most workspace.
func OfGPU(gpu GPU, memory uint64) MemoryBudget {
	if gpu.Name == "" {
		return MemoryBudget{Planner: engine.GPU{Multiprocessors: mostMultiprocessors(), FP8: true}, Bytes: memory, Discrete: true}
	}
	return MemoryBudget{Planner: engine.GPU{Multiprocessors: gpu.Multiprocessors, FP8: gpu.FP8 > 0}, Bytes: memory, Discrete: true}
}

// Memory is what the run takes.
func (b MemoryBudget) Memory(r TrainingRun) (Memory, error) {
	m, err := b.Planner.PlanTraining(r.Model, r.Stored, r.Precision, &r.Adapter, r.Limits)
	return Memory(m), err
}

// A Fit is a run made to fit a budget, or the best that could be done.
type Fit struct {
	TrainingRun
	Memory Memory
	Fits   bool
}

// FitTo finds the fewest layers to recompute in the backward pass for the run to fit, and whether the optimizer's moments
// must leave the device. atLeast: layers to recompute in any case.
func FitTo(r TrainingRun, budget MemoryBudget, atLeast int) (Fit, error) {
	try := func(layers int, offload bool) (Fit, error) {
		r.Limits.RecomputeLayers, r.Limits.OffloadOptimizer = layers, offload
		memory, err := budget.Memory(r)
		return Fit{r, memory, err == nil && memory.Total <= budget.Bytes}, err
	}
	all := r.Model.Layers
	offload := false
	least, err := try(all, offload)
	if err == nil && !least.Fits && budget.Discrete {
		offload = true
		least, err = try(all, offload)
	}
	if err != nil || !least.Fits {
		return least, err
	}
	// Memory falls with the number of recomputed layers: the smallest that fits, by bisection.
	low, high := min(atLeast, all), all
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
