package model

import (
	"fmt"
	"math"

	"ventriloquist/internal/hint"
	"ventriloquist/internal/model/safetensors"
)

// Config is the architecture of a Qwen3 model, as its config.json gives it. Every field has been checked.
type Config struct {
	VocabSize        int // rows of the embedding; may be more than the tokenizer has
	HiddenSize       int // width of the residual stream
	IntermediateSize int // width of the MLP
	Layers           int
	Heads            int // query heads
	KVHeads          int // key and value heads; divides Heads
	HeadDim          int // even; Heads x HeadDim need not be HiddenSize
	MaxPositions     int
	RMSNormEps       float64
	RopeTheta        float64
	TieEmbeddings    bool              // the output projection is the embedding
	DType            safetensors.DType // what the weights are said to be stored as, "" if it is not said; each tensor has its own
	EOSTokenIDs      []int             // may be empty
}

// QSize is the width of the queries and of the attention's result, Heads x HeadDim.
func (c Config) QSize() int { return c.Heads * c.HeadDim }

// KVSize is the width of the keys and of the values, KVHeads x HeadDim.
func (c Config) KVSize() int { return c.KVHeads * c.HeadDim }

// Parameters is the number of weights, tied ones once.
func (c Config) Parameters() int64 {
	var n int64
	for _, t := range RequiredTensors(c) {
		elements := int64(1)
		for _, d := range t.Shape {
			elements *= int64(d)
		}
		n += elements
	}
	return n
}

// Limits of what is taken for a model; far above any Qwen3, and low enough that no product of two overflows an int.
const (
	maxDimension = 1 << 22
	maxLayers    = 4096
)

// ParseConfig reads a config.json; path is for errors. Fields that change the arithmetic in a way that is not
// implemented are refused by name, others that are unknown are ignored.
func ParseConfig(path string, content []byte) (Config, error) {
	f, err := parseFields(path, content)
	if err != nil {
		return Config{}, err
	}
	f.refuseOtherArchitectures()
	if f.err != nil {
		return Config{}, f.err
	}
	c := Config{
		VocabSize:        f.size("vocab_size", maxDimension),
		HiddenSize:       f.size("hidden_size", maxDimension),
		IntermediateSize: f.size("intermediate_size", maxDimension),
		Layers:           f.size("num_hidden_layers", maxLayers),
		Heads:            f.size("num_attention_heads", maxDimension),
		MaxPositions:     f.size("max_position_embeddings", math.MaxInt32),
		RMSNormEps:       f.positive("rms_norm_eps"),
		RopeTheta:        f.ropeTheta(),
		TieEmbeddings:    f.boolean("tie_word_embeddings", false),
		DType:            f.dtype(),
		EOSTokenIDs:      f.tokenIDs("eos_token_id"),
	}
	c.KVHeads = f.sizeOr("num_key_value_heads", c.Heads)
	c.HeadDim = f.sizeOr("head_dim", 128) // transformers' default, whatever the other sizes
	f.refuseUnsupported(c.Layers)
	f.checkTogether(c)
	return c, f.err
}

// refuseOtherArchitectures runs first: the other fields of another architecture's file mean nothing here.
func (f *fields) refuseOtherArchitectures() {
	const want = "Qwen3ForCausalLM"
	kind := f.text("model_type")
	if f.err == nil && kind != "qwen3" {
		f.unsupported("model_type", fmt.Sprintf("%q", kind), `models of type "qwen3" are supported, such as Qwen/Qwen3-8B-Base and Qwen/Qwen3-0.6B-Base`)
	}
	names, ok := f.texts("architectures")
	if !ok {
		return
	}
	for _, name := range names {
		if name == want {
			return
		}
	}
	f.unsupported("architectures", fmt.Sprintf("%q", names), "the model must be a "+want)
}

func (f *fields) refuseUnsupported(layers int) {
	const plain = "take a model without it, such as Qwen/Qwen3-8B-Base"
	if f.has("quantization_config") {
		f.unsupported("quantization_config", "quantized weights", "take the model with bf16 weights")
	}
	if f.has("rope_scaling") && !f.isDefaultRope("rope_scaling") {
		f.unsupported("rope_scaling", string(f.raw["rope_scaling"]), plain)
	}
	if f.has("rope_parameters") && !f.isDefaultRope("rope_parameters") {
		f.unsupported("rope_parameters", string(f.raw["rope_parameters"]), plain)
	}
	if f.boolean("attention_bias", false) {
		f.unsupported("attention_bias", "true", plain)
	}
	if act := f.textOr("hidden_act", "silu"); act != "silu" {
		f.unsupported("hidden_act", fmt.Sprintf("%q", act), plain)
	}
	if f.has("attention_dropout") && f.number("attention_dropout") != 0 {
		f.unsupported("attention_dropout", string(f.raw["attention_dropout"]), `set "attention_dropout" to 0: the adapter has its own, --lora-dropout`)
	}
	if f.has("partial_rotary_factor") && f.number("partial_rotary_factor") != 1 {
		f.unsupported("partial_rotary_factor", string(f.raw["partial_rotary_factor"]), plain)
	}
	f.refuseSlidingWindow(layers, plain)
}

// refuseSlidingWindow follows transformers: layer_types decides where it is there, else the window is in use from layer
// max_window_layers on.
func (f *fields) refuseSlidingWindow(layers int, advice string) {
	if kinds, ok := f.texts("layer_types"); ok {
		for _, kind := range kinds {
			if kind != "full_attention" {
				f.unsupported("layer_types", fmt.Sprintf("%q", kind), advice)
			}
		}
		if len(kinds) != layers {
			f.wrong("layer_types", "it has %d entries for %d layers", len(kinds), layers)
		}
		return
	}
	first := 0
	if f.has("max_window_layers") {
		first = f.integer("max_window_layers")
	}
	if f.boolean("use_sliding_window", false) && f.has("sliding_window") && first < layers {
		f.unsupported("use_sliding_window", "true", advice)
	}
}

// isDefaultRope says whether a rope_scaling or rope_parameters object asks for plain RoPE.
func (f *fields) isDefaultRope(key string) bool {
	inner := f.object(key)
	if inner == nil {
		return true
	}
	for _, kind := range []string{"rope_type", "type"} {
		if inner.textOr(kind, "default") != "default" {
			return false
		}
	}
	rotates := !inner.has("partial_rotary_factor") || inner.number("partial_rotary_factor") == 1
	return rotates && !inner.has("factor")
}

// ropeTheta is in rope_parameters in newer files, and a field of its own in older ones.
func (f *fields) ropeTheta() float64 {
	if inner := f.object("rope_parameters"); inner != nil && inner.has("rope_theta") {
		theta := inner.positive("rope_theta")
		if f.has("rope_theta") && f.number("rope_theta") != theta {
			f.wrong("rope_theta", "it contradicts rope_parameters")
		}
		return theta
	}
	if !f.has("rope_theta") {
		f.wrong("rope_theta", "neither it nor rope_parameters.rope_theta is there")
		return 0
	}
	return f.positive("rope_theta")
}

var dtypes = map[string]safetensors.DType{
	"bfloat16": safetensors.BF16, "float32": safetensors.F32, "float16": safetensors.F16,
}

// dtype is what the file says of its weights; each tensor's own type is what counts.
func (f *fields) dtype() safetensors.DType {
	for _, key := range []string{"dtype", "torch_dtype"} {
		if !f.has(key) {
			continue
		}
		name := f.text(key)
		d, ok := dtypes[name]
		if !ok {
			f.unsupported(key, fmt.Sprintf("%q", name), "take the model with bfloat16 weights")
		}
		return d
	}
	return ""
}

func (f *fields) checkTogether(c Config) {
	switch {
	case f.err != nil:
	case c.Heads%c.KVHeads != 0:
		f.wrong("num_key_value_heads", "%d does not divide num_attention_heads %d", c.KVHeads, c.Heads)
	case c.HeadDim%2 != 0:
		f.wrong("head_dim", "%d is odd, but RoPE turns pairs", c.HeadDim)
	case c.Heads*c.HeadDim > maxDimension:
		f.wrong("num_attention_heads", "%d heads of %d are too many", c.Heads, c.HeadDim)
	case c.RMSNormEps >= 1:
		f.wrong("rms_norm_eps", "%g is not a small number", c.RMSNormEps)
	case c.RopeTheta < 1:
		f.wrong("rope_theta", "%g is less than 1", c.RopeTheta)
	}
	for _, id := range c.EOSTokenIDs {
		if f.err == nil && id >= c.VocabSize {
			f.wrong("eos_token_id", "%d is not in the vocabulary of %d", id, c.VocabSize)
		}
	}
}

// unsupported records that the file asks for something that is not implemented. Like wrong, it keeps the first error.
func (f *fields) unsupported(key, value, advice string) {
	if f.err == nil {
		f.err = hint.With(fmt.Errorf("%s: %s is %s, which is not supported", f.path, key, value), "%s", advice)
	}
}
