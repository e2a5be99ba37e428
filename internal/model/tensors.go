package model

import "fmt"

// Names of the tensors outside the layers.
const (
	EmbedTokens = "model.embed_tokens.weight" // [VocabSize, HiddenSize]
	FinalNorm   = "model.norm.weight"         // [HiddenSize]
	LMHead      = "lm_head.weight"            // [VocabSize, HiddenSize]; absent if the embeddings are tied
)

// Projection is one of the seven linear layers of a decoder layer; an adapter can target each.
type Projection struct {
	Short  string // as in the option lora_targets: q, k, v, o, gate, up, down
	Name   string // as in a PEFT adapter's target_modules: q_proj, …
	Module string // within the layer: self_attn.q_proj, …
}

// Projections lists them in the order in which a layer uses them. The order must not change.
var Projections = []Projection{
	{"q", "q_proj", "self_attn.q_proj"},
	{"k", "k_proj", "self_attn.k_proj"},
	{"v", "v_proj", "self_attn.v_proj"},
	{"o", "o_proj", "self_attn.o_proj"},
	{"gate", "gate_proj", "mlp.gate_proj"},
	{"up", "up_proj", "mlp.up_proj"},
	{"down", "down_proj", "mlp.down_proj"},
}

// Dims returns the input and output width of a projection; its weight has shape [out, in].
func (c Config) Dims(p Projection) (in, out int) {
	switch p.Short {
	case "q":
		return c.HiddenSize, c.QSize()
	case "k", "v":
		return c.HiddenSize, c.KVSize()
	case "o":
		return c.QSize(), c.HiddenSize
	case "gate", "up":
		return c.HiddenSize, c.IntermediateSize
	case "down":
		return c.IntermediateSize, c.HiddenSize
	}
	panic("model: no such projection: " + p.Short)
}

// LayerTensor returns the name of a layer's tensor; part is a Projection's Module, "input_layernorm",
// "post_attention_layernorm", "self_attn.q_norm" or "self_attn.k_norm".
func LayerTensor(layer int, part string) string {
	return fmt.Sprintf("model.layers.%d.%s.weight", layer, part)
}

// TensorSpec is the name and shape of a required tensor.
type TensorSpec struct {
	Name  string
	Shape []int
}

// RequiredTensors lists every tensor of a model with this configuration.
func RequiredTensors(c Config) []TensorSpec {
	list := []TensorSpec{{EmbedTokens, []int{c.VocabSize, c.HiddenSize}}}
	for l := range c.Layers {
		for _, norm := range []string{"input_layernorm", "post_attention_layernorm"} {
			list = append(list, TensorSpec{LayerTensor(l, norm), []int{c.HiddenSize}})
		}
		for _, norm := range []string{"self_attn.q_norm", "self_attn.k_norm"} {
			list = append(list, TensorSpec{LayerTensor(l, norm), []int{c.HeadDim}})
		}
		for _, p := range Projections {
			in, out := c.Dims(p)
			list = append(list, TensorSpec{LayerTensor(l, p.Module), []int{out, in}})
		}
	}
	list = append(list, TensorSpec{FinalNorm, []int{c.HiddenSize}})
	if !c.TieEmbeddings {
		list = append(list, TensorSpec{LMHead, []int{c.VocabSize, c.HiddenSize}})
	}
	return list
}
