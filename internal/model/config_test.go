package model_test

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// The file of Qwen3-8B-Base, in the older spelling.
func TestParseConfig_Qwen3_8B(t *testing.T) {
	t.Parallel()
	c, err := model.ParseConfig("config.json", "", read(t, "testdata/qwen3-8b-base.json"))
	if err != nil {
		t.Fatal(err)
	}
	if c.VocabSize != 151936 || c.HiddenSize != 4096 || c.IntermediateSize != 12288 || c.Layers != 36 || c.Heads != 32 || c.KVHeads != 8 ||
		c.HeadDim != 128 || c.MaxPositions != 32768 || c.RMSNormEps != 1e-6 || c.RopeTheta != 1e6 || c.TieEmbeddings ||
		c.DType != safetensors.BF16 || len(c.EOSTokenIDs) != 1 || c.EOSTokenIDs[0] != 151643 {
		t.Errorf("%+v", c)
	}
	if c.Parameters() != 8_190_735_360 { // what Hugging Face shows for the model
		t.Errorf("%d parameters", c.Parameters())
	}
}

// A file as transformers 5 writes it: rope_parameters and dtype.
func TestParseConfig_Transformers5(t *testing.T) {
	t.Parallel()
	c, err := model.ParseConfig("config.json", "", read(t, "testdata/transformers5.json"))
	if err != nil {
		t.Fatal(err)
	}
	if c.RopeTheta != 10000 || c.HeadDim != 6 || c.QSize() != 12 || c.KVSize() != 6 || c.EOSTokenIDs != nil {
		t.Errorf("%+v", c)
	}
}

// with returns the 8B file with fields set to JSON text, or removed if the text is "".
func with(t testing.TB, changes map[string]string) []byte {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(read(t, "testdata/qwen3-8b-base.json"), &fields); err != nil {
		t.Fatal(err)
	}
	for key, value := range changes {
		if value == "" {
			delete(fields, key)
		} else {
			fields[key] = json.RawMessage(value)
		}
	}
	content, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

type changes = map[string]string

func TestParseConfig_Accepts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]changes{
		"rope_parameters alone":           {"rope_theta": "", "rope_parameters": `{"rope_theta": 1000000, "rope_type": "default"}`},
		"both thetas alike":               {"rope_parameters": `{"rope_theta": 1e6}`},
		"default rope_scaling":            {"rope_scaling": `{"rope_type": "default"}`},
		"dtype for torch_dtype":           {"torch_dtype": "", "dtype": `"bfloat16"`},
		"no word on the dtype":            {"torch_dtype": ""},
		"no head_dim":                     {"head_dim": ""},
		"several eos":                     {"eos_token_id": "[151645, 151643]"},
		"no eos":                          {"eos_token_id": "null"},
		"sliding window of no layer":      {"use_sliding_window": "true", "sliding_window": "4096", "max_window_layers": "36"},
		"sliding window switched off":     {"sliding_window": "4096", "max_window_layers": "0"},
		"sliding window without a size":   {"use_sliding_window": "true", "max_window_layers": "0"},
		"layer types":                     {"num_hidden_layers": "2", "layer_types": `["full_attention", "full_attention"]`},
		"whole number written with .0":    {"hidden_size": "4096.0"},
		"neutral fields":                  {"mlp_bias": "false", "num_experts": "0", "logit_scale": "1.0", "final_logit_softcapping": "null", "use_qk_norm": "true", "pruned_heads": "{}", "auto_map": "null"},
		"saved without its output layer":  {"architectures": `["Qwen3Model"]`},
		"unknown fields":                  {"some_later_field": `{"a": [1]}`},
		"no architectures":                {"architectures": ""},
		"as many key heads as query ones": {"num_key_value_heads": ""},
	} {
		if _, err := model.ParseConfig("config.json", "", with(t, c)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Everything wrong or unsupported is rejected, and the error names the field.
func TestParseConfig_Rejects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changes changes
		want    string
	}{
		"other architecture":      {changes{"model_type": `"llama"`}, `model_type is "llama"`},
		"Qwen2":                   {changes{"model_type": `"qwen2"`}, `model_type is "qwen2"`},
		"mixture of experts":      {changes{"model_type": `"qwen3_moe"`}, `model_type is "qwen3_moe"`},
		"no model_type":           {changes{"model_type": ""}, `model_type: missing`},
		"classifier":              {changes{"architectures": `["Qwen3ForSequenceClassification"]`}, "architectures is"},
		"rope_scaling":            {changes{"rope_scaling": `{"rope_type": "yarn", "factor": 4.0}`}, "rope_scaling is"},
		"rope_scaling by type":    {changes{"rope_scaling": `{"type": "linear", "factor": 4.0}`}, "rope_scaling is"},
		"rope_parameters yarn":    {changes{"rope_parameters": `{"rope_theta": 1000000, "rope_type": "yarn", "factor": 4}`}, "rope_parameters is"},
		"partial rotation":        {changes{"partial_rotary_factor": "0.5"}, "partial_rotary_factor is 0.5"},
		"attention_bias":          {changes{"attention_bias": "true"}, "attention_bias is true"},
		"attention_dropout":       {changes{"attention_dropout": "0.1"}, "attention_dropout is 0.1"},
		"sliding window":          {changes{"use_sliding_window": "true", "sliding_window": "4096", "max_window_layers": "35"}, "use_sliding_window is true"},
		"sliding layer":           {changes{"num_hidden_layers": "2", "layer_types": `["full_attention", "sliding_attention"]`}, "layer_types is"},
		"too few layer types":     {changes{"layer_types": `["full_attention"]`}, "layer_types: has 1 entries for 36 layers"},
		"hidden_act":              {changes{"hidden_act": `"gelu"`}, `hidden_act is "gelu"`},
		"quantized":               {changes{"quantization_config": `{"quant_method": "gptq", "bits": 4}`}, "quantization_config is"},
		"mlp_bias":                {changes{"mlp_bias": "true"}, "mlp_bias is true"},
		"softcapping":             {changes{"final_logit_softcapping": "30.0"}, "final_logit_softcapping is 30.0"},
		"attention softcapping":   {changes{"attn_logit_softcapping": "50.0"}, "attn_logit_softcapping is 50.0"},
		"experts":                 {changes{"num_experts": "8"}, "num_experts is 8"},
		"expert widths":           {changes{"moe_intermediate_size": "768"}, "moe_intermediate_size is 768"},
		"custom code":             {changes{"auto_map": `{"AutoModelForCausalLM": "modeling.Mine"}`}, "auto_map is"},
		"no norm of queries":      {changes{"use_qk_norm": "false"}, "use_qk_norm is false"},
		"scaled logits":           {changes{"logit_scale": "0.5"}, "logit_scale is 0.5"},
		"rope by layer type":      {changes{"rope_parameters": `{"full_attention": {"rope_theta": 1e6}, "sliding_attention": {"rope_theta": 1e4}}`}, "rope_parameters is"},
		"repeated field":          {changes{"rope_parameters": `{"rope_theta": 1000000, "rope_theta": 10000}`}, `"rope_theta" is there twice`},
		"no rope_theta":           {changes{"rope_theta": ""}, "rope_theta: missing, and so is rope_parameters.rope_theta"},
		"rope_theta zero":         {changes{"rope_theta": "0"}, "rope_theta: 0 is not a positive number"},
		"two thetas":              {changes{"rope_parameters": `{"rope_theta": 10000}`}, "rope_theta: contradicts"},
		"rope_theta in a string":  {changes{"rope_parameters": `{"rope_theta": "1e6"}`}, `rope_parameters.rope_theta: "1e6" is not`},
		"dtype of eight bits":     {changes{"torch_dtype": `"float8_e4m3fn"`}, `torch_dtype is "float8_e4m3fn"`},
		"hidden_size missing":     {changes{"hidden_size": ""}, "hidden_size: missing"},
		"hidden_size zero":        {changes{"hidden_size": "0"}, "hidden_size: 0 is not between"},
		"hidden_size negative":    {changes{"hidden_size": "-4096"}, "hidden_size: -4096 is not between"},
		"hidden_size a fraction":  {changes{"hidden_size": "4096.5"}, "hidden_size: 4096.5 is not an integer"},
		"hidden_size a string":    {changes{"hidden_size": `"4096"`}, `hidden_size: "4096" is not`},
		"hidden_size enormous":    {changes{"hidden_size": "1e300"}, "hidden_size: 1e300 is not"},
		"vocab_size enormous":     {changes{"vocab_size": "1000000000"}, "vocab_size: 1000000000 is not between"},
		"layers":                  {changes{"num_hidden_layers": "100000"}, "num_hidden_layers: 100000 is not between"},
		"heads":                   {changes{"num_attention_heads": "30"}, "num_key_value_heads: 8 does not divide num_attention_heads 30"},
		"key heads over heads":    {changes{"num_key_value_heads": "64"}, "num_key_value_heads: 64 does not divide"},
		"odd head_dim":            {changes{"head_dim": "127"}, "head_dim: 127 is odd"},
		"heads times head_dim":    {changes{"num_attention_heads": "4194304"}, "num_attention_heads"},
		"eps zero":                {changes{"rms_norm_eps": "0"}, "rms_norm_eps: 0 is not"},
		"eps large":               {changes{"rms_norm_eps": "2"}, "rms_norm_eps: 2 is not a small number"},
		"eps missing":             {changes{"rms_norm_eps": ""}, "rms_norm_eps: missing"},
		"positions missing":       {changes{"max_position_embeddings": ""}, "max_position_embeddings: missing"},
		"tie a number":            {changes{"tie_word_embeddings": "1"}, "tie_word_embeddings: 1 is not true or false"},
		"eos outside":             {changes{"eos_token_id": "151936"}, "eos_token_id: 151936 is not in the vocabulary"},
		"eos negative":            {changes{"eos_token_id": "[-1]"}, "eos_token_id: -1 is not a token id"},
		"eos a word":              {changes{"eos_token_id": `"end"`}, `eos_token_id: "end" is not`},
		"rope_parameters a list":  {changes{"rope_parameters": "[]"}, "rope_parameters: [] is not an object"},
		"architectures a string":  {changes{"architectures": `"Qwen3ForCausalLM"`}, "architectures: "},
		"field in other spelling": {changes{"hidden_size": "", "Hidden_Size": "4096"}, "hidden_size: missing"},
	} {
		_, err := model.ParseConfig("dir/config.json", "", with(t, c.changes))
		if err == nil || !strings.HasPrefix(err.Error(), "dir/config.json: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		} else if strings.Contains(err.Error(), "not supported") && usererr.Of(err) == "" {
			t.Errorf("%s: no hint", name)
		}
	}
}

func TestParseConfig_NotJSON(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"":                   "config.json: line 1: bad JSON",
		"{\n\"a\": 1,\n}":    "config.json: line 3: bad JSON",
		"[]":                 "config.json: expected a JSON object, found array",
		"null":               "config.json: not a JSON object",
		`{"model_type": 3}`:  "config.json: model_type: 3 is not a string",
		"\xef\xbb\xbf{}":     "config.json: line 1: bad JSON",
		`{"model_type": "q"`: "config.json: line 1: bad JSON",
	} {
		if _, err := model.ParseConfig("config.json", "", []byte(content)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// Every accepted configuration has sizes that can be computed with.
func FuzzConfig(f *testing.F) {
	f.Add(read(f, "testdata/qwen3-8b-base.json"))
	f.Add(read(f, "testdata/transformers5.json"))
	small := changes{"num_hidden_layers": "2", "layer_types": `["full_attention", "full_attention"]`, "rope_scaling": `{"type": "default"}`}
	f.Add(with(f, small))
	maps.Copy(small, changes{"use_sliding_window": "true", "sliding_window": "4", "eos_token_id": "[1,2]", "layer_types": ""})
	f.Add(with(f, small))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := model.ParseConfig("config.json", "", content)
		if err != nil {
			return
		}
		if c.Layers < 1 || c.Heads%c.KVHeads != 0 || c.HeadDim%2 != 0 || !(c.RopeTheta >= 1) || !(c.RMSNormEps > 0) {
			t.Fatalf("%+v was accepted", c)
		}
		if n := c.Parameters(); n < 1 {
			t.Fatalf("%+v has %d parameters", c, n)
		}
	})
}
