package main

import (
	"context"
	"math"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/load"
	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/train"
	"ventriloquist/internal/windows"
)

// mostMeasured is the maximum number of windows that a plan tokenizes for their mean length.
const mostMeasured = 1000

// schedule counts the windows and steps if there are windows; those of --data-path must exist.
func (o *trainOptions) schedule(ctx context.Context, d *dryRun) error {
	d.Steps = o.run.MaxSteps
	source, err := openWindows(ctx, o.dataPath, o.dataDir)
	if err != nil {
		if o.dataPath != "" {
			return err
		}
		return ctx.Err() // a plan needs no windows
	}
	defer source.Close()
	training, _ := windows.Split(source)
	if o.run.Limit > 0 && o.run.Limit < len(training) {
		training = training[:o.run.Limit]
	}
	d.Windows = len(training)
	if d.Windows == 0 {
		return nil
	}
	d.Steps = o.run.TotalSteps(train.Steps{Windows: d.Windows, BatchSize: d.BatchSize, Accumulation: d.Accumulation})
	return d.measure(ctx, source, training)
}

// measure sets the mean length of the windows, from a sample spread evenly over them, if the model's tokenizer is available.
func (d *dryRun) measure(ctx context.Context, source windows.List, training []int) error {
	from, err := model.Resolve(d.Model)
	if err != nil {
		return nil // a plan needs no tokenizer
	}
	encoder, err := load.LoadTokenizer(from)
	if err != nil {
		return nil
	}
	sample := make([]int, min(len(training), mostMeasured))
	for i := range sample {
		sample[i] = training[i*len(training)/len(sample)]
	}
	m, err := batch.NewReader(source, encoder, d.SeqLength).Measure(ctx, sample, nil, nil)
	if err != nil {
		return err
	}
	if n := float64(len(m.Windows)); n > 0 {
		d.WindowTokens = int(math.Ceil(float64(m.Total.Tokens) / n))
		d.WindowTargets = int(math.Ceil(float64(m.Total.Targets) / n))
	}
	return nil
}

// visited is the number of windows of the whole run.
func (d *dryRun) visited(s memplan.Settings) int {
	perStep := s.BatchSize * s.Accumulation
	perEpoch := int(math.Ceil(float64(d.Windows) / float64(perStep)))
	return d.Steps/perEpoch*d.Windows + min(d.Steps%perEpoch*perStep, d.Windows)
}
