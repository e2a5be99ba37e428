package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/usererr"
)

// vocabulary is what a GGUF file says about a tokenizer. The tokenizer is known to be one of Qwen's: whoever opened the model has
// checked it.
type vocabulary struct {
	tokens []string
	kinds  []int32
	merges []string
	pad    int // -1: none
}

type addedToken struct {
	ID         int
	Content    string
	SingleWord bool `json:"single_word"`
	LStrip     bool
	RStrip     bool
	Special    bool
}

// readVocabulary reads tokenizer.json and tokenizer_config.json.
func readVocabulary(location model.Location) (*vocabulary, error) {
	content, err := location.ReadFile(model.TokenizerFile)
	if err != nil {
		return nil, err
	}
	var file struct {
		Added []addedToken `json:"added_tokens"`
		Model struct {
			Vocab  map[string]int
			Merges []json.RawMessage
		}
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", location.Path(model.TokenizerFile), err)
	}
	config, err := readTokenizerConfig(location)
	if err != nil {
		return nil, err
	}
	v := &vocabulary{pad: -1}
	for token, id := range file.Model.Vocab {
		v.set(id, token, model.GGUFTokenNormal)
	}
	for _, t := range slices.Concat(file.Added, config.added) {
		if t.SingleWord || t.LStrip || t.RStrip {
			return nil, usererr.With(fmt.Errorf("%s: the added token %q takes spaces around it, which a GGUF file cannot say", location.Path(model.TokenizerFile), t.Content),
				"use the format safetensors")
		}
		kind := model.GGUFTokenUserDefined
		if t.Special {
			kind = model.GGUFTokenControl
		}
		v.set(t.ID, t.Content, kind)
		if t.Content == config.pad {
			v.pad = t.ID
		}
	}
	for i, raw := range file.Model.Merges {
		merge, err := mergeOf(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: merge %d: %w", location.Path(model.TokenizerFile), i+1, err)
		}
		v.merges = append(v.merges, merge)
	}
	return v, nil
}

func (v *vocabulary) set(id int, token string, kind int32) {
	for len(v.tokens) <= id {
		v.tokens, v.kinds = append(v.tokens, ""), append(v.kinds, model.GGUFTokenUnused)
	}
	v.tokens[id], v.kinds[id] = token, kind
}

// mergeOf returns a merge in the form "a b"; newer files have ["a", "b"].
func mergeOf(raw json.RawMessage) (string, error) {
	var pair []string
	if err := json.Unmarshal(raw, &pair); err != nil {
		var line string
		return line, json.Unmarshal(raw, &line)
	}
	if len(pair) != 2 || strings.Contains(pair[0], " ") || strings.Contains(pair[1], " ") {
		return "", errors.New("it is not two tokens without spaces")
	}
	return pair[0] + " " + pair[1], nil
}

type tokenizerConfig struct {
	added []addedToken
	pad   string
}

func readTokenizerConfig(location model.Location) (c tokenizerConfig, err error) {
	content, err := location.ReadFile(model.TokenizerConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	var file struct {
		Added map[int]addedToken `json:"added_tokens_decoder"`
		Pad   json.RawMessage    `json:"pad_token"`
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return c, fmt.Errorf("%s: %w", location.Path(model.TokenizerConfigFile), err)
	}
	for id, t := range file.Added {
		t.ID = id
		c.added = append(c.added, t)
	}
	if json.Unmarshal(file.Pad, &c.pad) != nil { // a text, or an object
		var token addedToken
		if json.Unmarshal(file.Pad, &token) == nil {
			c.pad = token.Content
		}
	}
	return c, nil
}

// metadata returns the tokenizer's keys, with as many tokens as the embedding has rows.
func (v *vocabulary) metadata(c model.Config) ([]gguf.KeyValue, error) {
	tokens, kinds := slices.Clone(v.tokens), slices.Clone(v.kinds)
	if len(tokens) > c.VocabSize {
		return nil, fmt.Errorf("the tokenizer has %d ids, and the model %d rows", len(tokens), c.VocabSize)
	}
	for len(tokens) < c.VocabSize {
		tokens, kinds = append(tokens, ""), append(kinds, model.GGUFTokenUnused)
	}
	for id, kind := range kinds {
		if kind == model.GGUFTokenUnused {
			tokens[id] = fmt.Sprintf("[PAD%d]", id) // names must differ
		}
	}
	list := []gguf.KeyValue{
		{Key: "tokenizer.ggml.model", Value: "gpt2"},
		{Key: "tokenizer.ggml.pre", Value: model.GGUFPreTokenizer},
		{Key: "tokenizer.ggml.tokens", Value: tokens},
		{Key: "tokenizer.ggml.token_type", Value: kinds},
		{Key: "tokenizer.ggml.merges", Value: v.merges},
		{Key: "tokenizer.ggml.add_bos_token", Value: false},
	}
	if end := v.end(c); end >= 0 {
		list = append(list, gguf.KeyValue{Key: "tokenizer.ggml.eos_token_id", Value: uint32(end)}, gguf.KeyValue{Key: "tokenizer.ggml.bos_token_id", Value: uint32(end)})
	}
	if v.pad >= 0 {
		list = append(list, gguf.KeyValue{Key: "tokenizer.ggml.padding_token_id", Value: uint32(v.pad)})
	}
	return list, nil
}

// end is the token that ends a text: <|endoftext|>, which generate stops at too, else the configuration's; -1 if there is none.
func (v *vocabulary) end(c model.Config) int {
	for id, token := range v.tokens {
		if token == "<|endoftext|>" && v.kinds[id] == model.GGUFTokenControl {
			return id
		}
	}
	if len(c.EOSTokenIDs) > 0 {
		return c.EOSTokenIDs[0]
	}
	return -1
}
