package model

import (
	"fmt"
	"math"
	"slices"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// Config is the architecture of a Qwen3 model, as in its config.json. Every field has been checked.
type Config struct {
	VocabSize        int               `json:"vocab_size"`        // rows of the embedding; may be more than the tokenizer uses
	HiddenSize       int               `json:"hidden_size"`       // width of the residual stream
	IntermediateSize int               `json:"intermediate_size"` // width of the MLP
	Layers           int               `json:"num_hidden_layers"`
	Heads            int               `json:"num_attention_heads"` // query heads
	KVHeads          int               `json:"num_key_value_heads"` // key and value heads; divide Heads
	HeadDim          int               `json:"head_dim"`            // even; Heads x HeadDim may differ from HiddenSize
	MaxPositions     int               `json:"max_position_embeddings"`
	RMSNormEps       float64           `json:"rms_norm_eps"`
	RopeTheta        float64           `json:"rope_theta"`
	TieEmbeddings    bool              `json:"tie_word_embeddings"` // the output projection is the embedding
	DType            safetensors.DType `json:"dtype"`               // type of the weights according to the file, "" if it does not say; each tensor has its own
	EOSTokenIDs      []int             `json:"eos_token_ids"`       // may be empty
}

// QSize returns the width of the queries and of the attention output, Heads x HeadDim.
func (c Config) QSize() int { return c.Heads * c.HeadDim }

// KVSize returns the width of the keys and of the values, KVHeads x HeadDim.
func (c Config) KVSize() int { return c.KVHeads * c.HeadDim }

// Parameters returns the number of weights, counting tied ones once.
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

// Limits of a plausible model: far above any Qwen3, and low enough that no product of two overflows an int.
const (
	maxDimension = 1 << 22
	maxLayers    = 4096
)

// ParseConfig parses a config.json; path is for errors. It rejects, by name, fields that ask for a computation that is not
// implemented, and ignores unknown ones. The model's name may say what a quantized copy was made from; it may be empty.
func ParseConfig(path, name string, content []byte) (Config, error) {
	object, err := jsonfields.ParseDocument(path, content)
	if err != nil {
		return Config{}, err
	}
	f := configFields{object}
	f.refuseOtherArchitectures()
	if f.Err() != nil {
		return Config{}, f.Err()
	}
	c := Config{
		VocabSize:        f.Size("vocab_size", maxDimension),
		HiddenSize:       f.Size("hidden_size", maxDimension),
		IntermediateSize: f.Size("intermediate_size", maxDimension),
		Layers:           f.Size("num_hidden_layers", maxLayers),
		Heads:            f.Size("num_attention_heads", maxDimension),
		MaxPositions:     f.Size("max_position_embeddings", math.MaxInt32),
		RMSNormEps:       f.Positive("rms_norm_eps"),
		RopeTheta:        f.ropeTheta(),
		TieEmbeddings:    f.Bool("tie_word_embeddings", false),
		DType:            f.dtype(),
		EOSTokenIDs:      f.Indexes("eos_token_id", "a token id"),
	}
	c.KVHeads = f.SizeOr("num_key_value_heads", maxDimension, c.Heads)
	c.HeadDim = f.SizeOr("head_dim", maxDimension, 128) // transformers' default, independent of the other sizes
	f.refuseQuantized(name)
	f.refuseUnsupported(c.Layers)
	f.checkTogether(c)
	return c, f.Err()
}

type configFields struct{ *jsonfields.Fields }

// refuseOtherArchitectures runs first: the other fields mean nothing for another architecture. A Qwen3Model is one saved without
// its output layer.
func (f configFields) refuseOtherArchitectures() {
	const want, headless = "Qwen3ForCausalLM", "Qwen3Model"
	kind := f.Text("model_type")
	if f.Err() == nil && kind != "qwen3" {
		f.Unsupported("model_type", fmt.Sprintf("%q", kind), `models of type "qwen3" are supported, such as Qwen/Qwen3-8B-Base and Qwen/Qwen3-0.6B-Base`)
	}
	names, ok := f.Texts("architectures")
	if !ok {
		return
	}
	for _, name := range names {
		if name == want || name == headless {
			return
		}
	}
	f.Unsupported("architectures", fmt.Sprintf("%q", names), "the model must be a "+want)
}

func (f configFields) refuseUnsupported(layers int) {
	const plain = "use a model without it, such as Qwen/Qwen3-8B-Base"
	if f.Has("rope_scaling") && !f.isDefaultRope("rope_scaling") {
		f.Unsupported("rope_scaling", f.Raw("rope_scaling"), plain)
	}
	if f.Has("rope_parameters") && !f.isDefaultRope("rope_parameters") {
		f.Unsupported("rope_parameters", f.Raw("rope_parameters"), plain)
	}
	for _, key := range f.Names() {
		if changesComputation(key) && !f.isNeutral(key) {
			f.Unsupported(key, f.Raw(key), plain)
		}
	}
	if act := f.TextOr("hidden_act", "silu"); act != "silu" {
		f.Unsupported("hidden_act", fmt.Sprintf("%q", act), plain)
	}
	if f.Has("attention_dropout") && f.Number("attention_dropout") != 0 {
		f.Unsupported("attention_dropout", f.Raw("attention_dropout"), fmt.Sprintf(`set "attention_dropout" to 0: the adapter has its own, %v`, usererr.Option("lora_dropout")))
	}
	if f.Has("partial_rotary_factor") && f.Number("partial_rotary_factor") != 1 {
		f.Unsupported("partial_rotary_factor", f.Raw("partial_rotary_factor"), plain)
	}
	f.refuseSlidingWindow(layers, plain)
}

// refuseSlidingWindow follows transformers: layer_types decides if present, else the window is used from layer
// max_window_layers on.
func (f configFields) refuseSlidingWindow(layers int, advice string) {
	if kinds, ok := f.Texts("layer_types"); ok {
		for _, kind := range kinds {
			if kind != "full_attention" {
				f.Unsupported("layer_types", fmt.Sprintf("%q", kind), advice)
			}
		}
		if len(kinds) != layers {
			f.Wrong("layer_types", "has %d entries for %d layers", len(kinds), layers)
		}
		return
	}
	first := 0
	if f.Has("max_window_layers") {
		first = f.Integer("max_window_layers")
	}
	if f.Bool("use_sliding_window", false) && f.Has("sliding_window") && first < layers {
		f.Unsupported("use_sliding_window", "true", advice)
	}
}

// ropeFields are the fields of plain RoPE. Any other, such as factor or the names of layer types, asks for another one.
var ropeFields = []string{"rope_type", "type", "rope_theta", "partial_rotary_factor", "original_max_position_embeddings"}

// isDefaultRope reports whether a rope_scaling or rope_parameters object asks for plain RoPE.
func (f configFields) isDefaultRope(key string) bool {
	inner := f.Object(key)
	if inner == nil {
		return true
	}
	for _, name := range inner.Names() {
		if inner.Has(name) && !slices.Contains(ropeFields, name) {
			return false
		}
	}
	for _, kind := range []string{"rope_type", "type"} {
		if inner.TextOr(kind, "default") != "default" {
			return false
		}
	}
	return !inner.Has("partial_rotary_factor") || inner.Number("partial_rotary_factor") == 1
}

// ropeTheta reads rope_theta from rope_parameters, as in newer files, or from the top level, as in older ones.
func (f configFields) ropeTheta() float64 {
	if inner := f.Object("rope_parameters"); inner != nil && inner.Has("rope_theta") {
		theta := inner.Positive("rope_theta")
		if f.Has("rope_theta") && f.Number("rope_theta") != theta {
			f.Wrong("rope_theta", "contradicts rope_parameters")
		}
		return theta
	}
	if !f.Has("rope_theta") {
		f.Wrong("rope_theta", "missing, and so is rope_parameters.rope_theta")
		return 0
	}
	return f.Positive("rope_theta")
}

// torchType is the name of DType in a config.json.
func (c Config) torchType() string {
	for name, d := range dtypes {
		if d == c.DType {
			return name
		}
	}
	return "bfloat16"
}

var dtypes = map[string]safetensors.DType{
	"bfloat16": safetensors.BF16, "float32": safetensors.F32, "float16": safetensors.F16,
}

// dtype returns the type of the weights according to the file. Each tensor has its own type, which is what counts.
func (f configFields) dtype() safetensors.DType {
	for _, key := range []string{"dtype", "torch_dtype"} {
		if !f.Has(key) {
			continue
		}
		name := f.Text(key)
		d, ok := dtypes[name]
		if !ok {
			f.Unsupported(key, fmt.Sprintf("%q", name), "use the model with bfloat16 weights")
		}
		return d
	}
	return ""
}

func (f configFields) checkTogether(c Config) {
	switch {
	case f.Err() != nil:
	case c.Heads%c.KVHeads != 0:
		f.Wrong("num_key_value_heads", "%d does not divide num_attention_heads %d", c.KVHeads, c.Heads)
	case c.HeadDim%2 != 0:
		f.Wrong("head_dim", "%d is odd, but RoPE rotates pairs", c.HeadDim)
	case c.Heads*c.HeadDim > maxDimension:
		f.Wrong("num_attention_heads", "%d heads of %d are too many", c.Heads, c.HeadDim)
	case c.RMSNormEps >= 1:
		f.Wrong("rms_norm_eps", "%g is not a small number", c.RMSNormEps)
	case c.RopeTheta < 1:
		f.Wrong("rope_theta", "%g is less than 1", c.RopeTheta)
	}
	f.checkEnds(c)
}

func (f configFields) checkEnds(c Config) {
	for _, id := range c.EOSTokenIDs {
		if f.Err() == nil && id >= c.VocabSize {
			f.Wrong("eos_token_id", "%d is not in the vocabulary of %d", id, c.VocabSize)
		}
	}
}
