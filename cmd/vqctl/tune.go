package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/model"
	"ventriloquist/internal/recipe"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/tune"
	"ventriloquist/internal/usererr"
)

// defaultTuneDir is where tune keeps its state and the adapters of its trials.
var defaultTuneDir = filepath.Join(filepath.Dir(defaultOutputDir), "tune")

// tuneOptions are the flags of `vqctl tune`.
type tuneOptions struct {
	train   trainOptions // the settings that are tried in any case
	minutes float64
	trials  int
	print   bool
	restart bool
	json    bool
	path    string // of the file of settings to write; "" for none
}

func newTuneCommand() *cli.Command {
	return &cli.Command{
		Name:  "tune",
		Usage: "search for the learning rate, rank, epochs and dropout with the lowest held-out loss",
		Description: `Trains with many settings for a short while, with the better third of them again for three times as long, and so on, until a few
train for their whole run (successive halving). What train would use now is tried to the end in any case, so that the result is
never worse by the held-out loss. A setting that is given as a flag is not searched for. The seed is the same for all.

The best settings are written to train.toml in --data-dir, which train reads. The same command continues a search that was
interrupted or killed, to the same result; --restart begins again. Adapters of trials are removed as they lose.`,
		Flags: tuneFlags(),
		Action: func(ctx context.Context, c *cli.Command) error {
			opts, err := tuneOptionsOf(c)
			if err != nil {
				return err
			}
			return runTune(ctx, opts, stdout)
		},
	}
}

// notOfTune are flags of train that a search has no use for.
var notOfTune = []string{"resume", "continue-from", "run-name", "logging-steps", "eval-steps", "patience", "save-steps", "save-minutes",
	"keep-checkpoints", "samples", "dry-run", "gpu-type", "gpu-memory", "adapter", "detach", "report-to"}

func tuneFlags() []cli.Flag {
	flags := trainFlags()
	for _, f := range flags {
		name := f.Names()[0]
		switch f := f.(type) {
		case *cli.StringFlag:
			f.Hidden = slices.Contains(notOfTune, name)
			if name == "output-dir" {
				f.Value, f.Usage = defaultTuneDir, "`DIR`: folder for the state of the search and the adapters of its trials"
			}
		case *cli.IntFlag:
			f.Hidden = slices.Contains(notOfTune, name)
		case *cli.FloatFlag:
			f.Hidden = slices.Contains(notOfTune, name)
		case *cli.BoolFlag:
			f.Hidden = slices.Contains(notOfTune, name)
			if name == "json" {
				f.Usage = "print one JSON object per trial to stdout, and one at the end"
			}
		}
	}
	return append(flags, inGroup(runGroup,
		&cli.FloatFlag{Name: "minutes", Value: 20, Usage: "search for about `N` minutes"},
		&cli.IntFlag{Name: "trials", HideDefault: true, Usage: "try `N` settings, however long it takes (default: as many as --minutes allows)"},
		&cli.BoolFlag{Name: "print", Usage: "print the settings as TOML to stdout instead of writing train.toml"},
		&cli.BoolFlag{Name: "restart", Usage: "begin again instead of continuing the search in --output-dir"})...)
}

func tuneOptionsOf(c *cli.Command) (o tuneOptions, err error) {
	for _, name := range notOfTune {
		if c.IsSet(name) {
			return o, usererr.With(usererr.Usage("tune has no --%s", name), "`vqctl train` has")
		}
	}
	if o.train, err = trainOptionsOf(c); err != nil {
		return o, err
	}
	o.minutes, o.trials, o.print, o.restart, o.json = c.Float("minutes"), c.Int("trials"), c.Bool("print"), c.Bool("restart"), c.Bool("json")
	switch {
	case !(o.minutes > 0 && o.minutes < 1e6):
		return o, usererr.Usage("--minutes must be above 0")
	case o.trials < 0:
		return o, usererr.Usage("--trials must not be negative")
	case o.print && o.json:
		return o, usererr.With(usererr.Usage("--print and --json exclude each other"), "the last line of --json has the settings, too")
	case o.trials > 0:
		o.minutes = 0
	}
	switch {
	case o.print:
	case c.IsSet("settings"):
		o.path = model.ExpandHome(c.String("settings"))
	case o.train.dataPath == "":
		o.path = filepath.Join(o.train.dataDir, recipe.FileName)
	}
	return o, nil
}

// space returns what to search: settings that were not given, around those that train would use.
func (o *tuneOptions) space() tune.Space {
	t := &o.train
	s := tune.Space{Base: tune.Settings{LearningRate: t.run.LearningRate, Rank: t.lora.R, Epochs: t.run.Epochs, Dropout: t.lora.Dropout},
		LearningRates: []float64{t.run.LearningRate}, Ranks: []int{t.lora.R}, Epochs: []float64{t.run.Epochs}, Dropouts: []float64{t.lora.Dropout}}
	if t.from["learning-rate"] != fromFlag {
		s.LearningRates = nil
		for _, factor := range []float64{0.25, 0.5, 1, 2, 4, 8} {
			s.LearningRates = append(s.LearningRates, significant(factor*t.run.LearningRate))
		}
	}
	if t.from["lora-r"] != fromFlag {
		s.Ranks = with([]int{8, 16, 32, 64, 128}, t.lora.R)
	}
	if t.from["num-epochs"] != fromFlag && t.run.MaxSteps == 0 {
		s.Epochs = with([]float64{1, 2, 3, 4}, t.run.Epochs)
	}
	if t.from["lora-dropout"] != fromFlag {
		s.Dropouts = with([]float64{0, 0.05, 0.1}, t.lora.Dropout)
	}
	return s
}

// with returns a sorted list with a value.
func with[T int | float64](list []T, value T) []T {
	list = append(list, value)
	slices.Sort(list)
	return slices.Compact(list)
}

// significant rounds to three digits, so that a value reads well.
func significant(x float64) float64 {
	scale := math.Pow(10, 2-math.Floor(math.Log10(x)))
	return math.Round(x*scale) / scale
}

// runTune searches, and writes the best settings.
func runTune(ctx context.Context, o tuneOptions, out io.Writer) error {
	s, err := openTuneSession(ctx, o, out)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.search(ctx); err != nil {
		return err
	}
	return s.finish()
}

// settings returns the best settings as train.toml has them.
func (o *tuneOptions) values(best tune.Settings) (list []recipe.Value) {
	t := o.train
	t.lora.Alpha *= float64(best.Rank) / float64(t.lora.R)
	t.run.LearningRate, t.run.Epochs, t.lora.R, t.lora.Dropout = best.LearningRate, best.Epochs, best.Rank, best.Dropout
	names := []string{"base-model", "learning-rate", "lora-r", "lora-alpha", "lora-dropout", "num-epochs", "batch-size", "gradient-accumulation-steps", "warmup-ratio"}
	for _, s := range trainSettings {
		pinned := t.from[s.name] != "" && t.from[s.name] != fromData && s.name != "eval-steps"
		if slices.Contains(names, s.name) || pinned {
			list = append(list, recipe.Value{Name: s.name, Text: s.text(&t)})
		}
	}
	return list
}

// comments are the lines above the settings in train.toml.
func (o *tuneOptions) comments(s *tune.State, heldOut int) []string {
	best := s.Best()
	lines := []string{"Settings that `vqctl tune` found; `vqctl train` uses them where no flag is given.",
		fmt.Sprintf("Held-out loss %.4f on %s, the lowest of %s.", best.Loss, terminal.Quantity(heldOut, "window"), terminal.Quantity(len(s.Results), "trial"))}
	if base := baseResult(s, best.Rung); base != nil && base.Trial != best.Trial {
		lines = append(lines, fmt.Sprintf("With the settings before: %.4f (%v).", base.Loss, base.Settings))
	}
	return append(lines, "")
}

// baseResult returns the result of the settings that were there before in a rung, nil if there is none.
func baseResult(s *tune.State, rung int) *tune.Result {
	for i := range s.Results {
		if r := &s.Results[i]; r.Trial == 0 && r.Rung == rung && r.Failed == "" {
			return r
		}
	}
	return nil
}
