package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ventriloquist/internal/usererr"
)

// ShapeNames are the names that ShapeConfig accepts.
var ShapeNames = []string{"qwen3-0.6b", "qwen3-1.7b", "qwen3-4b", "qwen3-8b", "qwen3-14b", "qwen3-32b", Tiny}

// shapes is what differs between the Qwen3 models.
var shapes = map[string]struct {
	hidden, intermediate, layers, heads int
	tied                                bool
}{
	"qwen3-0.6b": {1024, 3072, 28, 16, true},
	"qwen3-1.7b": {2048, 6144, 28, 16, true},
	"qwen3-4b":   {2560, 9728, 36, 32, true},
	"qwen3-8b":   {4096, 12288, 36, 32, false},
	"qwen3-14b":  {5120, 17408, 40, 40, false},
	"qwen3-32b":  {5120, 25600, 64, 64, false},
}

// ShapeConfig returns the configuration of a Qwen3 base model by its size: 0.6b or qwen3-0.6b, in any case.
func ShapeConfig(name string) (Config, error) {
	key := strings.ToLower(name)
	if key == Tiny {
		return embedded().Config()
	}
	if !strings.HasPrefix(key, "qwen3-") {
		key = "qwen3-" + key
	}
	s, ok := shapes[key]
	if !ok {
		return Config{}, usererr.With(usererr.Usage("no shape %q", name), "choose from %s", strings.Join(ShapeNames, ", "))
	}
	return Config{
		VocabSize: 151936, HiddenSize: s.hidden, IntermediateSize: s.intermediate, Layers: s.layers, Heads: s.heads,
		KVHeads: 8, HeadDim: 128, MaxPositions: 32768, RMSNormEps: 1e-6, RopeTheta: 1e6, TieEmbeddings: s.tied,
		DType: "BF16", EOSTokenIDs: []int{151643},
	}, nil
}

// ConfigNamed returns the configuration of a model that need not be on this machine: a folder with a config.json, a model that
// Resolve finds, or a Qwen3 model by its name or size. It also returns the name by which the model is found.
func ConfigNamed(nameOrDir string) (Config, string, error) {
	source, err := Resolve(nameOrDir)
	if err == nil {
		config, err := source.Config()
		return config, source.Name, err
	}
	if nameOrDir == "" {
		nameOrDir = Default
	}
	shape := strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(nameOrDir), "qwen/"), "-base")
	if config, unknown := ShapeConfig(shape); unknown == nil {
		return config, nameOrDir, nil
	}
	return Config{}, "", err
}

// encode returns the config.json of a model with weights of c.DType, bf16 unless it says another.
func (c Config) encode() ([]byte, error) {
	fields := map[string]any{
		"architectures": []string{"Qwen3ForCausalLM"}, "model_type": "qwen3", "hidden_act": "silu",
		"attention_bias": false, "attention_dropout": 0, "use_cache": true, "use_sliding_window": false, "initializer_range": 0.02,
		"vocab_size": c.VocabSize, "hidden_size": c.HiddenSize, "intermediate_size": c.IntermediateSize,
		"num_hidden_layers": c.Layers, "num_attention_heads": c.Heads, "num_key_value_heads": c.KVHeads, "head_dim": c.HeadDim,
		"max_position_embeddings": c.MaxPositions, "rms_norm_eps": c.RMSNormEps, "rope_theta": c.RopeTheta, "rope_scaling": nil,
		"tie_word_embeddings": c.TieEmbeddings, "torch_dtype": c.torchType(),
	}
	if len(c.EOSTokenIDs) > 0 {
		fields["eos_token_id"] = slices.Clone(c.EOSTokenIDs)
	}
	content, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot encode %s: %w", ConfigFile, err)
	}
	return append(content, '\n'), nil
}
