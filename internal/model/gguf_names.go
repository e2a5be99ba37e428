package model

import (
	"fmt"
	"regexp"
	"strings"
)

// GGUFArchitecture is what llama.cpp calls the architecture, and the prefix of its keys.
const GGUFArchitecture = "qwen3"

// ggufNames are llama.cpp's names of the tensors outside the layers, and of the parts of a layer.
var ggufNames = map[string]string{
	EmbedTokens: "token_embd.weight", FinalNorm: "output_norm.weight", LMHead: "output.weight",
	"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
	"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
	"mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}

// GGUFLayerTensor is LayerTensor with llama.cpp's name.
func GGUFLayerTensor(layer int, part string) string {
	return fmt.Sprintf("blk.%d.%s.weight", layer, ggufNames[part])
}

// GGUFTensor returns llama.cpp's name of a tensor of RequiredTensors.
func GGUFTensor(name string) string {
	if known, ok := ggufNames[name]; ok {
		return known
	}
	var layer int
	rest := strings.TrimPrefix(name, "model.layers.")
	if n, err := fmt.Sscanf(rest, "%d.", &layer); n != 1 || err != nil {
		return name
	}
	_, part, _ := strings.Cut(rest, ".")
	return GGUFLayerTensor(layer, strings.TrimSuffix(part, ".weight"))
}

var ggufLayer = regexp.MustCompile(`^blk\.([0-9]{1,4})\.([a-z_]+)\.weight$`)

// fromGGUF is the reverse of GGUFTensor. A name without a place in the model stays as it is.
func fromGGUF(name string) string {
	match := ggufLayer.FindStringSubmatch(name)
	for ours, theirs := range ggufNames {
		switch {
		case theirs == name:
			return ours
		case match != nil && theirs == match[2]:
			return "model.layers." + match[1] + "." + ours + ".weight"
		}
	}
	return name
}
