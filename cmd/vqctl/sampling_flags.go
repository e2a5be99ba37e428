package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/generate"
)

// The defaults that keep messages from going in circles. They apply where the model's own distribution is not asked for.
const (
	defaultMinP              = 0.05
	defaultRepetitionPenalty = 1.2
)

// circleDefaults describes these defaults in commands that ask for the model's own distribution only with other flags.
const circleDefaults = "(default: %g; off with --temperature 0 and --raw)"

// sampleFlags are the flags of commands that generate messages. seed describes the default seed, circles the defaults of the
// flags against going in circles; %g in it stands for the value.
func sampleFlags(seed, circles string) []cli.Flag {
	against := func(value float64) string {
		if strings.Contains(circles, "%g") {
			return fmt.Sprintf(circles, value)
		}
		return circles
	}
	return inGroup(samplingGroup,
		&cli.FloatFlag{Name: "temperature", Value: 0.7, Usage: "`NUMBER`: sampling temperature; 0 is greedy"},
		&cli.FloatFlag{Name: "top-p", Value: 0.9, Usage: "nucleus sampling: smallest set of tokens with total probability `P`"},
		&cli.IntFlag{Name: "top-k", Usage: "sample from the `N` most likely tokens (0: all)"},
		&cli.FloatFlag{Name: "min-p", HideDefault: true, Usage: "sample from the tokens with at least `SHARE` times the probability of the most likely one " + against(defaultMinP)},
		&cli.FloatFlag{Name: "repetition-penalty", HideDefault: true, Usage: "`FACTOR` by which tokens that the message already has become less likely; 1 is none " + against(defaultRepetitionPenalty)},
		&cli.Uint64Flag{Name: "seed", HideDefault: true, Usage: "`N`: random seed for sampling (default: " + seed + ")"},
		&cli.IntFlag{Name: "max-new-tokens", Value: 150, Usage: "`N`: maximum number of generated tokens"},
		&cli.IntFlag{Name: "min-new-tokens", Usage: "`N`: minimum number of generated tokens"})
}

// sampleOptionsOf returns what the flags ask for. Without the flags that keep messages from going in circles, greedy sampling
// takes the model's own choice; with own, the model's own distribution is drawn from at any temperature.
func sampleOptionsOf(c *cli.Command, own bool) (generate.Options, error) {
	o := generate.Options{
		Sampling: generate.Sampling{Temperature: c.Float("temperature"), TopP: c.Float("top-p"), TopK: c.Int("top-k"), MinP: c.Float("min-p"),
			RepetitionPenalty: c.Float("repetition-penalty"), Seed: c.Uint64("seed")},
		MinNewTokens: c.Int("min-new-tokens"), MaxNewTokens: c.Int("max-new-tokens"),
	}
	if !c.IsSet("seed") {
		o.Seed = rand.Uint64()
	}
	own = own || o.Temperature == 0
	if !c.IsSet("min-p") && !own {
		o.MinP = defaultMinP
	}
	if !c.IsSet("repetition-penalty") {
		o.RepetitionPenalty = 1
		if !own {
			o.RepetitionPenalty = defaultRepetitionPenalty
		}
	}
	return o, o.Validate()
}
