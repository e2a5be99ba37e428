// Package recipe chooses the settings of a training run that depend on how much there is to learn from, and reads and writes
// train.toml, the settings that `vqctl tune` found.
//
// In: counts of windows and targets, and which settings are given; a train.toml. Out: settings with reasons, as text and value;
// a File. It must not know: how a run trains, what a setting's flag is, how anything is displayed.
package recipe

import (
	"fmt"
	"math"

	"ventriloquist/internal/terminal"
)

// Names of recipes.
const (
	Auto            = "auto"      // chooses by the data
	ReferenceRecipe = "reference" // the same for all data
)

// Names lists the recipes.
var Names = []string{Auto, ReferenceRecipe}

// Data is what a run trains on.
type Data struct {
	Windows      int // to train on
	Targets      int // messages that these windows learn from
	HeldOut      int // windows to evaluate on
	MaxSeqLength int // maximum tokens per window
}

// Settings are those that a recipe chooses.
type Settings struct {
	BatchSize    int     // windows per micro-batch
	Accumulation int     // micro-batches per optimizer step
	Epochs       float64 // ignored if MaxSteps is set
	MaxSteps     int     // never chosen
	WarmupRatio  float64 // fraction of the steps
	EvalSteps    int     // steps between evaluations
}

// Reference returns the settings of the reference, whatever the data.
func Reference() Settings {
	return Settings{BatchSize: 2, Accumulation: 16, Epochs: 2, WarmupRatio: 0.03, EvalSteps: 200}
}

// Given are the settings that the user gave, which no recipe changes.
type Given struct{ BatchSize, Accumulation, Epochs, WarmupRatio, EvalSteps bool }

// The rules by the number of targets. Few targets need small steps, or there are too few of them to learn anything, and more
// epochs; with many, larger steps lose nothing and keep a GPU busy.
var rules = []struct {
	under   int     // targets
	perStep int     // targets per optimizer step
	epochs  float64 // passes over the data
}{
	{1_000, 8, 4},
	{3_000, 16, 3},
	{10_000, 32, 3},
	{100_000, 32, 2},
	{math.MaxInt, 64, 2},
}

// Constants of the rules.
const (
	microBatchTokens = 8192 // of a micro-batch, if all windows are at the maximum length: as many as the reference's
	warmupRatio      = 0.03 // of the steps
	warmupSteps      = 10   // at least, but
	mostWarmup       = 0.1  // at most this fraction of the steps
	evaluations      = 10   // per run
	leastEvalSteps   = 20   // between evaluations
	evaluationShare  = 0.25 // of the training time, at most, for all evaluations
	forwardShare     = 1. / 3
)

// Epochs returns the number of epochs for so many targets.
func Epochs(targets int) float64 {
	_, epochs := ruleFor(targets)
	return epochs
}

func ruleFor(targets int) (perStep int, epochs float64) {
	for _, r := range rules {
		if targets < r.under {
			return r.perStep, r.epochs
		}
	}
	panic("unreachable: the last rule has no limit")
}

// Choice is a setting that was chosen for the data.
type Choice struct {
	Option string `json:"name"` // the field of the run's options
	Value  any    `json:"value"`
	Why    string `json:"why"`
}

// Choose chooses the settings that are not given.
func Choose(d Data, s Settings, given Given) (Settings, []Choice) {
	var list []Choice
	chosen := func(option string, value any, format string, args ...any) {
		list = append(list, Choice{option, value, fmt.Sprintf(format, args...)})
	}
	perStep, epochs := ruleFor(d.Targets)
	windows := windowsPerStep(d, perStep)
	if !given.BatchSize {
		limit := max(1, microBatchTokens/max(1, d.MaxSeqLength))
		if given.Accumulation {
			s.BatchSize = max(1, windows/s.Accumulation)
		} else {
			s.BatchSize = divisor(windows, limit)
		}
		chosen("batch_size", s.BatchSize, "at most %s tokens per micro-batch", terminal.Count(microBatchTokens))
	}
	if !given.Accumulation {
		s.Accumulation = max(1, int(math.Round(float64(windows)/float64(s.BatchSize))))
		chosen("gradient_accumulation_steps", s.Accumulation, "about %d targets per step for %s", perStep, terminal.Quantity(d.Targets, "target"))
	}
	if !given.Epochs && s.MaxSteps == 0 {
		s.Epochs = epochs
		chosen("num_epochs", s.Epochs, "%g passes over %s", epochs, terminal.Quantity(d.Targets, "target"))
	}
	steps := s.Steps(d)
	if !given.WarmupRatio {
		s.WarmupRatio = warmupFor(steps)
		chosen("warmup_ratio", s.WarmupRatio, "%s of %s", terminal.Quantity(int(math.Ceil(s.WarmupRatio*float64(steps))), "step"), terminal.Count(int64(steps)))
	}
	if !given.EvalSteps && d.HeldOut > 0 {
		s.EvalSteps = evalStepsFor(d, s, steps)
		chosen("eval_steps", s.EvalSteps, "%s of %s in the run", terminal.Quantity(max(1, (steps+s.EvalSteps-1)/s.EvalSteps), "evaluation"), terminal.Quantity(d.HeldOut, "held-out window"))
	}
	return s, list
}

// Steps returns the number of optimizer steps of a run.
func (s Settings) Steps(d Data) int {
	if s.MaxSteps > 0 {
		return s.MaxSteps
	}
	perStep := s.BatchSize * s.Accumulation
	return int(math.Ceil(s.Epochs * math.Ceil(float64(d.Windows)/float64(perStep))))
}

// windowsPerStep returns how many windows have about so many targets.
func windowsPerStep(d Data, targets int) int {
	if d.Targets == 0 {
		return 1
	}
	return max(1, min(d.Windows, int(math.Round(float64(targets)*float64(d.Windows)/float64(d.Targets)))))
}

// divisor returns the largest divisor of n that is at most limit.
func divisor(n, limit int) int {
	for d := min(n, limit); d > 1; d-- {
		if n%d == 0 {
			return d
		}
	}
	return 1
}

// warmupFor returns the fraction of the steps to warm up: a few steps of a short run.
func warmupFor(steps int) float64 {
	ratio := min(mostWarmup, warmupSteps/float64(max(1, steps)))
	return math.Round(1000*max(warmupRatio, ratio)) / 1000
}

// evalStepsFor spreads evaluations over the run, as many as the time for them allows, at round steps.
func evalStepsFor(d Data, s Settings, steps int) int {
	trained := float64(steps * s.BatchSize * s.Accumulation) // windows
	affordable := evaluationShare * trained / (forwardShare * float64(d.HeldOut))
	every := max(float64(steps)/evaluations, float64(steps)/max(1, affordable))
	return max(leastEvalSteps, 10*int(math.Ceil(every/10)))
}

// Expect says what so many targets can teach a model: rules of thumb.
func Expect(targets int) string {
	switch {
	case targets < 500:
		return "too few messages to learn how someone writes: expect names, punctuation and a few phrases, and overfitting early"
	case targets < 5_000:
		return "expect greetings, spelling and favorite phrases of those who write most; most of the gain comes in the first epoch"
	case targets < 50_000:
		return "expect recognizable habits and topics of those who write most; most of the gain comes in the first epoch"
	}
	return "expect distinct voices, shared topics and running jokes; most of the gain comes in the first epoch"
}
