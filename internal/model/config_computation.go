package model

import (
	"slices"
	"strings"
)

// Fields that other architectures, later versions or custom code use to change the computation. Qwen3 has none of them.
var (
	// offFields change nothing while they are empty: null, false, 0, "", [] or {}.
	offFields = []string{
		"attention_bias", "mlp_bias", "use_bias", "qkv_bias", "lm_head_bias", "attention_output_bias",
		"final_logit_softcapping", "attn_logit_softcapping", "attention_logit_cap", "clip_qkv", "attn_output_gate",
		"num_experts", "num_local_experts", "n_routed_experts", "n_shared_experts", "num_experts_per_tok", "mlp_only_layers",
		"hidden_dropout", "embd_pdrop", "resid_pdrop", "embedding_dropout", "mlp_dropout",
		"no_rope_layers", "nope_layers", "rope_interleaved", "rope_local_base_freq", "attention_chunk_size", "query_pre_attn_scalar",
		"num_nextn_predict_layers", "pruned_heads", "is_encoder_decoder", "add_cross_attention", "cross_attention_hidden_size",
		"auto_map", "text_config", "vision_config", "audio_config", "layer_replication", "use_mrope", "attention_sinks",
		"kv_lora_rank", "q_lora_rank", "linear_num_key_heads", "num_kv_shared_layers", "alibi",
	}
	// oneFields change nothing while they are 1.
	oneFields = []string{
		"embedding_multiplier", "residual_multiplier", "logits_scaling", "logit_scale", "scale_emb", "scale_depth",
		"rope_scaling_factor", "attention_scale_factor",
	}
	// onFields change nothing while they are true.
	onFields = []string{"use_qk_norm", "qk_norm", "use_rope"}
)

func changesComputation(key string) bool {
	return slices.Contains(offFields, key) || slices.Contains(oneFields, key) || slices.Contains(onFields, key) || strings.HasPrefix(key, "moe_")
}

// isNeutral reports whether a field has a value with which it changes nothing.
func (f configFields) isNeutral(key string) bool {
	switch {
	case f.Raw(key) == "null":
		return true
	case slices.Contains(oneFields, key):
		return f.Number(key) == 1
	case slices.Contains(onFields, key):
		return f.Bool(key, true)
	}
	return f.IsEmpty(key)
}
