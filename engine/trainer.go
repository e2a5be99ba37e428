package engine

// #include <vq.h>
import "C"

import (
	"math"
	"runtime"
	"unsafe"
)

// TrainLimits are the largest micro-batch that a Trainer will see.
type TrainLimits struct {
	MaxTokens  int // rows, of all windows together
	MaxWindows int
	MaxTargets int

	// Gradient checkpointing: of this many layers, from the first on, only the input is kept; the backward pass recomputes
	// the rest, bit for bit. More than there are: all.
	RecomputeLayers  int
	OffloadOptimizer bool // keep the optimizer's moments in page-locked memory of the host
	Ranks            int  // processes that share the run and its optimizer's state; 0 and 1: one
}

func (l TrainLimits) c() C.vq_train_limits {
	return C.vq_train_limits{max_tokens: C.int64_t(l.MaxTokens), max_windows: C.int64_t(l.MaxWindows),
		max_targets: C.int64_t(l.MaxTargets), recompute_layers: C.int32_t(min(l.RecomputeLayers, math.MaxInt32)),
		offload_optimizer: flag(l.OffloadOptimizer), ranks: C.int32_t(l.Ranks)}
}

// A Batch is a micro-batch in the engine's memory: windows end to end, without padding. The slices have the lengths of
// the limits; Accumulate and Evaluate take the numbers of windows and targets in use. They are invalid after the Trainer is closed.
type Batch struct {
	IDs          []int32   // [MaxTokens]
	WindowBegin  []int32   // [MaxWindows + 1] first row of each window, then the number of rows
	TargetRow    []int32   // [MaxTargets] ascending: the row whose output predicts TargetID, the token before it
	TargetID     []int32   // [MaxTargets]
	TargetWeight []float32 // [MaxTargets] factor of the target's loss and gradient, usually 1
}

// Slots is the number of batches of a Trainer: one is filled while the other runs.
const Slots = 2

// A Trainer computes losses and gradients of batches and applies them to an adapter.
type Trainer struct {
	c       *C.vq_trainer
	model   *Model
	adapter *Adapter
	limits  TrainLimits
	batches [Slots]Batch
}

// NewTrainer makes a trainer. A nil adapter means evaluation of the base alone. Without forTraining there are no
// gradients and no optimizer; the model need then not be finished for training.
func (m *Model) NewTrainer(a *Adapter, limits TrainLimits, forTraining bool) (*Trainer, error) {
	return m.newTrainer(a, limits, func(adapter *C.vq_adapter, limits *C.vq_train_limits, t **C.vq_trainer, e *C.vq_error) C.int {
		return C.vq_trainer_create(m.c, adapter, limits, flag(forTraining), t, e)
	})
}

// NewShardedTrainer makes a trainer that trains with the other processes of the comm. The micro-batches of a step are dealt to
// the ranks in turn, number i to rank i mod world: each rank calls Accumulate for each round of them, with no windows and
// targets if the last round has none for it. All processes call the same methods in the same order, and compute the same bytes
// as one process alone, if their devices do. Each keeps only its part of the optimizer's state.
func (m *Model) NewShardedTrainer(a *Adapter, limits TrainLimits, comm *Comm) (*Trainer, error) {
	if comm.c == nil || a == nil {
		return nil, ErrClosed
	}
	limits.Ranks = comm.world
	return m.newTrainer(a, limits, func(adapter *C.vq_adapter, limits *C.vq_train_limits, t **C.vq_trainer, e *C.vq_error) C.int {
		return C.vq_trainer_create_sharded(m.c, adapter, limits, comm.c, t, e)
	})
}

func (m *Model) newTrainer(a *Adapter, limits TrainLimits, create func(*C.vq_adapter, *C.vq_train_limits, **C.vq_trainer, *C.vq_error) C.int) (*Trainer, error) {
	if m.c == nil {
		return nil, ErrClosed
	}
	var adapter *C.vq_adapter
	if a != nil {
		if a.c == nil {
			return nil, ErrClosed
		}
		adapter = a.c
	}
	t := &Trainer{model: m, adapter: a, limits: limits}
	c := limits.c()
	var e C.vq_error
	var made *C.vq_trainer
	if err := check(create(adapter, &c, &made, &e), &e); err != nil {
		return nil, err
	}
	t.c = made
	for slot := range t.batches {
		var b C.vq_batch
		if err := check(C.vq_trainer_batch(t.c, C.int32_t(slot), &b, &e), &e); err != nil {
			t.Close()
			return nil, err
		}
		t.batches[slot] = Batch{
			IDs:          unsafe.Slice((*int32)(b.ids), limits.MaxTokens),
			WindowBegin:  unsafe.Slice((*int32)(b.window_begin), limits.MaxWindows+1),
			TargetRow:    unsafe.Slice((*int32)(b.target_row), limits.MaxTargets),
			TargetID:     unsafe.Slice((*int32)(b.target_id), limits.MaxTargets),
			TargetWeight: unsafe.Slice((*float32)(b.target_weight), limits.MaxTargets),
		}
	}
	return t, nil
}

// Close waits for running batches and releases the trainer.
func (t *Trainer) Close() {
	if t != nil && t.c != nil {
		C.vq_trainer_close(t.c)
		t.c = nil
		t.batches = [Slots]Batch{}
	}
}

// Limits are the limits that the trainer was made with.
func (t *Trainer) Limits() TrainLimits { return t.limits }

// Batch returns the memory of slot 0 or 1.
func (t *Trainer) Batch(slot int) *Batch { return &t.batches[slot] }

// Accumulate starts the forward and backward pass of the first `windows` windows and `targets` targets in slot, and
// returns at once; their gradients and loss are added to the step's. The slot may be filled again after Wait. dropoutSeed
// selects the dropout masks: give each micro-batch its own.
func (t *Trainer) Accumulate(slot, windows, targets int, dropoutSeed uint64) error {
	if err := t.checkBatch(slot, windows, targets); err != nil {
		return err
	}
	var e C.vq_error
	return check(C.vq_trainer_accumulate(t.c, C.int32_t(slot), C.int32_t(windows), C.int32_t(targets),
		C.uint64_t(dropoutSeed), &e), &e)
}

// Wait waits until the slot's batch has run and returns its error.
func (t *Trainer) Wait(slot int) error {
	if err := t.checkBatch(slot, 0, 0); err != nil {
		return err
	}
	var e C.vq_error
	return check(C.vq_trainer_wait(t.c, C.int32_t(slot), &e), &e)
}

// Update is one step of AdamW.
type Update struct {
	LearningRate, Beta1, Beta2, Epsilon, WeightDecay float32

	MaxGradNorm float32 // clip to min(1, max / (norm + 1e-6)); 0: never
	Normalizer  float64 // gradients are divided by it: the number of target tokens of the step
	Step        int64   // from 1: AdamW's bias correction
	Flags       uint32  // what this process wants to tell the others of the run
}

// UpdateResult is the loss and gradient norm of a step.
type UpdateResult struct {
	LossSum  float64 // weighted, over the step's targets, before division
	GradNorm float64 // of the normalized gradient, before clipping
	Flags    uint32  // those of all processes
}

// BeginUpdate starts an update behind the batches accumulated so far and returns at once. The update normalizes and clips
// their gradients, updates the adapter, and zeroes gradients and loss. One update may be in flight at a time; batches of
// the next step may be accumulated before EndUpdate.
func (t *Trainer) BeginUpdate(u Update) error {
	if err := t.checkBatch(0, 0, 0); err != nil {
		return err
	}
	c := C.vq_update{learning_rate: C.float(u.LearningRate), beta1: C.float(u.Beta1), beta2: C.float(u.Beta2),
		epsilon: C.float(u.Epsilon), weight_decay: C.float(u.WeightDecay), max_grad_norm: C.float(u.MaxGradNorm),
		normalizer: C.double(u.Normalizer), step: C.int64_t(u.Step), flags: C.uint32_t(u.Flags)}
	var e C.vq_error
	return check(C.vq_trainer_begin_update(t.c, &c, &e), &e)
}

// EndUpdate waits for the update in flight. If loss or norm is not finite, the error is ErrNotFinite. After any failure
// the adapter is as it was before the step, and batches accumulated since are dropped.
func (t *Trainer) EndUpdate() (UpdateResult, error) {
	if err := t.checkBatch(0, 0, 0); err != nil {
		return UpdateResult{}, err
	}
	var r C.vq_update_result
	var e C.vq_error
	err := check(C.vq_trainer_end_update(t.c, &r, &e), &e)
	result := UpdateResult{LossSum: float64(r.loss_sum), GradNorm: float64(r.grad_norm), Flags: uint32(r.flags)}
	if f, ok := err.(*failure); ok && f.kind == nil && !(finite(result.LossSum) && finite(result.GradNorm)) {
		f.kind = ErrNotFinite
	}
	return result, err
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Evaluate returns the loss of each target of the batch in slot (natural log, unweighted), without dropout.
func (t *Trainer) Evaluate(slot, windows, targets int, loss []float32) error {
	if err := t.checkBatch(slot, windows, targets); err != nil {
		return err
	}
	if err := wantLength("loss", len(loss), targets); err != nil {
		return err
	}
	if targets == 0 {
		return badArgument("a batch without targets has no loss")
	}
	var e C.vq_error
	return check(C.vq_trainer_evaluate(t.c, C.int32_t(slot), C.int32_t(windows), C.int32_t(targets), floats(loss), &e), &e)
}

func (t *Trainer) checkBatch(slot, windows, targets int) error {
	if t.c == nil {
		return ErrClosed
	}
	if slot < 0 || slot >= Slots {
		return badArgument("there is no batch slot %d", slot)
	}
	if windows < 0 || windows > t.limits.MaxWindows || targets < 0 || targets > t.limits.MaxTargets {
		return badArgument("a batch of %d windows and %d targets is over the limits of %d and %d", windows, targets,
			t.limits.MaxWindows, t.limits.MaxTargets)
	}
	return nil
}

// Moments are AdamW's averages of the gradient (M) and of its square (V) of one target in one layer, shaped like A and B.
type Moments struct {
	AM, AV, BM, BV []float32
}

// c returns the moments' addresses for C; pin keeps them in place while C uses them.
func (m Moments) c(pin *runtime.Pinner) [4]*C.float {
	var p [4]*C.float
	for i, s := range [][]float32{m.AM, m.AV, m.BM, m.BV} {
		pin.Pin(&s[0])
		p[i] = floats(s)
	}
	return p
}

// ReadMoments fetches the optimizer's state of one target in one layer. Of several processes, rank 0 alone calls it, while the
// others are in SendMoments.
func (t *Trainer) ReadMoments(layer int, target Target, m Moments) error {
	if err := t.checkMoments(target, m); err != nil {
		return err
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	p := m.c(&pin)
	var e C.vq_error
	return check(C.vq_trainer_read_moments(t.c, C.int32_t(layer), C.uint32_t(target), p[0], p[1], p[2], p[3], &e), &e)
}

// WriteMoments sets the optimizer's state of one target in one layer.
func (t *Trainer) WriteMoments(layer int, target Target, m Moments) error {
	if err := t.checkMoments(target, m); err != nil {
		return err
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	p := m.c(&pin)
	var e C.vq_error
	return check(C.vq_trainer_write_moments(t.c, C.int32_t(layer), C.uint32_t(target), p[0], p[1], p[2], p[3], &e), &e)
}

// SendMoments sends this process' part of the optimizer's state to rank 0, until that has called MomentsRead. Of a process alone
// it does nothing.
func (t *Trainer) SendMoments() error {
	if t.c == nil {
		return ErrClosed
	}
	var e C.vq_error
	return check(C.vq_trainer_send_moments(t.c, &e), &e)
}

// MomentsRead ends SendMoments in the other processes.
func (t *Trainer) MomentsRead() error {
	if t.c == nil {
		return ErrClosed
	}
	var e C.vq_error
	return check(C.vq_trainer_moments_read(t.c, &e), &e)
}

func (t *Trainer) checkMoments(target Target, m Moments) error {
	if err := t.checkPair(target, m.AM, m.BM); err != nil {
		return err
	}
	return t.checkPair(target, m.AV, m.BV)
}

func (t *Trainer) checkPair(target Target, A, B []float32) error {
	if t.c == nil {
		return ErrClosed
	}
	if t.adapter == nil {
		return badArgument("the trainer has no adapter")
	}
	return t.adapter.checkPair(target, A, B)
}

// ReadGradients fetches the gradients accumulated so far (sums, before normalization) of one target in one layer: for
// tests and benchmarks.
func (t *Trainer) ReadGradients(layer int, target Target, A, B []float32) error {
	if err := t.checkPair(target, A, B); err != nil {
		return err
	}
	var e C.vq_error
	return check(C.vq_trainer_read_gradients(t.c, C.int32_t(layer), C.uint32_t(target), floats(A), floats(B), &e), &e)
}
