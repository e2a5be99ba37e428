package engine

// #include <vq.h>
import "C"

import "strings"

// A Target is one projection that a LoRA adapter changes, or a set of them.
type Target uint32

// In the order of the forward pass.
const (
	TargetQ    Target = C.VQ_TARGET_Q
	TargetK    Target = C.VQ_TARGET_K
	TargetV    Target = C.VQ_TARGET_V
	TargetO    Target = C.VQ_TARGET_O
	TargetGate Target = C.VQ_TARGET_GATE
	TargetUp   Target = C.VQ_TARGET_UP
	TargetDown Target = C.VQ_TARGET_DOWN

	AllTargets = TargetQ | TargetK | TargetV | TargetO | TargetGate | TargetUp | TargetDown
)

var targetNames = [...]string{"q", "k", "v", "o", "gate", "up", "down"}

// Each returns the members of a set, in the order of the forward pass.
func (t Target) Each() []Target {
	var each []Target
	for i := range targetNames {
		if one := Target(1) << i; t&one != 0 {
			each = append(each, one)
		}
	}
	return each
}

// String is "q", or "q,v" for a set.
func (t Target) String() string {
	var names []string
	for i, name := range targetNames {
		if t&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// TargetNamed returns the single target called "q", "k", "v", "o", "gate", "up" or "down".
func TargetNamed(name string) (Target, bool) {
	for i, n := range targetNames {
		if n == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// TargetShape returns the sizes of the input and output of a single target.
func (c ModelConfig) TargetShape(t Target) (in, out int) {
	switch t {
	case TargetQ:
		return c.Hidden, c.Heads * c.HeadDim
	case TargetK, TargetV:
		return c.Hidden, c.KVHeads * c.HeadDim
	case TargetO:
		return c.Heads * c.HeadDim, c.Hidden
	case TargetGate, TargetUp:
		return c.Hidden, c.FFN
	case TargetDown:
		return c.FFN, c.Hidden
	}
	return 0, 0
}

// AdapterConfig is the shape of a LoRA adapter: y = W x + Scale * B A dropout(x).
type AdapterConfig struct {
	Rank    int
	Scale   float32 // alpha / r, or alpha / sqrt(r)
	Dropout float32 // of the input, in training only; projections with the same input share a mask
	Targets Target
}

func (a AdapterConfig) c() C.vq_adapter_config {
	return C.vq_adapter_config{rank: C.int32_t(a.Rank), scale: C.float(a.Scale), dropout: C.float(a.Dropout),
		targets: C.uint32_t(a.Targets)}
}

// Parameters is the number of the adapter's weights on a model.
func (a AdapterConfig) Parameters(m ModelConfig) int {
	n := 0
	for _, t := range a.Targets.Each() {
		in, out := m.TargetShape(t)
		n += a.Rank * (in + out)
	}
	return n * m.Layers
}

// An Adapter is a set of pairs A [rank, in] and B [out, rank], in fp32, zero until written.
type Adapter struct {
	c      *C.vq_adapter
	model  *Model
	config AdapterConfig
}

// NewAdapter creates an adapter for the model, which must be finished.
func (m *Model) NewAdapter(config AdapterConfig) (*Adapter, error) {
	if m.c == nil {
		return nil, ErrClosed
	}
	a := &Adapter{model: m, config: config}
	c := config.c()
	var e C.vq_error
	if err := check(C.vq_adapter_create(m.c, &c, &a.c, &e), &e); err != nil {
		return nil, err
	}
	return a, nil
}

// Close releases the adapter.
func (a *Adapter) Close() {
	if a != nil && a.c != nil {
		C.vq_adapter_close(a.c)
		a.c = nil
	}
}

// Config is the shape that the adapter was created with.
func (a *Adapter) Config() AdapterConfig { return a.config }

// Write sets A [rank, in] and B [out, rank] of one target in one layer.
func (a *Adapter) Write(layer int, target Target, A, B []float32) error {
	if err := a.checkPair(target, A, B); err != nil {
		return err
	}
	var e C.vq_error
	return check(C.vq_adapter_write(a.c, C.int32_t(layer), C.uint32_t(target), floats(A), floats(B), &e), &e)
}

// Read fetches A [rank, in] and B [out, rank] of one target in one layer.
func (a *Adapter) Read(layer int, target Target, A, B []float32) error {
	if err := a.checkPair(target, A, B); err != nil {
		return err
	}
	var e C.vq_error
	return check(C.vq_adapter_read(a.c, C.int32_t(layer), C.uint32_t(target), floats(A), floats(B), &e), &e)
}

// checkPair returns an error if the buffers do not have the lengths of a target's A and B.
func (a *Adapter) checkPair(target Target, A, B []float32) error {
	if a.c == nil || a.model.c == nil {
		return ErrClosed
	}
	in, out := a.model.config.TargetShape(target)
	if in == 0 || a.config.Targets&target == 0 {
		return badArgument("the adapter has no target %q", target)
	}
	if err := wantLength("A", len(A), a.config.Rank*in); err != nil {
		return err
	}
	return wantLength("B", len(B), a.config.Rank*out)
}

// floats is the address of a slice that is not empty.
func floats(s []float32) *C.float { return (*C.float)(&s[0]) }
