package main

import (
	"math/rand/v2"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
)

// sampleFlags are the flags of commands that generate messages. seed describes the default seed.
func sampleFlags(seed string) []cli.Flag {
	return inGroup(samplingGroup,
		&cli.FloatFlag{Name: "temperature", Value: 0.7, Usage: "`NUMBER`: sampling temperature; 0 is greedy"},
		&cli.FloatFlag{Name: "top-p", Value: 0.9, Usage: "nucleus sampling: smallest set of tokens with total probability `P`"},
		&cli.IntFlag{Name: "top-k", Usage: "sample from the `N` most likely tokens (0: all)"},
		&cli.Uint64Flag{Name: "seed", HideDefault: true, Usage: "`N`: random seed for sampling (default: " + seed + ")"},
		&cli.IntFlag{Name: "max-new-tokens", Value: 150, Usage: "`N`: maximum number of generated tokens"},
		&cli.IntFlag{Name: "min-new-tokens", Usage: "`N`: minimum number of generated tokens"})
}

func sampleOptionsOf(c *cli.Command) (generate.Options, error) {
	o := generate.Options{
		Sampling:     generate.Sampling{Temperature: c.Float("temperature"), TopP: c.Float("top-p"), TopK: c.Int("top-k"), Seed: c.Uint64("seed")},
		MinNewTokens: c.Int("min-new-tokens"), MaxNewTokens: c.Int("max-new-tokens"),
	}
	if !c.IsSet("seed") {
		o.Seed = rand.Uint64()
	}
	switch {
	case !(o.Temperature >= 0 && o.Temperature <= 100):
		return o, usererr.Usage("--temperature %g is not from 0 to 100", o.Temperature)
	case !(o.TopP > 0 && o.TopP <= 1):
		return o, usererr.Usage("--top-p %g is not above 0 and at most 1", o.TopP)
	case o.TopK < 0:
		return o, usererr.Usage("--top-k must not be negative")
	case o.MaxNewTokens < 1 || o.MaxNewTokens > 1<<20:
		return o, usererr.Usage("--max-new-tokens %d is not from 1 to %d", o.MaxNewTokens, 1<<20)
	case o.MinNewTokens < 0 || o.MinNewTokens > o.MaxNewTokens:
		return o, usererr.Usage("--min-new-tokens %d is not from 0 to --max-new-tokens %d", o.MinNewTokens, o.MaxNewTokens)
	}
	return o, nil
}
