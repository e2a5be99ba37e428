package generate

import "ventriloquist/internal/usererr"

// Validate returns what is wrong with the options, as a usererr.Field.
func (o *Options) Validate() error {
	switch {
	case !(o.Temperature >= 0 && o.Temperature <= 100):
		return usererr.Invalid("temperature", "%g is not from 0 to 100", o.Temperature)
	case !(o.TopP > 0 && o.TopP <= 1):
		return usererr.Invalid("top_p", "%g is not above 0 and at most 1", o.TopP)
	case !(o.MinP >= 0 && o.MinP <= 1):
		return usererr.Invalid("min_p", "%g is not from 0 to 1", o.MinP)
	case !(o.RepetitionPenalty >= 0.1 && o.RepetitionPenalty <= 10):
		return usererr.Invalid("repetition_penalty", "%g is not from 0.1 to 10", o.RepetitionPenalty)
	case o.TopK < 0:
		return usererr.Invalid("top_k", "must not be negative")
	case o.MaxNewTokens < 1 || o.MaxNewTokens > 1<<20:
		return usererr.Invalid("max_new_tokens", "%d is not from 1 to %d", o.MaxNewTokens, 1<<20)
	case o.MinNewTokens < 0 || o.MinNewTokens > o.MaxNewTokens:
		return usererr.Invalid("min_new_tokens", "%d is not from 0 to %v %d", o.MinNewTokens, usererr.Option("max_new_tokens"), o.MaxNewTokens)
	}
	return nil
}
