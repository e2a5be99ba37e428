package engine

// #include <vq.h>
import "C"

// Plan says how much memory something will take, in bytes, before it is taken.
type Plan struct {
	WeightsMapped   uint64 // the caller's tensors, used where they are
	WeightsPrepared uint64 // copies in the layout of the products
	Adapter         uint64 // parameters
	Gradients       uint64
	Optimizer       uint64
	Activations     uint64 // of training, or the key/value cache of a session
	Workspace       uint64
	Total           uint64
	DeviceScratch   uint64 // of Workspace: what the device's ops need beside the buffers
	Host            uint64 // page-locked memory of the host; of Total where the device has no memory of its own
}

func planOf(c *C.vq_memory_plan) Plan {
	return Plan{
		WeightsMapped: uint64(c.weights_mapped), WeightsPrepared: uint64(c.weights_prepared),
		Adapter: uint64(c.adapter), Gradients: uint64(c.gradients), Optimizer: uint64(c.optimizer),
		Activations: uint64(c.activations), Workspace: uint64(c.workspace), Total: uint64(c.total),
		DeviceScratch: uint64(c.device_scratch), Host: uint64(c.host),
	}
}

// PlanTraining says what a model with weights of dtype in its files, an adapter and a trainer with these limits take
// together. A nil adapter means evaluation of the base alone.
func (d *Device) PlanTraining(m ModelConfig, dtype, precision DType, a *AdapterConfig, l TrainLimits) (Plan, error) {
	if d.c == nil {
		return Plan{}, ErrClosed
	}
	config, limits := m.c(), l.c()
	var adapter *C.vq_adapter_config
	if a != nil {
		c := a.c()
		adapter = &c
	}
	var plan C.vq_memory_plan
	var e C.vq_error
	err := check(C.vq_plan_training(d.c, &config, C.int32_t(dtype), C.int32_t(precision), adapter, &limits, &plan, &e), &e)
	return planOf(&plan), err
}

// PlanSession says what a model, an adapter (or nil) and a session take together.
func (d *Device) PlanSession(m ModelConfig, dtype, precision DType, a *AdapterConfig, capacity, maxSequences int) (Plan, error) {
	if d.c == nil {
		return Plan{}, ErrClosed
	}
	config := m.c()
	var adapter *C.vq_adapter_config
	if a != nil {
		c := a.c()
		adapter = &c
	}
	var plan C.vq_memory_plan
	var e C.vq_error
	err := check(C.vq_plan_session(d.c, &config, C.int32_t(dtype), C.int32_t(precision), adapter, C.int64_t(capacity),
		C.int32_t(maxSequences), &plan, &e), &e)
	return planOf(&plan), err
}
