package model_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// changed returns the folder of a small model whose tensors have been changed.
func changed(t *testing.T, config model.Config, change func(map[string]safetensors.Tensor)) string {
	t.Helper()
	dir := makeModel(t, model.RandomOptions{Config: config})
	tensors := weights(t, dir)
	change(tensors)
	rewrite(t, filepath.Join(dir, model.WeightsFile), tensors)
	return dir
}

func opens(t *testing.T, dir string) {
	t.Helper()
	m, err := model.Open(dir)
	if err != nil {
		t.Error(err)
		return
	}
	m.Close()
}

// A tied config with another lm_head.weight in the file is refused: transformers computes with that weight, and ignoring it
// gives another model. The same weight once more changes nothing.
func TestOpen_TiedWithAnotherOutput(t *testing.T) {
	t.Parallel()
	opens(t, changed(t, small(), func(m map[string]safetensors.Tensor) { m[model.LMHead] = m[model.EmbedTokens] }))

	dir := changed(t, small(), func(m map[string]safetensors.Tensor) {
		head := m[model.EmbedTokens]
		head.Data = slices.Clone(head.Data)
		head.Data[len(head.Data)-1] ^= 1
		m[model.LMHead] = head
	})
	_, err := model.Open(dir)
	if err == nil || !strings.Contains(err.Error(), `tie_word_embeddings is true, but tensor "lm_head.weight" differs`) {
		t.Fatal(err)
	}
	// What the hint says works.
	if hint := usererr.Of(err); !strings.Contains(hint, `set "tie_word_embeddings" to false`) {
		t.Errorf("hint %q", hint)
	}
	path := filepath.Join(dir, model.ConfigFile)
	untied := bytes.Replace(read(t, path), []byte(`"tie_word_embeddings": true`), []byte(`"tie_word_embeddings": false`), 1)
	if err := os.WriteFile(path, untied, 0o600); err != nil {
		t.Fatal(err)
	}
	opens(t, dir)
}

// No tensor is ignored: each that no computation uses is refused by name, with what it is a sign of.
func TestOpen_RefusesExtraTensors(t *testing.T) {
	t.Parallel()
	for name, hint := range map[string]string{
		"model.layers.0.self_attn.q_proj.bias":                 "biases are not supported",
		"lm_head.bias":                                         "biases are not supported",
		"model.layers.2.mlp.up_proj.weight":                    "num_hidden_layers is 2",
		"model.layers.0.self_attn.q_proj.lora_A.weight":        "adapter",
		"model.layers.0.mlp.up_proj.weight_scale_inv":          "it was made from",
		"model.layers.0.mlp.up_proj.weight.absmax":             "it was made from",
		"model.layers.0.mlp.up_proj.qweight":                   "it was made from",
		"model.layers.0.mlp.experts.3.up_proj.weight":          "without it",
		"model.embed_positions.weight":                         "without it",
		"score.weight":                                         "without it",
		"model.layers.99999999999999999999.mlp.up_proj.weight": "num_hidden_layers is 2",
	} {
		dir := changed(t, small(), func(m map[string]safetensors.Tensor) { m[name] = m[model.FinalNorm] })
		_, err := model.Open(dir)
		if err == nil || !strings.Contains(err.Error(), `model.safetensors: tensor "`+name+`" has no place`) || !strings.Contains(usererr.Of(err), hint) {
			t.Errorf("%s: %v, hint %q", name, err, usererr.Of(err))
		}
	}
}

// An untied model may not have the embedding of another one under a short name, nor both spellings.
func TestOpen_RefusesBothSpellings(t *testing.T) {
	t.Parallel()
	dir := changed(t, small(), func(m map[string]safetensors.Tensor) { m["norm.weight"] = m[model.FinalNorm] })
	if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), `"norm.weight"`) {
		t.Fatal(err)
	}
}

// Models saved without the prefix "model." are read, tied and untied, and are the same models.
func TestOpen_WithoutPrefix(t *testing.T) {
	t.Parallel()
	untied := small()
	untied.TieEmbeddings = false
	for _, config := range []model.Config{small(), untied} {
		plain := makeModel(t, model.RandomOptions{Config: config})
		short := makeModel(t, model.RandomOptions{Config: config})
		tensors := map[string]safetensors.Tensor{}
		for name, tensor := range weights(t, short) {
			tensors[strings.TrimPrefix(name, "model.")] = tensor
		}
		rewrite(t, filepath.Join(short, model.WeightsFile), tensors)
		path := filepath.Join(short, model.ConfigFile)
		headless := bytes.Replace(read(t, path), []byte("Qwen3ForCausalLM"), []byte("Qwen3Model"), 1)
		if err := os.WriteFile(path, headless, 0o600); err != nil {
			t.Fatal(err)
		}
		if fingerprint(t, plain) != fingerprint(t, short) {
			t.Errorf("tied %v: the fingerprints differ", config.TieEmbeddings)
		}
	}
}

// Stored frequencies of RoPE are compared with those of the configuration.
func TestOpen_ChecksFrequencies(t *testing.T) {
	t.Parallel()
	const name = "model.layers.0.self_attn.rotary_emb.inv_freq"
	frequencies := func(theta float64) safetensors.Tensor {
		t := safetensors.Tensor{DType: safetensors.F32, Shape: []int{3}}
		for i := range 3 {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(float32(math.Pow(theta, -2*float64(i)/6))))
		}
		return t
	}
	opens(t, changed(t, small(), func(m map[string]safetensors.Tensor) { m[name] = frequencies(1e4) }))
	for label, bad := range map[string]safetensors.Tensor{
		"other theta": frequencies(1e6),
		"NaN":         frequencies(math.NaN()),
		"length":      {DType: safetensors.F32, Shape: []int{1}, Data: []byte{0, 0, 128, 63}},
		"type":        {DType: "F64", Shape: []int{1}, Data: make([]byte, 8)},
	} {
		dir := changed(t, small(), func(m map[string]safetensors.Tensor) { m[name] = bad })
		if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), `"`+name+`"`) {
			t.Errorf("%s: %v", label, err)
		}
	}
}

// A tensor in two shards has two values: neither is taken.
func TestOpen_TensorInTwoShards(t *testing.T) {
	t.Parallel()
	dir := makeModel(t, model.RandomOptions{Config: small(), ShardBytes: 700})
	shards, err := filepath.Glob(filepath.Join(dir, "model-*.safetensors"))
	if err != nil || len(shards) < 2 {
		t.Fatal(shards, err)
	}
	tensors := map[string]safetensors.Tensor{}
	for _, shard := range shards[:2] {
		f, err := safetensors.Parse(shard, read(t, shard))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range f.Names() {
			tensors[name], _ = f.Tensor(name)
		}
	}
	rewrite(t, shards[0], tensors)
	if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), "is in both") {
		t.Fatal(err)
	}
}

// Models that another program quantized are refused with its name and with the model that they were made from.
func TestOpen_QuantizedNamesItsOrigin(t *testing.T) {
	t.Parallel()
	for method, title := range map[string]string{"bitsandbytes": "bitsandbytes", "gptq": "GPTQ", "awq": "AWQ", "fp8": "FP8", "later": `"later"`} {
		_, err := model.ParseConfig("config.json", "", with(t, changes{
			"quantization_config": fmt.Sprintf(`{"quant_method": %q, "bits": 4}`, method), "_name_or_path": `"unsloth/Qwen3-8B-Base-unsloth-bnb-4bit"`}))
		if err == nil || !strings.Contains(err.Error(), "quantization_config is of "+title) || !strings.Contains(usererr.Of(err), "vqctl model pull Qwen/Qwen3-8B-Base)") {
			t.Errorf("%s: %v, hint %q", method, err, usererr.Of(err))
		}
	}
	dir := makeModel(t, model.RandomOptions{Config: small()})
	gguf := filepath.Join(dir, "Qwen3-4B-Base-Q4_K_M.gguf")
	if err := errors.Join(os.Remove(filepath.Join(dir, model.WeightsFile)), os.WriteFile(gguf, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), "only Qwen3-4B-Base-Q4_K_M.gguf") || !strings.Contains(usererr.Of(err), "Qwen/Qwen3-4B-Base ") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
}

func TestOriginal(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"unsloth/Qwen3-8B-Base-unsloth-bnb-4bit": "Qwen/Qwen3-8B-Base",
		"unsloth/qwen3-0.6b-base-bnb-4bit":       "Qwen/Qwen3-0.6B-Base",
		"Qwen/Qwen3-8B-FP8":                      "Qwen/Qwen3-8B",
		"Qwen/Qwen3-8B-GPTQ-Int8":                "Qwen/Qwen3-8B",
		"Qwen/Qwen3-8B-AWQ":                      "Qwen/Qwen3-8B",
		"Qwen/Qwen3-8B-GGUF":                     "Qwen/Qwen3-8B",
		"mlx-community/Qwen3-4B-4bit":            "Qwen/Qwen3-4B",
		"someone/my-model-w4a16":                 "someone/my-model",
		"Qwen3-4B-Base-Q4_K_M":                   "Qwen/Qwen3-4B-Base",
		"Qwen/Qwen3-8B-Base":                     "",
		"someone/4bit":                           "",
		"":                                       "",
	} {
		if got, ok := model.Original(name); got != want || ok != (want != "") {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// generation_config.json decides where generated text ends, as in transformers; what it would force is refused by field.
func TestConfig_ReadsGenerationConfig(t *testing.T) {
	t.Parallel()
	dir := makeModel(t, model.RandomOptions{Config: small()})
	for content, want := range map[string]string{
		`{"eos_token_id": [5, 7], "temperature": 0.6, "suppress_tokens": []}`: "[5 7]",
		`{"eos_token_id": 3}`:                    "[3]",
		`{"do_sample": true}`:                    "[]",
		`{"eos_token_id": 40}`:                   "eos_token_id: 40 is not in the vocabulary",
		`{"eos_token_id": "x"}`:                  "eos_token_id: ",
		`{"forced_eos_token_id": 3}`:             "forced_eos_token_id is 3, which is not supported",
		`{"suppress_tokens": [1]}`:               "suppress_tokens is [1], which is not supported",
		`{"stop_strings": ["x"]}`:                "stop_strings is ",
		`{"bad_words_ids": [[1]]}`:               "bad_words_ids is ",
		`{"eos_token_id": 1, "eos_token_id": 2}`: "there twice",
	} {
		if err := os.WriteFile(filepath.Join(dir, model.GenerationFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := model.Folder(dir).Config()
		got := fmt.Sprint(c.EOSTokenIDs)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || err != nil && !strings.Contains(got, model.GenerationFile) {
			t.Errorf("%s: %s, want %s", content, got, want)
		}
	}
}

// A config.json that is a pipe, a device, a folder or huge is refused at once.
func TestConfig_LimitsBeforeWork(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(path string) error{
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"pipe":   mkfifo,
		"device": func(path string) error { return os.Symlink("/dev/zero", path) },
		"huge": func(path string) error {
			return errors.Join(os.WriteFile(path, []byte("{"), 0o600), os.Truncate(path, 1<<40))
		},
		"deep": func(path string) error {
			return os.WriteFile(path, []byte(`{"a":`+strings.Repeat("[", 1e5)+strings.Repeat("]", 1e5)+`}`), 0o600)
		},
	} {
		for _, file := range []string{model.ConfigFile, model.IndexFile, model.TokenizerFile} {
			dir := t.TempDir()
			if err := put(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
			_, err := model.Folder(dir).ReadFile(file)
			if file == model.ConfigFile {
				_, err = model.Open(dir)
			}
			if (err == nil || !strings.Contains(err.Error(), file)) && name != "deep" {
				t.Errorf("%s %s: %v", name, file, err)
			}
			if name == "deep" && file == model.ConfigFile && err == nil {
				t.Error("deep nesting was accepted")
			}
		}
	}
	dir := makeModel(t, model.RandomOptions{Config: small()})
	path := filepath.Join(dir, model.WeightsFile)
	if err := errors.Join(os.Remove(path), mkfifo(path)); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Error(err)
	}
}
