package adapter

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

const maxRank = 1 << 16

// settings are what an adapter_config.json says.
type settings struct {
	Config
	modules moduleFilter
	shapes  shapes
}

// parseConfig parses an adapter_config.json; path is for errors. It ignores unknown fields, and known ones that make no
// difference here.
func parseConfig(path string, content []byte) (settings, error) {
	object, err := jsonfields.ParseDocument(path, content)
	if err != nil {
		return settings{}, err
	}
	f := configFields{object}
	f.refuseOtherKinds()
	f.refuseUnsupported()
	if f.Err() != nil {
		return settings{}, f.Err()
	}
	c := Config{
		R:         f.Size("r", maxRank),
		Alpha:     f.Positive("lora_alpha"),
		RSLoRA:    f.Bool("use_rslora", false),
		BaseModel: f.baseModel(),
	}
	if f.Has("lora_dropout") {
		c.Dropout = f.Number("lora_dropout")
	}
	if !(c.Dropout >= 0 && c.Dropout < 1) {
		f.Wrong("lora_dropout", "%s is not at least 0 and less than 1", f.Raw("lora_dropout"))
	}
	modules := f.parseModules()
	for _, name := range modules.target.names {
		if last := name[strings.LastIndex(name, ".")+1:]; last == "lm_head" || last == "embed_tokens" {
			f.Unsupported("target_modules", fmt.Sprintf("%q", name), mergeAdvice())
		}
	}
	s := settings{Config: c, modules: modules, shapes: shapes{config: c, rank: f.parsePatterns("rank_pattern"), alpha: f.parsePatterns("alpha_pattern")}}
	f.checkPatterns(s.shapes)
	return s, f.Err()
}

type configFields struct{ *jsonfields.Fields }

// baseModel reads the base model's name and revision.
func (f configFields) baseModel() string {
	name, revision := f.TextOr("base_model_name_or_path", ""), f.TextOr("revision", "")
	joined := model.AtRevision(name, revision)
	if _, isName := model.RepoName(name); isName && joined == name && revision != "" && revision != "main" {
		f.Wrong("revision", "%q is not the name of a branch, a tag or a commit", revision)
	}
	return joined
}

const plainLoRA = "only plain LoRA on q, k, v, o, gate, up and down projections is supported"

// mergeAdvice is the remedy for adapters that change more than plain LoRA can express, but that PEFT can merge.
func mergeAdvice() string {
	return fmt.Sprintf("merge the adapter into its base model with PEFT (merge_and_unload, then save_pretrained) and use the result with %v",
		usererr.Option("base_model"))
}

// mergeable are the fields that are gone once PEFT has merged the adapter.
var mergeable = []string{"use_dora", "modules_to_save", "bias", "trainable_token_indices", "fan_in_fan_out", "target_parameters", "use_qalora", "use_bdlora"}

// remedy is the advice for an unsupported field.
func remedy(key string) string {
	switch {
	case slices.Contains(mergeable, key):
		return mergeAdvice()
	case key == "lora_bias":
		return "Qwen3 has no biases that it could be merged into: train the adapter again without lora_bias"
	}
	return plainLoRA
}

func (f configFields) refuseOtherKinds() {
	if kind := f.Text("peft_type"); f.Err() == nil && kind != "LORA" {
		f.Unsupported("peft_type", fmt.Sprintf("%q", kind), otherKind(kind))
	}
	if task := f.TextOr("task_type", "CAUSAL_LM"); task != "CAUSAL_LM" {
		f.Unsupported("task_type", fmt.Sprintf("%q", task), "the adapter must be for a causal language model")
	}
	if bias := f.TextOr("bias", "none"); bias != "none" {
		f.Unsupported("bias", fmt.Sprintf("%q", bias), remedy("bias"))
	}
	f.refuseInitialization()
}

// otherKind is the advice for an adapter that is not LoRA. Those that change the prompt cannot be merged.
func otherKind(kind string) string {
	if strings.Contains(kind, "PROMPT") || strings.Contains(kind, "TUNING") {
		return "it changes the prompt, not the weights: train a LoRA adapter instead"
	}
	return mergeAdvice()
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
	"use_dora", "use_qalora", "use_bdlora", "lora_bias", "fan_in_fan_out", "modules_to_save",
	"layer_replication", "target_parameters", "trainable_token_indices",
	"alora_invocation_tokens", "arrow_config", "kasa_config", "monteclora_config", "velora_config", "megatron_config",
	"lora_ga_config", "corda_config", "loftq_config",
}

func (f configFields) refuseUnsupported() {
	for _, key := range unsupportedFields {
		if f.Has(key) && !f.isEmpty(key) {
			f.Unsupported(key, f.Raw(key), remedy(key))
		}
	}
	// An unknown use_ field is a variant from a later PEFT.
	for _, key := range f.Names() {
		if strings.HasPrefix(key, "use_") && key != "use_rslora" && f.Has(key) && !f.isEmpty(key) {
			f.Unsupported(key, f.Raw(key), mergeAdvice())
		}
	}
}

// isEmpty reports whether a field has no effect: a number has one.
func (f configFields) isEmpty(key string) bool { return f.IsEmpty(key) && f.Raw(key) != "0" }

// encodeConfig writes the fields that PEFT reads, sorted by name as PEFT does.
func encodeConfig(c Config, modules moduleFilter) ([]byte, error) {
	var base, revision any
	if name, at := model.SplitRevision(c.BaseModel); name != "" {
		base = name
		if at != "" {
			revision = at
		}
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
		"layers_pattern":          orNull(modules.layers.rawPattern),
		"layers_to_transform":     orNull(modules.layers.rawLayers),
		"lora_alpha":              c.Alpha,
		"lora_bias":               false,
		"lora_dropout":            c.Dropout,
		"modules_to_save":         nil,
		"peft_type":               "LORA",
		"r":                       c.R,
		"rank_pattern":            map[string]any{},
		"revision":                revision,
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

func orNull(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return raw
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
