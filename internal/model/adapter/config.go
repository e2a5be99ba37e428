package adapter

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ventriloquist/internal/jsonfields"
)

const maxRank = 1 << 16

// parseConfig parses an adapter_config.json; path is for errors. It ignores unknown fields, and known ones that make no
// difference here.
func parseConfig(path string, content []byte) (Config, moduleFilter, error) {
	object, err := jsonfields.Parse(path, content)
	if err != nil {
		return Config{}, moduleFilter{}, err
	}
	f := configFields{object}
	f.refuseOtherKinds()
	f.refuseUnsupported()
	if f.Err() != nil {
		return Config{}, moduleFilter{}, f.Err()
	}
	c := Config{
		R:         f.Size("r", maxRank),
		Alpha:     f.Positive("lora_alpha"),
		RSLoRA:    f.Bool("use_rslora", false),
		BaseModel: f.TextOr("base_model_name_or_path", ""),
	}
	if f.Has("lora_dropout") {
		c.Dropout = f.Number("lora_dropout")
	}
	if !(c.Dropout >= 0 && c.Dropout < 1) {
		f.Wrong("lora_dropout", "%s is not at least 0 and less than 1", f.Raw("lora_dropout"))
	}
	modules := parseFilter(f.Fields)
	for _, name := range modules.target.names {
		if last := name[strings.LastIndex(name, ".")+1:]; last == "lm_head" || last == "embed_tokens" {
			f.Unsupported("target_modules", fmt.Sprintf("%q", name), plainLoRA)
		}
	}
	return c, modules, f.Err()
}

type configFields struct{ *jsonfields.Fields }

const plainLoRA = "only plain LoRA on q, k, v, o, gate, up and down projections is supported"

func (f configFields) refuseOtherKinds() {
	if kind := f.Text("peft_type"); f.Err() == nil && kind != "LORA" {
		f.Unsupported("peft_type", fmt.Sprintf("%q", kind), plainLoRA)
	}
	if task := f.TextOr("task_type", "CAUSAL_LM"); task != "CAUSAL_LM" {
		f.Unsupported("task_type", fmt.Sprintf("%q", task), "the adapter must be for a causal language model")
	}
	if bias := f.TextOr("bias", "none"); bias != "none" {
		f.Unsupported("bias", fmt.Sprintf("%q", bias), plainLoRA)
	}
	f.refuseInitialization()
}

// refuseInitialization rejects initializations that change the base model's weights: such an adapter fits only those weights.
// PEFT writes true into adapters that it has converted back.
func (f configFields) refuseInitialization() {
	const key = "init_lora_weights"
	if !f.Has(key) || f.Raw(key) == "true" || f.Raw(key) == "false" {
		return
	}
	if how := f.Text(key); !slices.Contains([]string{"gaussian", "eva", "orthogonal"}, how) {
		f.Unsupported(key, fmt.Sprintf("%q", how), "save the adapter with PEFT's path_initial_model_for_weight_conversion, or train one with plain initialization")
	}
}

// unsupportedFields change the computation unless they are empty: null, false, {}, [] or "".
var unsupportedFields = []string{
	"use_dora", "use_qalora", "use_bdlora", "lora_bias", "fan_in_fan_out", "modules_to_save", "rank_pattern", "alpha_pattern",
	"layers_to_transform", "layer_replication", "target_parameters", "trainable_token_indices",
	"alora_invocation_tokens", "arrow_config", "kasa_config", "monteclora_config", "velora_config", "megatron_config",
	"lora_ga_config", "corda_config", "loftq_config",
}

func (f configFields) refuseUnsupported() {
	for _, key := range unsupportedFields {
		if f.Has(key) && !f.isEmpty(key) {
			f.Unsupported(key, f.Raw(key), plainLoRA)
		}
	}
	// An unknown use_ field is a variant from a later PEFT.
	for _, key := range f.Names() {
		if strings.HasPrefix(key, "use_") && key != "use_rslora" && f.Has(key) && !f.isEmpty(key) {
			f.Unsupported(key, f.Raw(key), plainLoRA)
		}
	}
}

func (f configFields) isEmpty(key string) bool {
	var value any
	if !f.Decode(key, "JSON", &value) {
		return true
	}
	switch v := value.(type) {
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// encodeConfig writes the fields that PEFT reads, sorted by name as PEFT does.
func encodeConfig(c Config, modules moduleFilter) ([]byte, error) {
	var base any
	if c.BaseModel != "" {
		base = c.BaseModel
	}
	fields := map[string]any{
		"alpha_pattern":           map[string]any{},
		"auto_mapping":            nil,
		"base_model_name_or_path": base,
		"bias":                    "none",
		"exclude_modules":         modules.exclude.value(),
		"fan_in_fan_out":          false,
		"inference_mode":          true,
		"init_lora_weights":       true,
		"layers_pattern":          nil,
		"layers_to_transform":     nil,
		"lora_alpha":              c.Alpha,
		"lora_bias":               false,
		"lora_dropout":            c.Dropout,
		"modules_to_save":         nil,
		"peft_type":               "LORA",
		"r":                       c.R,
		"rank_pattern":            map[string]any{},
		"revision":                nil,
		"target_modules":          modules.target.value(),
		"task_type":               "CAUSAL_LM",
		"use_dora":                false,
		"use_rslora":              c.RSLoRA,
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(fields); err != nil {
		return nil, fmt.Errorf("cannot encode %s: %w", ConfigFile, err)
	}
	return []byte(b.String()), nil
}

// value returns what to write into the file: what was loaded, else the list of names.
func (s moduleSet) value() any {
	if s.raw != nil {
		return s.raw
	}
	if s.names != nil {
		return s.names
	}
	return nil
}
