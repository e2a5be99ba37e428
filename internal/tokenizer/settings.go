package tokenizer

import (
	"fmt"
	"maps"
	"slices"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/usererr"
)

// classes are the tokenizer classes of transformers that give the ids of tokenizer.json. Others build a tokenizer of their own.
var classes = []string{"Qwen2Tokenizer", "Qwen2TokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"}

const otherIDs = "it changes the ids of texts, and this model's tokenizer.json does not say how: use a model without it"

// readConfig adds the tokens of tokenizer_config.json, and refuses settings that change ids.
func (t *Tokenizer) readConfig(path string, content []byte) error {
	f, err := jsonfields.ParseDocument(path, content)
	if err != nil {
		return err
	}
	if err := t.addFromConfig(content); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, key := range []string{"add_prefix_space", "do_lower_case", "split_special_tokens", "auto_map"} {
		if !f.IsEmpty(key) {
			f.Unsupported(key, f.Raw(key), otherIDs)
		}
	}
	for key, token := range map[string]string{"add_bos_token": "bos_token", "add_eos_token": "eos_token"} {
		if f.Bool(key, false) && f.Has(token) { // without a token nothing is added
			f.Unsupported(key, "true", otherIDs)
		}
	}
	if class := f.TextOr("tokenizer_class", classes[0]); f.Err() == nil && !slices.Contains(classes, class) {
		f.Unsupported("tokenizer_class", fmt.Sprintf("%q", class), otherIDs)
	}
	t.checkTokens(f)
	return f.Err()
}

// checkSpecialTokens checks special_tokens_map.json.
func (t *Tokenizer) checkSpecialTokens(path string, content []byte) error {
	f, err := jsonfields.ParseDocument(path, content)
	if err != nil {
		return err
	}
	t.checkTokens(f)
	return f.Err()
}

// checkTokens refuses special tokens that are no added tokens: transformers would give them new ids.
func (t *Tokenizer) checkTokens(f *jsonfields.Fields) {
	for _, key := range []string{"bos_token", "eos_token", "pad_token", "unk_token", "additional_special_tokens", "extra_special_tokens"} {
		if !f.Has(key) {
			continue
		}
		var value any
		if !f.Decode(key, "a token or a list of them", &value) {
			return
		}
		for _, token := range tokensIn(value) {
			if _, known := t.addedIDs[token]; !known && token != "" {
				f.Unsupported(key, fmt.Sprintf("%q, which tokenizer.json does not list among its added tokens", token), "use the files of one model")
			}
		}
	}
}

// tokensIn returns the tokens of a value: a text, an object with a content, a list, or an object of names and tokens.
func tokensIn(value any) (tokens []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, each := range v {
			tokens = append(tokens, tokensIn(each)...)
		}
	case map[string]any:
		if content, ok := v["content"].(string); ok {
			return []string{content}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			tokens = append(tokens, tokensIn(v[name])...)
		}
	}
	return tokens
}

// checkAddedTokens refuses an added_tokens.json with other tokens or ids than the other files.
func (t *Tokenizer) checkAddedTokens(path string, content []byte) error {
	f, err := jsonfields.ParseDocument(path, content)
	if err != nil {
		return err
	}
	for _, token := range f.Names() {
		id := f.Integer(token)
		if known, ok := t.addedIDs[token]; f.Err() == nil && (!ok || int(known) != id) {
			return usererr.With(fmt.Errorf("%s: token %q has id %d, but tokenizer.json does not have it with this id", path, token, id), "use the files of one model")
		}
	}
	return f.Err()
}
