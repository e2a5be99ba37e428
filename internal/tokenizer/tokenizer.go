// Package tokenizer turns text into the token ids of Qwen2 and Qwen3 models, and back.
//
// In: a tokenizer.json, and a tokenizer_config.json for added tokens that the first may lack; text. Out: ids equal to those of
// Hugging Face's tokenizers on every text: NFC, pre-tokenization into words, byte-level BPE with its order of merges, and
// added tokens with their flags. A file that asks for anything else is rejected by name. It must not know: models, messages,
// prompts.
//
// Encode recognizes added tokens such as <|endoftext|> wherever they are spelled out. EncodeOrdinary treats every character
// as text, so that no message can end the model's turn; it returns what Hugging Face returns for a tokenizer without added
// tokens.
//
// Text need not be valid UTF-8: each maximal invalid sequence, as in the WHATWG encoding standard, counts as one U+FFFD.
package tokenizer

import (
	"fmt"
	"path/filepath"
)

// A Tokenizer encodes and decodes. It does not change after loading and is safe for concurrent use.
type Tokenizer struct {
	vocab  *vocabulary
	merges mergeTable
	caches cachePool

	added      map[int32]addedToken
	addedIDs   map[string]int32
	nextAdded  int32   // one more than the largest id of an added token
	raw        matcher // added tokens searched for in the text as given
	normalized matcher // added tokens searched for after NFC
}

// Files are the contents of a model's files about its tokenizer. All but the first may be missing.
type Files struct {
	Tokenizer     []byte // tokenizer.json
	Config        []byte // tokenizer_config.json
	AddedTokens   []byte // added_tokens.json
	SpecialTokens []byte // special_tokens_map.json
}

// Parse makes a Tokenizer. It refuses files that ask for other ids than tokenizer.json gives. Errors name the files as if
// they were in dir.
func Parse(dir string, files Files) (*Tokenizer, error) {
	t, err := parse(files.Tokenizer)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "tokenizer.json"), err)
	}
	for _, f := range []struct {
		name    string
		content []byte
		check   func(path string, content []byte) error
	}{
		{"tokenizer_config.json", files.Config, t.readConfig},
		{"special_tokens_map.json", files.SpecialTokens, t.checkSpecialTokens},
		{"added_tokens.json", files.AddedTokens, t.checkAddedTokens},
	} {
		if len(f.content) == 0 {
			continue
		}
		if err := f.check(filepath.Join(dir, f.name), f.content); err != nil {
			return nil, err
		}
	}
	t.buildMatchers()
	return t, nil
}

// Encode returns the ids of text. Added tokens spelled out in it become their ids.
func (t *Tokenizer) Encode(text string) []int32 { return t.AppendEncode(nil, text) }

// AppendEncode is Encode into dst; it allocates nothing for text whose words are cached.
func (t *Tokenizer) AppendEncode(dst []int32, text string) []int32 {
	return t.raw.appendSplit(dst, ToValidUTF8(text), func(dst []int32, text string) []int32 {
		return t.normalized.appendSplit(dst, nfc(text), t.appendWords)
	})
}

// EncodeOrdinary returns the ids of text without recognizing added tokens.
func (t *Tokenizer) EncodeOrdinary(text string) []int32 { return t.AppendEncodeOrdinary(nil, text) }

// AppendEncodeOrdinary is EncodeOrdinary into dst; it allocates nothing for text whose words are cached.
func (t *Tokenizer) AppendEncodeOrdinary(dst []int32, text string) []int32 {
	return t.appendWords(dst, nfc(ToValidUTF8(text)))
}

// Decode returns the text of ids, with added tokens spelled out. Bytes that are not UTF-8 become U+FFFD, and unknown ids
// are skipped.
func (t *Tokenizer) Decode(ids []int32) string {
	var text []byte
	for _, id := range ids {
		text = append(text, t.TokenBytes(id)...)
	}
	return ToValidUTF8(string(text))
}

// TokenBytes returns the bytes of a token, which may be part of a character, or nil for an unknown id. The caller must not
// change them.
func (t *Tokenizer) TokenBytes(id int32) []byte {
	if token, ok := t.added[id]; ok {
		return token.bytes
	}
	return t.vocab.bytes(id)
}

// VocabSize returns one more than the largest id. The model may have more rows, which no text uses.
func (t *Tokenizer) VocabSize() int {
	size := len(t.vocab.spans)
	for id := range t.added {
		size = max(size, int(id)+1)
	}
	return size
}

// TokenID returns the id of an added token, such as "<|endoftext|>", or of a vocabulary entry as the file spells it
// ("Ġthe").
func (t *Tokenizer) TokenID(token string) (int32, bool) {
	if id, ok := t.addedIDs[token]; ok {
		return id, true
	}
	id, ok := t.vocab.ids[token]
	return id, ok
}

// IsAdded reports whether id is an added token, which ordinary text never becomes.
func (t *Tokenizer) IsAdded(id int32) bool {
	_, ok := t.added[id]
	return ok
}
