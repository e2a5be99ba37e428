package model

import (
	"errors"
	"io/fs"

	"ventriloquist/internal/jsonfields"
)

// forcingFields of generation_config.json decide which tokens come or end a text, unless they are empty. Sampling defaults
// such as temperature are not among them: the command's options decide those.
var forcingFields = []string{
	"forced_bos_token_id", "forced_eos_token_id", "force_words_ids", "suppress_tokens", "begin_suppress_tokens", "bad_words_ids",
	"sequence_bias", "stop_strings", "forced_decoder_ids", "exponential_decay_length_penalty", "watermarking_config",
}

// readGeneration reads the ends of generated text from generation_config.json, which count instead of those in config.json as
// in transformers.
func (s Location) readGeneration(c *Config) error {
	content, err := s.ReadFile(GenerationFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	object, err := jsonfields.ParseDocument(s.Path(GenerationFile), content)
	if err != nil {
		return err
	}
	f := configFields{object}
	for _, key := range forcingFields {
		if !f.IsEmpty(key) {
			f.Unsupported(key, f.Raw(key), "remove it from the file if the model should generate without it")
		}
	}
	if f.Has("eos_token_id") {
		c.EOSTokenIDs = f.Indexes("eos_token_id", "a token id")
		f.checkEnds(*c)
	}
	return f.Err()
}
