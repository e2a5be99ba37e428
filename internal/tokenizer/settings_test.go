package tokenizer_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/tokenizer"
	"ventriloquist/internal/usererr"
)

// What tokenizer_config.json, special_tokens_map.json and added_tokens.json say about ids is read, or refused by field.
func TestParse_SettingsThatChangeIDs(t *testing.T) {
	t.Parallel()
	data := []byte(read(t, filepath.Join(cutDir, "tokenizer.json")))
	plain, err := tokenizer.Parse("", tokenizer.Files{Tokenizer: data})
	if err != nil {
		t.Fatal(err)
	}
	end, ok := plain.TokenID("<|endoftext|>")
	if !ok {
		t.Fatal("no <|endoftext|>")
	}
	config := func(text string) tokenizer.Files { return tokenizer.Files{Tokenizer: data, Config: []byte(text)} }
	special := func(text string) tokenizer.Files {
		return tokenizer.Files{Tokenizer: data, SpecialTokens: []byte(text)}
	}
	added := func(text string) tokenizer.Files { return tokenizer.Files{Tokenizer: data, AddedTokens: []byte(text)} }
	for name, c := range map[string]struct {
		files tokenizer.Files
		want  string
	}{
		"as Qwen's": {config(`{"add_bos_token": false, "add_prefix_space": false, "bos_token": null, "eos_token": "<|endoftext|>", "pad_token": {"content": "<|endoftext|>"},
			"additional_special_tokens": ["<|im_start|>"], "split_special_tokens": false, "tokenizer_class": "Qwen2Tokenizer", "unk_token": null, "errors": "replace"}`), ""},
		"no token to add":       {config(`{"add_bos_token": true, "bos_token": null}`), ""},
		"bos added":             {config(`{"add_bos_token": true, "bos_token": "<|endoftext|>"}`), "tokenizer_config.json: add_bos_token is true"},
		"eos added":             {config(`{"add_eos_token": true, "eos_token": "<|endoftext|>"}`), "add_eos_token is true"},
		"prefix space":          {config(`{"add_prefix_space": true}`), "add_prefix_space is true"},
		"lower case":            {config(`{"do_lower_case": true}`), "do_lower_case is true"},
		"split special":         {config(`{"split_special_tokens": true}`), "split_special_tokens is true"},
		"other class":           {config(`{"tokenizer_class": "LlamaTokenizerFast"}`), `tokenizer_class is "LlamaTokenizerFast"`},
		"custom code":           {config(`{"auto_map": {"AutoTokenizer": ["x.Y", null]}}`), "auto_map is"},
		"unknown eos":           {config(`{"eos_token": "</s>"}`), `eos_token is "</s>"`},
		"a word as pad":         {config(`{"pad_token": "a"}`), `pad_token is "a"`},
		"unknown special":       {config(`{"extra_special_tokens": {"image_token": "<image>"}}`), `extra_special_tokens is "<image>"`},
		"repeated":              {config(`{"add_bos_token": true, "add_bos_token": false}`), "there twice"},
		"map, known":            {special(`{"eos_token": {"content": "<|endoftext|>", "lstrip": false}, "additional_special_tokens": ["<|im_end|>"]}`), ""},
		"map, unknown":          {special(`{"additional_special_tokens": ["<|im_end|>", "<x>"]}`), `special_tokens_map.json: additional_special_tokens is "<x>"`},
		"added, the same":       {added(fmt.Sprintf(`{"<|endoftext|>": %d}`, end)), ""},
		"added, another id":     {added(fmt.Sprintf(`{"<|endoftext|>": %d}`, end+1)), `added_tokens.json: token "<|endoftext|>" has id`},
		"added, unknown":        {added(`{"<x>": 99999}`), `token "<x>" has id 99999`},
		"added, of the words":   {added(`{"a": 64}`), `token "a" has id 64`},
		"added, a list":         {added(`["<x>"]`), "added_tokens.json: "},
		"added, not an integer": {added(`{"<|endoftext|>": "1"}`), "added_tokens.json: "},
	} {
		_, err := tokenizer.Parse("dir", c.files)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "not supported") && usererr.Of(err) == "" {
			t.Errorf("%s: no hint", name)
		}
	}
}

// A tokenizer that asks for too much is refused: too many added tokens, parts that are there twice.
func TestParse_LimitsBeforeWork(t *testing.T) {
	t.Parallel()
	good := read(t, filepath.Join(cutDir, "tokenizer.json"))
	plain, err := tokenizer.Parse("", tokenizer.Files{Tokenizer: withAddedTokens(t, []byte(`[]`))})
	if err != nil {
		t.Fatal(err)
	}
	first := plain.VocabSize()
	many := strings.Builder{}
	for i := range 5000 {
		fmt.Fprintf(&many, `,{"id":%d,"content":"<%d>"}`, first+i, i)
	}
	_, err = tokenizer.Parse("", tokenizer.Files{Tokenizer: withAddedTokens(t, []byte("["+many.String()[1:]+"]"))})
	wantError(t, err, "more than 4096 added tokens")
	_, err = tokenizer.Parse("", tokenizer.Files{Tokenizer: []byte(strings.Replace(good, `"decoder":`, `"decoder":null,"decoder":`, 1))})
	wantError(t, err, `"decoder" is there twice`)
	_, err = tokenizer.Parse("", tokenizer.Files{Tokenizer: []byte(strings.Replace(good, `"dropout":null`, `"dropout":null,"dropout":0.1`, 1))})
	wantError(t, err, `"dropout" is there twice`)
}
