package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A component is a normalizer, pre-tokenizer, post-processor or decoder of a tokenizer.json, with the fields that this
// package supports.
type component struct {
	Type          string      `json:"type"`
	Normalizers   []component `json:"normalizers"`
	PreTokenizers []component `json:"pretokenizers"`
	Pattern       struct {
		Regex  *string
		String *string
	} `json:"pattern"`
	Behavior       string `json:"behavior"`
	Invert         bool   `json:"invert"`
	AddPrefixSpace *bool  `json:"add_prefix_space"`
	UseRegex       *bool  `json:"use_regex"`
}

// checkSupported rejects, by name, everything that this package would do differently from what the file asks.
func (def *definition) checkSupported() error {
	if !def.hasModel || def.vocab == nil || def.merges == nil {
		return errors.New("no model with a vocab and merges")
	}
	return errors.Join(def.checkModel(), def.checkNormalizer(), def.checkPreTokenizer(), def.checkPostProcessor(), def.checkDecoder())
}

// checkModel ignores unk_token and byte_fallback: every byte has a token.
func (def *definition) checkModel() error {
	m := def.model
	switch {
	case m.kind != nil && *m.kind != "BPE":
		return fmt.Errorf("model.type %q is not supported, only BPE is", *m.kind)
	case m.dropout != nil && *m.dropout != 0:
		return fmt.Errorf("model.dropout %v is not supported", *m.dropout)
	case m.prefix != nil && *m.prefix != "":
		return fmt.Errorf("model.continuing_subword_prefix %q is not supported", *m.prefix)
	case m.suffix != nil && *m.suffix != "":
		return fmt.Errorf("model.end_of_word_suffix %q is not supported", *m.suffix)
	case m.ignoreMerges != nil && *m.ignoreMerges:
		return errors.New("model.ignore_merges true is not supported")
	}
	return nil
}

// parseComponent reads a component; an absent one or null has no type.
func parseComponent(name string, raw json.RawMessage) (c component, err error) {
	if len(raw) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

func (def *definition) checkNormalizer() error {
	c, err := parseComponent("normalizer", def.normalizer)
	if c.Type == "Sequence" && len(c.Normalizers) == 1 {
		c = c.Normalizers[0]
	}
	if err == nil && c.Type != "NFC" {
		err = fmt.Errorf("normalizer %q is not supported, only NFC is", c.Type)
	}
	return err
}

func (def *definition) checkPreTokenizer() error {
	c, err := parseComponent("pre_tokenizer", def.preTokenizer)
	if err != nil {
		return err
	}
	if c.Type != "Sequence" || len(c.PreTokenizers) != 2 || c.PreTokenizers[0].Type != "Split" || c.PreTokenizers[1].Type != "ByteLevel" {
		return fmt.Errorf("pre_tokenizer %q is not supported, only a Sequence of Split and ByteLevel is", c.Type)
	}
	split, byteLevel := c.PreTokenizers[0], c.PreTokenizers[1]
	switch {
	case split.Pattern.Regex == nil:
		return errors.New("pre_tokenizer: a Split without a regular expression is not supported")
	case *split.Pattern.Regex != splitPattern:
		return fmt.Errorf("pre_tokenizer: the pattern %q is not supported, only that of Qwen2 and Qwen3 is", *split.Pattern.Regex)
	case split.Behavior != "Isolated" || split.Invert:
		return fmt.Errorf("pre_tokenizer: Split with behavior %q and invert %v is not supported", split.Behavior, split.Invert)
	}
	return byteLevel.checkByteLevel("pre_tokenizer")
}

// checkByteLevel rejects the options that default to true in Hugging Face's code and are false in Qwen's files.
func (c component) checkByteLevel(name string) error {
	if c.AddPrefixSpace == nil || *c.AddPrefixSpace {
		return fmt.Errorf("%s: ByteLevel with add_prefix_space is not supported", name)
	}
	if c.UseRegex == nil || *c.UseRegex {
		return fmt.Errorf("%s: ByteLevel with use_regex is not supported", name)
	}
	return nil
}

func (def *definition) checkPostProcessor() error {
	c, err := parseComponent("post_processor", def.postProcessor)
	if err == nil && c.Type != "" && c.Type != "ByteLevel" { // changes offsets only
		err = fmt.Errorf("post_processor %q is not supported, only ByteLevel is", c.Type)
	}
	return err
}

func (def *definition) checkDecoder() error {
	c, err := parseComponent("decoder", def.decoder)
	if err == nil && c.Type != "ByteLevel" {
		err = fmt.Errorf("decoder %q is not supported, only ByteLevel is", c.Type)
	}
	return err
}
