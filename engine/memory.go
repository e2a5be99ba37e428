package engine

// #include <vq.h>
import "C"

// Memory is what a run takes on a device, in bytes by purpose. Page-locked memory of the host counts in these rows on a
// device without memory of its own.
type Memory struct {
	Weights     uint64
	Mapped      uint64 // of Weights: the caller's tensors, used in place
	Adapter     uint64 // parameters
	Gradients   uint64
	Optimizer   uint64
	Activations uint64 // of training, or the key/value cache of a session
	Workspace   uint64
	Driver      uint64 // what the driver and its libraries will take in addition
	Total       uint64 // of all rows but Mapped
	Host        uint64 // page-locked memory of the host, in addition to the total
}

// A Planner computes the memory of runs without allocating any: a Device, or a GPU that need not be in this machine.
type Planner interface {
	// PlanTraining is the memory of a model with weights of type stored in its files, an adapter and a trainer with these
	// limits. A nil adapter means evaluation of the base model.
	PlanTraining(m ModelConfig, stored, precision DType, a *AdapterConfig, l TrainLimits) (Memory, error)
	// PlanSession is the memory of a model, an adapter (or nil) and a session.
	PlanSession(m ModelConfig, stored, precision DType, a *AdapterConfig, capacity, maxSequences int) (Memory, error)
}

// GPU describes a GPU that need not be in this machine.
type GPU struct {
	Multiprocessors int
	FP8             bool // it has fp8 tensor cores
}

// PlanTraining implements Planner.
func (d *Device) PlanTraining(m ModelConfig, stored, precision DType, a *AdapterConfig, l TrainLimits) (Memory, error) {
	if d.c == nil {
		return Memory{}, ErrClosed
	}
	return planTraining(d.c, nil, m, stored, precision, a, l)
}

// PlanSession implements Planner.
func (d *Device) PlanSession(m ModelConfig, stored, precision DType, a *AdapterConfig, capacity, maxSequences int) (Memory, error) {
	if d.c == nil {
		return Memory{}, ErrClosed
	}
	return planSession(d.c, nil, m, stored, precision, a, capacity, maxSequences)
}

// PlanTraining implements Planner.
func (g GPU) PlanTraining(m ModelConfig, stored, precision DType, a *AdapterConfig, l TrainLimits) (Memory, error) {
	c := g.c()
	return planTraining(nil, &c, m, stored, precision, a, l)
}

// PlanSession implements Planner.
func (g GPU) PlanSession(m ModelConfig, stored, precision DType, a *AdapterConfig, capacity, maxSequences int) (Memory, error) {
	c := g.c()
	return planSession(nil, &c, m, stored, precision, a, capacity, maxSequences)
}

func (g GPU) c() C.vq_gpu {
	c := C.vq_gpu{multiprocessors: C.int32_t(g.Multiprocessors)}
	if g.FP8 {
		c.fp8 = 1
	}
	return c
}

// planTraining plans for the device, or if that is nil for gpu.
func planTraining(d *C.vq_device, gpu *C.vq_gpu, m ModelConfig, stored, precision DType, a *AdapterConfig, l TrainLimits) (Memory, error) {
	config, limits := m.c(), l.c()
	var plan C.vq_memory_plan
	var e C.vq_error
	err := check(C.vq_plan_training(d, gpu, &config, C.int32_t(stored), C.int32_t(precision), a.orNull(), &limits, &plan, &e), &e)
	return memoryOf(&plan), err
}

func planSession(d *C.vq_device, gpu *C.vq_gpu, m ModelConfig, stored, precision DType, a *AdapterConfig, capacity, maxSequences int) (Memory, error) {
	config := m.c()
	var plan C.vq_memory_plan
	var e C.vq_error
	err := check(C.vq_plan_session(d, gpu, &config, C.int32_t(stored), C.int32_t(precision), a.orNull(), C.int64_t(capacity),
		C.int32_t(maxSequences), &plan, &e), &e)
	return memoryOf(&plan), err
}

func memoryOf(c *C.vq_memory_plan) Memory {
	return Memory{
		Weights: uint64(c.weights), Mapped: uint64(c.mapped), Adapter: uint64(c.adapter), Gradients: uint64(c.gradients),
		Optimizer: uint64(c.optimizer), Activations: uint64(c.activations), Workspace: uint64(c.workspace),
		Driver: uint64(c.driver), Total: uint64(c.total), Host: uint64(c.host),
	}
}

func (a *AdapterConfig) orNull() *C.vq_adapter_config {
	if a == nil {
		return nil
	}
	c := a.c()
	return &c
}
