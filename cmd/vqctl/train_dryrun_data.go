package main

import (
	"context"
	"math"
	"slices"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/datacheck"
	"ventriloquist/internal/load"
	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/train"
	"ventriloquist/internal/windows"
)

// mostMeasured is the maximum number of windows that a plan tokenizes for their mean length.
const mostMeasured = 1000

// standInRatio is how many tokens of Qwen3's tokenizer a token of the built-in one stands for, as measured on windows of the bundled
// chat: the built-in tokenizer has only the first merges of Qwen3's.
const standInRatio = 0.8

// windowSizes are the sizes of windows to train on.
type windowSizes struct {
	windows   int
	work      memplan.Work // of one visit to each window; nothing but Windows is set if there are none
	estimated bool         // counted with the built-in tokenizer instead of the base model's
}

// measureWindows measures a sample of windows, spread evenly over those to train on, with the tokenizer of a base model if it is on
// this machine.
func measureWindows(ctx context.Context, source windows.List, training []int, baseModel string, maxTokens int) (windowSizes, error) {
	s := windowSizes{windows: len(training), work: memplan.Work{Windows: float64(len(training))}}
	if len(training) == 0 {
		return s, nil
	}
	s.addShape(source, training)
	sample := sampleOf(training, mostMeasured)
	encoder, ratio, err := planTokenizer(baseModel)
	if err != nil {
		return s, err
	}
	s.estimated = ratio != 1
	source = windows.WithMemory(source, int(float64(windows.MemoryTokens(source))/ratio), tokenCount(encoder))
	m, err := batch.NewReader(source, encoder, int(float64(maxTokens)/ratio)).Measure(ctx, sample, nil, nil)
	if err != nil {
		return s, err
	}
	if n := float64(len(m.Windows)); n > 0 {
		s.work.Tokens = int(math.Ceil(float64(m.Total.Tokens) / n * ratio))
		s.work.Targets = int(math.Ceil(float64(m.Total.Targets) / n * ratio))
	}
	return s, nil
}

// addShape adds the number of messages and targets of windows that have all they may have.
func (s *windowSizes) addShape(source windows.List, training []int) {
	const enough = 100
	for _, i := range sampleOf(training, enough) {
		s.work.Stride = max(s.work.Stride, float64(source.Targets(i)))
		if w, err := source.Window(i); err == nil {
			s.work.Messages = max(s.work.Messages, len(w.Lines))
		}
	}
}

// sampleOf returns at most n of the windows, spread evenly.
func sampleOf(list []int, n int) []int {
	sample := make([]int, min(len(list), n))
	for i := range sample {
		sample[i] = list[i*len(list)/len(sample)]
	}
	return sample
}

// planTokenizer returns the tokenizer of a base model, or the built-in one and the ratio of their tokens.
func planTokenizer(baseModel string) (encoder batch.Encoder, ratio float64, err error) {
	if from, err := model.Resolve(baseModel); err == nil {
		if own, err := load.LoadTokenizer(from); err == nil {
			return own, 1, nil
		}
	}
	tiny, err := model.Resolve(model.Tiny)
	if err != nil {
		return nil, 0, err
	}
	encoder, err = load.LoadTokenizer(tiny)
	return encoder, standInRatio, err
}

// plannedData is the windows that a plan is for. Its source is nil if they are not on this machine.
type plannedData struct {
	source   windows.List
	training []int
	found    []datacheck.Finding
}

func (d plannedData) close() {
	if d.source != nil {
		d.source.Close()
	}
}

// mostTargets returns the most targets of a window, 1 without windows.
func (d plannedData) mostTargets() int {
	most := 1
	for _, i := range d.training {
		most = max(most, d.source.Targets(i))
	}
	return most
}

// planData opens and checks the windows, and chooses the settings for them; those of --data-path must exist.
func (o *trainOptions) planData(ctx context.Context) (d plannedData, err error) {
	d.found = []datacheck.Finding{}
	source, err := openWindows(ctx, o.dataPath, o.dataDir)
	if err != nil {
		if o.dataPath != "" {
			return d, err
		}
		return d, ctx.Err() // a plan needs no windows
	}
	d.source = source
	var heldOut []int
	d.training, heldOut = o.splitWindows(source)
	o.choose(o.recipeData(source, d.training, heldOut))
	watched, checker := datacheck.Watch(source, d.training, heldOut)
	report, finish := newProgress("checking windows", "windows")
	defer finish()
	for n, i := range slices.Concat(d.training, heldOut) {
		if err := ctx.Err(); err != nil {
			return d, err
		}
		if _, err := watched.Window(i); err != nil {
			return d, err
		}
		report(int64(n+1), int64(len(d.training)+len(heldOut)))
	}
	d.found = checker.Findings()
	return d, nil
}

// schedule counts the windows and steps if there are windows.
func (o *trainOptions) schedule(ctx context.Context, d *dryRun, data plannedData) (memplan.Work, error) {
	d.Steps = o.run.MaxSteps
	longest := memplan.Work{Tokens: d.SeqLength, Targets: memplan.TokensPerTarget}
	if data.source == nil {
		return longest, nil
	}
	source, training := data.source, data.training
	sizes, err := measureWindows(ctx, source, training, d.Model, d.SeqLength)
	if err != nil || sizes.work.Tokens == 0 {
		return longest, err
	}
	d.Windows, d.WindowTokens, d.WindowTargets, d.Estimated = sizes.windows, sizes.work.Tokens, sizes.work.Targets, sizes.estimated
	d.Steps = o.run.TotalSteps(train.Steps{Windows: d.Windows, BatchSize: d.BatchSize, Accumulation: d.Accumulation})
	sizes.work.Windows = float64(visits(d.Windows, d.Steps, d.BatchSize*d.Accumulation))
	return sizes.work, nil
}

// visits is how often windows are read in a number of steps: an epoch may end in a partial step.
func visits(windows, steps, perStep int) int {
	perEpoch := (windows + perStep - 1) / perStep
	return steps/perEpoch*windows + min(steps%perEpoch*perStep, windows)
}
