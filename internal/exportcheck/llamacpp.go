package exportcheck

import (
	"fmt"
	"math"
	"regexp"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/gguf"
)

// llamaCppTensors are the names that llama.cpp gives to the tensors of a Qwen3 model, by those of transformers. They are written out
// here, and not taken from the code that writes files: a name that is wrong there must not be wrong here too.
var llamaCppTensors = map[string]string{
	"model.embed_tokens.weight": "token_embd.weight",
	"model.norm.weight":         "output_norm.weight",
	"lm_head.weight":            "output.weight",
}

var llamaCppParts = map[string]string{
	"input_layernorm":          "attn_norm",
	"self_attn.q_proj":         "attn_q",
	"self_attn.k_proj":         "attn_k",
	"self_attn.v_proj":         "attn_v",
	"self_attn.q_norm":         "attn_q_norm",
	"self_attn.k_norm":         "attn_k_norm",
	"self_attn.o_proj":         "attn_output",
	"post_attention_layernorm": "ffn_norm",
	"mlp.gate_proj":            "ffn_gate",
	"mlp.up_proj":              "ffn_up",
	"mlp.down_proj":            "ffn_down",
}

var layerTensor = regexp.MustCompile(`^model\.layers\.([0-9]+)\.(.+)\.weight$`)

func llamaCppName(name string) string {
	if match := layerTensor.FindStringSubmatch(name); match != nil {
		return "blk." + match[1] + "." + llamaCppParts[match[2]] + ".weight"
	}
	return llamaCppTensors[name]
}

// checkMetadata compares the settings of a GGUF file with a configuration, as llama.cpp reads them.
func checkMetadata(file *gguf.File, c model.Config) error {
	if got, err := file.Text("general.architecture"); err != nil || got != "qwen3" {
		return fmt.Errorf("%s: general.architecture is %q, not \"qwen3\"", file.Path(), got)
	}
	for key, want := range map[string]float64{
		"qwen3.block_count": float64(c.Layers), "qwen3.context_length": float64(c.MaxPositions), "qwen3.embedding_length": float64(c.HiddenSize),
		"qwen3.feed_forward_length": float64(c.IntermediateSize), "qwen3.attention.head_count": float64(c.Heads),
		"qwen3.attention.head_count_kv": float64(c.KVHeads), "qwen3.attention.key_length": float64(c.HeadDim),
		"qwen3.attention.value_length": float64(c.HeadDim), "qwen3.attention.layer_norm_rms_epsilon": c.RMSNormEps, "qwen3.rope.freq_base": c.RopeTheta,
	} {
		got, ok, err := file.Number(key)
		if err != nil {
			return err
		}
		if !ok || math.Abs(got-want) > 1e-6*math.Abs(want) {
			return fmt.Errorf("%s: %s is %g, not %g", file.Path(), key, got, want)
		}
	}
	return nil
}
