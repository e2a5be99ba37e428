package main

import (
	"context"
	"errors"
	"math"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/load"
	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/train"
	"ventriloquist/internal/windows"
)

// mostMeasured is how many windows of a plan are tokenized for their mean length.
const mostMeasured = 1000

// schedule counts the windows and steps, where there are windows: those of --data-path must be there.
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

// measure sets the windows' mean length, of some that lie evenly among them, where the model's tokenizer is here.
func (d *dryRun) measure(ctx context.Context, source windows.List, training []int) error {
	from, err := model.Resolve(d.Model)
	if err != nil {
		return nil // a plan needs no tokenizer
	}
	encoder, err := load.LoadTokenizer(from)
	if err != nil {
		return nil
	}
	reader := batch.NewReader(source, encoder, d.SeqLength)
	var tokens, targets, measured float64
	var tooLong *batch.TooLongError
	count := min(len(training), mostMeasured)
	for i := range count {
		if err := ctx.Err(); err != nil {
			return err
		}
		w, err := reader.Read(training[i*len(training)/count])
		if errors.As(err, &tooLong) {
			continue
		}
		if err != nil {
			return err
		}
		tokens += float64(len(w.IDs))
		targets += float64(w.TargetTokens())
		measured++
	}
	if measured > 0 {
		d.WindowTokens = int(math.Ceil(tokens / measured))
		d.WindowTargets = int(math.Ceil(targets / measured))
	}
	return nil
}

// visited is the number of windows of the whole run.
func (d *dryRun) visited(s memplan.Settings) int {
	perStep := s.BatchSize * s.Accumulation
	perEpoch := int(math.Ceil(float64(d.Windows) / float64(perStep)))
	return d.Steps/perEpoch*d.Windows + min(d.Steps%perEpoch*perStep, d.Windows)
}
