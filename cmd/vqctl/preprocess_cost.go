package main

import (
	"context"
	"fmt"
	"io"

	"go.uber.org/zap"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/recipe"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/windows"
)

// trainingCost is what training on new windows takes on this machine, with train's defaults.
type trainingCost struct {
	BaseModel string           `json:"base_model"`
	Flags     string           `json:"flags,omitempty"` // of train, for it to fit; "" if it fits without
	Device    string           `json:"device"`
	Fits      bool             `json:"fits"`
	Hours     *memplan.Hours   `json:"hours,omitempty"` // if it fits
	Stride1   *memplan.Hours   `json:"hours_with_stride_1,omitempty"`
	Auto      *memplan.Hours   `json:"hours_with_stride_auto,omitempty"` // if the stride is 1
	Tokens    int64            `json:"tokens_per_epoch"`                 // about
	Tokens1   int64            `json:"tokens_per_epoch_with_stride_1"`
	Faster    []memplan.Faster `json:"faster,omitempty"`

	work memplan.Work // of one epoch
}

// estimateTraining estimates the time of training on the windows of messages.db, nil if that fails: the windows are written all the same.
func estimateTraining(ctx context.Context, o preprocessOptions) (*trainingCost, error) {
	defer waiting("estimating the training time")()
	cost, err := trainingCostOf(ctx, o)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		logOf(ctx).Warn("cannot estimate the training time", zap.Error(err))
		return nil, nil
	}
	return cost, nil
}

func trainingCostOf(ctx context.Context, o preprocessOptions) (*trainingCost, error) {
	source, err := windows.OpenDatabase(ctx, databasePath(o.dataDir), nil)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	training, _ := windows.Split(source)
	sizes, err := measureWindows(ctx, source, training, o.baseModel, defaultSeqLength)
	if err != nil || sizes.work.Tokens == 0 {
		return nil, err
	}
	sizes.work.Messages, sizes.work.Stride = o.window, float64(o.stride)
	device, err := load.Device(load.DeviceChoice{}, 0)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	config, name, err := model.ConfigNamed(o.baseModel)
	if err != nil {
		return nil, err
	}
	precision, speeds, err := speedsOf(device)
	if err != nil {
		return nil, err
	}
	cost := &trainingCost{BaseModel: name, Device: device.Info().Name, work: sizes.work,
		Tokens: tokensOf(sizes.work), Tokens1: tokensOf(sizes.work.WithStride(1))}
	return cost, cost.estimate(device, config, precision, speeds)
}

// speedsOf returns the precision that train uses on a device, and how fast the device is in it.
func speedsOf(device *engine.Device) (engine.DType, memplan.Speeds, error) {
	precision, err := load.Precision("auto", device)
	if err != nil {
		return precision, nil, err
	}
	speeds, err := load.Speeds(device, precision)
	return precision, speeds, err
}

// tokensOf is how many tokens a run reads.
func tokensOf(w memplan.Work) int64 { return int64(w.Windows * float64(w.Tokens)) }

// estimate sets the hours with the first weight format that fits.
func (c *trainingCost) estimate(device *engine.Device, config model.Config, precision engine.DType, speeds memplan.Speeds) error {
	plan := defaultPlan(config, precision, memplan.OfDevice(device), c.work, speeds)
	for _, weights := range []struct {
		format engine.WeightFormat
		flags  string
	}{{engine.Plain, ""}, {engine.Int8, "--load-in-8bit"}, {engine.NF4, "--load-in-4bit"}} {
		plan.Settings.Model.Weights = weights.format
		fit, err := memplan.FitTo(plan.Settings.Run(), plan.Budget, 0)
		if err != nil {
			return err
		}
		if !fit.Fits {
			continue
		}
		c.Fits, c.Flags = true, weights.flags
		hours := func(w memplan.Work) *memplan.Hours { return memplan.Cost(plan.Settings, fit, w, speeds) }
		c.Hours = hours(plan.Work)
		if plan.Work.Stride > 1 {
			c.Stride1 = hours(plan.Work.WithStride(1))
		} else if auto := windows.AutoStride(plan.Work.Messages); auto > 1 {
			c.Auto = hours(plan.Work.WithStride(float64(auto)))
		}
		c.Faster, err = plan.Faster(c.Hours)
		return err
	}
	return nil
}

// targetsOf returns the number of target messages of one epoch.
func targetsOf(w memplan.Work) int { return int(w.Windows * max(w.Stride, 1)) }

// defaultPlan is a run with train's defaults on windows with this work per epoch.
func defaultPlan(config model.Config, precision engine.DType, budget memplan.MemoryBudget, work memplan.Work, speeds memplan.Speeds) memplan.Plan {
	epochs := recipe.Epochs(targetsOf(work))
	work.Windows *= epochs
	plan := memplan.Plan{Budget: budget, Work: work, Speeds: speeds, Epochs: epochs, Smaller: smallerBases(config),
		Settings: memplan.Settings{
			Model: load.ModelConfig(config, engine.Plain), Stored: engine.BF16, Precision: precision,
			Adapter:   load.AdapterConfig(adapter.Config{R: infoWorkload.Rank, Alpha: 1, Targets: model.Projections}),
			BatchSize: infoWorkload.Windows, Accumulation: 1, SeqLength: defaultSeqLength, Targets: max(memplan.TokensPerTarget, work.Targets),
		}}
	if !budget.Discrete {
		plan.Other = usualGPUs()
	}
	return plan
}

func (c *trainingCost) print(out io.Writer) {
	if c == nil {
		return
	}
	if !c.Fits {
		printWrapped(out, "", fmt.Sprintf("training %s on them does not fit into the memory of this machine; vqctl train --dry-run says what does", c.BaseModel))
		return
	}
	with := ""
	if c.Flags != "" {
		with = " with " + c.Flags
	}
	printWrapped(out, "", fmt.Sprintf("training %s on them%s takes about %s on %s", c.BaseModel, with, hoursText(*c.Hours), c.Device))
	if text := c.strideText(); text != "" {
		printWrapped(out, "", text)
	}
	printFaster(out, c.Faster)
}

// aboutCount formats a number with two digits other than zero.
func aboutCount(n int64) string {
	unit := int64(1)
	for n/unit >= 100 {
		unit *= 10
	}
	return terminal.Count((n + unit/2) / unit * unit)
}

// strideText says what the stride costs and saves.
func (c *trainingCost) strideText() string {
	w := c.work
	switch {
	case c.Stride1 != nil:
		return fmt.Sprintf("with --stride 1 it would take about %s: %s instead of %s tokens per epoch; with --stride %.0f each message is still learned once, "+
			"with %.4g messages before it on average instead of %d", hoursText(*c.Stride1), aboutCount(c.Tokens1), aboutCount(c.Tokens), w.Stride,
			w.Context(), w.Messages-1)
	case c.Auto != nil:
		auto := w.WithStride(float64(windows.AutoStride(w.Messages)))
		return fmt.Sprintf("with --stride auto, here %.0f, it would take about %s: %s instead of %s tokens per epoch; each message is still learned once, "+
			"with %.4g messages before it on average instead of %d", auto.Stride, hoursText(*c.Auto), aboutCount(tokensOf(auto)), aboutCount(c.Tokens),
			auto.Context(), w.Messages-1)
	}
	return ""
}
