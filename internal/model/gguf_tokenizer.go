package model

import (
	"bytes"
	"encoding/json"
	"fmt"

	"ventriloquist/internal/usererr"
)

// The types of tokens in GGUF files.
const (
	GGUFTokenNormal      int32 = 1
	GGUFTokenControl     int32 = 3 // special added tokens
	GGUFTokenUserDefined int32 = 4 // other added tokens
	GGUFTokenUnused      int32 = 5 // rows of the embedding without a token
)

// GGUFPreTokenizer is llama.cpp's name for how Qwen2 and Qwen3 split a text before the merges.
const GGUFPreTokenizer = "qwen2"

// qwenSplit is that way, as tokenizer.json spells it.
const qwenSplit = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

type ggufToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// tokenizer returns the tokenizer.json and tokenizer_config.json of the model.
func (r ggufReader) tokenizer() (tokenizer, config []byte, err error) {
	if err := r.checkTokenizer(); err != nil {
		return nil, nil, err
	}
	tokens, err := r.Texts("tokenizer.ggml.tokens")
	if err != nil {
		return nil, nil, err
	}
	kinds, err := r.Integers("tokenizer.ggml.token_type")
	if err != nil {
		return nil, nil, err
	}
	merges, err := r.Texts("tokenizer.ggml.merges")
	if err != nil {
		return nil, nil, err
	}
	if len(tokens) == 0 || len(merges) == 0 || len(kinds) != len(tokens) {
		return nil, nil, fmt.Errorf("%s: tokenizer.ggml has %d tokens, %d token types and %d merges", r.Path(), len(tokens), len(kinds), len(merges))
	}
	vocab, added, err := vocabularyOf(tokens, kinds)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", r.Path(), err)
	}
	byteLevel := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}
	tokenizer, err = encodeJSON(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added,
		"normalizer": map[string]any{"type": "NFC"},
		"pre_tokenizer": map[string]any{"type": "Sequence", "pretokenizers": []any{
			map[string]any{"type": "Split", "pattern": map[string]any{"Regex": qwenSplit}, "behavior": "Isolated", "invert": false}, byteLevel,
		}},
		"post_processor": byteLevel, "decoder": byteLevel,
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": "", "end_of_word_suffix": "",
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": merges,
		},
	})
	if err != nil {
		return nil, nil, err
	}
	config, err = r.tokenizerConfig(tokens)
	return tokenizer, config, err
}

// checkTokenizer refuses tokenizers that give other ids than Qwen's.
func (r ggufReader) checkTokenizer() error {
	for key, want := range map[string]string{"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": GGUFPreTokenizer} {
		got, err := r.Text(key)
		if err != nil {
			return err
		}
		if got != want {
			return usererr.With(fmt.Errorf("%s: %s is %q, not %q", r.Path(), key, got, want), "only the tokenizers of Qwen2 and Qwen3 models are supported")
		}
	}
	for _, key := range []string{"tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token"} {
		if on, err := r.Bool(key); err != nil || on {
			if err == nil {
				err = fmt.Errorf("%s: %s is true, which is not supported: it changes the ids of texts", r.Path(), key)
			}
			return err
		}
	}
	return nil
}

// vocabularyOf separates the tokens of the merges from those that are cut out of a text before. An added token with an id among
// those of the merges is in both, as in a tokenizer.json.
func vocabularyOf(tokens []string, kinds []int64) (vocab map[string]int, added []ggufToken, err error) {
	vocab, added = map[string]int{}, []ggufToken{}
	last := 0
	for id, kind := range kinds {
		if int32(kind) == GGUFTokenNormal {
			last = id
		}
	}
	for id, token := range tokens {
		switch kind := int32(kinds[id]); kind {
		case GGUFTokenUnused:
			continue
		case GGUFTokenControl, GGUFTokenUserDefined:
			added = append(added, ggufToken{ID: id, Content: token, Special: kind == GGUFTokenControl})
			if id > last {
				continue
			}
		case GGUFTokenNormal:
		default:
			return nil, nil, fmt.Errorf("token %d, %q, has the type %d, which is not supported", id, token, kind)
		}
		if other, known := vocab[token]; known {
			return nil, nil, fmt.Errorf("the tokens %d and %d are both %q", other, id, token)
		}
		vocab[token] = id
	}
	return vocab, added, nil
}

// tokenizerConfig names the special tokens for programs that read the model from a folder.
func (r ggufReader) tokenizerConfig(tokens []string) ([]byte, error) {
	fields := map[string]any{"tokenizer_class": "Qwen2Tokenizer", "add_bos_token": false, "add_prefix_space": false, "bos_token": nil,
		"clean_up_tokenization_spaces": false, "errors": "replace", "split_special_tokens": false, "unk_token": nil}
	for key, name := range map[string]string{"tokenizer.ggml.eos_token_id": "eos_token", "tokenizer.ggml.padding_token_id": "pad_token"} {
		id, ok, err := r.Integer(key)
		if err != nil {
			return nil, err
		}
		if ok && (id < 0 || id >= int64(len(tokens))) {
			return nil, fmt.Errorf("%s: %s %d is not the id of a token", r.Path(), key, id)
		}
		if ok {
			fields[name] = tokens[id]
		}
	}
	return encodeJSON(fields)
}

func encodeJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, fmt.Errorf("cannot encode the model's files: %w", err)
	}
	return b.Bytes(), nil
}
