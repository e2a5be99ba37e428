package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"ventriloquist/internal/usererr"
)

// A tokenEntry is a member of model.vocab.
type tokenEntry struct {
	text string
	id   int32
}

// A definition is the content of a tokenizer.json. Parts whose form varies are kept as raw JSON.
type definition struct {
	added         []fileToken
	normalizer    json.RawMessage
	preTokenizer  json.RawMessage
	postProcessor json.RawMessage
	decoder       json.RawMessage
	model         modelOptions
	hasModel      bool
	vocab         []tokenEntry
	merges        [][2]string
}

type fileToken struct {
	ID int64 `json:"id"`
	addedToken
}

// modelOptions are the scalar members of model.
type modelOptions struct {
	kind, prefix, suffix *string
	dropout              *float64
	ignoreMerges         *bool
}

// parse reads a tokenizer.json. The caller adds the tokens of tokenizer_config.json and builds the matchers.
func parse(data []byte) (*Tokenizer, error) {
	def, err := scanDefinition(string(data))
	if err != nil {
		return nil, err
	}
	if err := def.checkSupported(); err != nil {
		return nil, usererr.With(err, "only the tokenizers of Qwen2 and Qwen3 models are supported")
	}
	t := &Tokenizer{added: make(map[int32]addedToken), addedIDs: make(map[string]int32)}
	if t.vocab, err = newVocabulary(def.vocab); err != nil {
		return nil, err
	}
	if t.merges, err = t.vocab.resolveMerges(def.merges); err != nil {
		return nil, err
	}
	for _, token := range def.added {
		if err := t.add(token.addedToken, token.ID); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func scanDefinition(data string) (*definition, error) {
	s := &scanner{data: data}
	if !utf8.ValidString(data) {
		return nil, errors.New("not valid UTF-8")
	}
	def := new(definition)
	seen := map[string]bool{}
	err := s.object(func(key string) error {
		if err := s.once(seen, key); err != nil {
			return err
		}
		switch key {
		case "added_tokens":
			return s.value(&def.added)
		case "normalizer":
			return s.value(&def.normalizer)
		case "pre_tokenizer":
			return s.value(&def.preTokenizer)
		case "post_processor":
			return s.value(&def.postProcessor)
		case "decoder":
			return s.value(&def.decoder)
		case "model":
			def.hasModel = true
			return def.scanModel(s)
		}
		return s.value(nil)
	})
	if err != nil {
		return nil, err
	}
	if s.peek(); s.at < len(data) {
		return nil, s.errorf("found %s after the end of the object", s.found())
	}
	return def, nil
}

func (def *definition) scanModel(s *scanner) error {
	seen := map[string]bool{}
	return s.object(func(key string) error {
		if err := s.once(seen, key); err != nil {
			return err
		}
		switch key {
		case "type":
			return s.value(&def.model.kind)
		case "dropout":
			return s.value(&def.model.dropout)
		case "continuing_subword_prefix":
			return s.value(&def.model.prefix)
		case "end_of_word_suffix":
			return s.value(&def.model.suffix)
		case "ignore_merges":
			return s.value(&def.model.ignoreMerges)
		case "vocab":
			return def.scanVocab(s)
		case "merges":
			return def.scanMerges(s)
		}
		return s.value(nil)
	})
}

func (def *definition) scanVocab(s *scanner) error {
	def.vocab = make([]tokenEntry, 0, len(s.data)/80)
	return s.object(func(token string) error {
		if len(def.vocab) > maxTokenID {
			return s.errorf("more than %d tokens", maxTokenID+1)
		}
		id, err := s.integer(maxTokenID)
		def.vocab = append(def.vocab, tokenEntry{token, int32(id)})
		return err
	})
}

// scanMerges reads merges in either form: ["a", "b"] or "a b".
func (def *definition) scanMerges(s *scanner) error {
	def.merges = make([][2]string, 0, len(def.vocab))
	return s.array(func() error {
		if len(def.merges) > maxTokenID {
			return s.errorf("more than %d merges", maxTokenID+1)
		}
		if s.peek() == '[' {
			merge, err := scanPair(s)
			def.merges = append(def.merges, merge)
			return err
		}
		line, err := s.string()
		if err != nil || strings.HasPrefix(line, "#version") {
			return err
		}
		left, right, ok := strings.Cut(line, " ")
		if !ok || strings.Contains(right, " ") {
			return s.errorf("merge %q is not two tokens separated by a space", line)
		}
		def.merges = append(def.merges, [2]string{left, right})
		return nil
	})
}

func scanPair(s *scanner) (pair [2]string, err error) {
	n := 0
	err = s.array(func() error {
		text, err := s.string()
		if err == nil && n == len(pair) {
			return s.errorf("merge of more than two tokens")
		}
		if err == nil {
			pair[n] = text
			n++
		}
		return err
	})
	if err == nil && n < len(pair) {
		err = s.errorf("merge of fewer than two tokens")
	}
	return pair, err
}

// resolveMerges looks up the tokens of each merge and its result.
func (v *vocabulary) resolveMerges(merges [][2]string) (mergeTable, error) {
	table := newMergeTable(len(merges))
	var joined []byte
	for rank, m := range merges {
		left, ok := v.ids[m[0]]
		if !ok {
			return table, fmt.Errorf("model.merges: %q of merge %d is not in the vocabulary", m[0], rank+1)
		}
		right, ok := v.ids[m[1]]
		if !ok {
			return table, fmt.Errorf("model.merges: %q of merge %d is not in the vocabulary", m[1], rank+1)
		}
		joined = append(append(joined[:0], m[0]...), m[1]...)
		result, ok := v.ids[string(joined)]
		if !ok {
			return table, fmt.Errorf("model.merges: %q, made by merge %d, is not in the vocabulary", joined, rank+1)
		}
		table.set(left, right, int32(rank), result)
	}
	return table, nil
}
