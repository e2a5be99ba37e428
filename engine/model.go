package engine

// #include <stdlib.h>
// #include <vq.h>
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// A WeightFormat is how the weights of the projections are kept: embedding, output and norms are as in the files.
type WeightFormat int

const (
	Plain WeightFormat = C.VQ_WEIGHTS_PLAIN // in the precision of the GEMMs
	Int8  WeightFormat = C.VQ_WEIGHTS_INT8  // LLM.int8's storage, scaled by rows
	NF4   WeightFormat = C.VQ_WEIGHTS_NF4   // bitsandbytes' NF4 with double quantization
	FP8   WeightFormat = C.VQ_WEIGHTS_FP8   // e4m3, scaled by rows

	// FP8GEMM keeps weights as FP8 does, and rounds what they are multiplied by to e4m3 as well, by rows.
	FP8GEMM WeightFormat = C.VQ_WEIGHTS_FP8_GEMM
)

func (f WeightFormat) String() string {
	switch f {
	case Plain:
		return "plain"
	case Int8:
		return "int8"
	case NF4:
		return "nf4"
	case FP8:
		return "fp8"
	case FP8GEMM:
		return "fp8-products" // as checkpoints record it
	}
	return fmt.Sprintf("WeightFormat(%d)", int(f))
}

// ModelConfig is the shape of a Qwen3 model, and how its weights are kept.
type ModelConfig struct {
	Layers, Hidden, FFN, Heads, KVHeads, HeadDim, Vocab int

	Tied      bool // the output projection is the embedding
	NormEps   float32
	RopeTheta float64
	Weights   WeightFormat
}

func (c ModelConfig) c() C.vq_model_config {
	r := C.vq_model_config{
		layers: C.int32_t(c.Layers), hidden: C.int32_t(c.Hidden), ffn: C.int32_t(c.FFN), heads: C.int32_t(c.Heads),
		kv_heads: C.int32_t(c.KVHeads), head_dim: C.int32_t(c.HeadDim), vocab: C.int32_t(c.Vocab),
		norm_eps: C.float(c.NormEps), rope_theta: C.double(c.RopeTheta), weights: C.int32_t(c.Weights),
	}
	if c.Tied {
		r.tied = 1
	}
	return r
}

// A TensorKind is a tensor's place in the model. Of those before AttentionNorm there is one a model, of the others one a
// layer.
type TensorKind int

// Matrices are [out, in], row-major.
const (
	Embedding     TensorKind = C.VQ_EMBEDDING      // [vocab, hidden]
	FinalNorm     TensorKind = C.VQ_FINAL_NORM     // [hidden]
	Output        TensorKind = C.VQ_OUTPUT         // [vocab, hidden]; untied models only
	AttentionNorm TensorKind = C.VQ_ATTENTION_NORM // [hidden] input_layernorm
	MLPNorm       TensorKind = C.VQ_MLP_NORM       // [hidden] post_attention_layernorm
	QueryNorm     TensorKind = C.VQ_QUERY_NORM     // [head_dim]
	KeyNorm       TensorKind = C.VQ_KEY_NORM       // [head_dim]
	Q             TensorKind = C.VQ_Q              // [heads * head_dim, hidden]
	K             TensorKind = C.VQ_K              // [kv_heads * head_dim, hidden]
	V             TensorKind = C.VQ_V              // [kv_heads * head_dim, hidden]
	O             TensorKind = C.VQ_O              // [hidden, heads * head_dim]
	Gate          TensorKind = C.VQ_GATE           // [ffn, hidden]
	Up            TensorKind = C.VQ_UP             // [ffn, hidden]
	Down          TensorKind = C.VQ_DOWN           // [hidden, ffn]
)

// A Model is a base model's frozen weights on a device.
type Model struct {
	c         *C.vq_model
	config    ModelConfig
	precision DType
	borrowed  runtime.Pinner // tensors in Go's memory
	copies    []unsafe.Pointer
}

// NewModel creates a model without weights. precision, F32 or BF16, is the type of activations and GEMM operands; sums are
// F32 in both.
func (d *Device) NewModel(config ModelConfig, precision DType) (*Model, error) {
	if d.c == nil {
		return nil, ErrClosed
	}
	m := &Model{config: config, precision: precision}
	c := config.c()
	var e C.vq_error
	if err := check(C.vq_model_create(d.c, &c, C.int32_t(precision), &m.c, &e), &e); err != nil {
		return nil, err
	}
	return m, nil
}

// Close releases the weights and ends the borrowing of the tensors that were set.
func (m *Model) Close() {
	if m == nil || m.c == nil {
		return
	}
	C.vq_model_close(m.c)
	m.c = nil
	m.borrowed.Unpin()
	for _, p := range m.copies {
		C.free(p)
	}
	m.copies = nil
}

// Config is the shape that the model was made with.
func (m *Model) Config() ModelConfig { return m.config }

// Precision is the type that the model computes in.
func (m *Model) Precision() DType { return m.precision }

// SetTensor sets one tensor, row-major and little-endian; a vector is one row. layer is ignored for kinds of which a
// model has one. The data are borrowed until Close and must not change or be unmapped before; they may be mapped memory
// or Go's own. Data that do not start at a multiple of their element's size are copied.
func (m *Model) SetTensor(kind TensorKind, layer int, data []byte, dtype DType, rows, cols int) error {
	if m.c == nil {
		return ErrClosed
	}
	if rows <= 0 || cols <= 0 || len(data)/dtype.Size()/cols != rows || len(data) != rows*cols*dtype.Size() {
		return badArgument("a tensor of %d x %d %s elements has %d bytes", rows, cols, dtype, len(data))
	}
	p := unsafe.Pointer(&data[0])
	if uintptr(p)%uintptr(dtype.Size()) != 0 {
		p = C.CBytes(data)
		m.copies = append(m.copies, p)
	} else {
		m.borrowed.Pin(&data[0])
	}
	var e C.vq_error
	return check(C.vq_model_set_tensor(m.c, C.vq_tensor_kind(kind), C.int32_t(layer), p, C.int32_t(dtype),
		C.int64_t(rows), C.int64_t(cols), &e), &e)
}

// Finish checks that no tensor is missing and prepares the weights for GEMMs; forTraining also for the backward pass.
func (m *Model) Finish(forTraining bool) error {
	if m.c == nil {
		return ErrClosed
	}
	var e C.vq_error
	return check(C.vq_model_finish(m.c, flag(forTraining), &e), &e)
}

func flag(b bool) C.int32_t {
	if b {
		return 1
	}
	return 0
}

// String names a kind for messages.
func (k TensorKind) String() string {
	names := map[TensorKind]string{Embedding: "embedding", FinalNorm: "final norm", Output: "output",
		AttentionNorm: "attention norm", MLPNorm: "mlp norm", QueryNorm: "query norm", KeyNorm: "key norm", Q: "q", K: "k",
		V: "v", O: "o", Gate: "gate", Up: "up", Down: "down"}
	if s, ok := names[k]; ok {
		return s
	}
	return fmt.Sprintf("TensorKind(%d)", int(k))
}
