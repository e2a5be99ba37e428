package main

import (
	"context"

	"go.uber.org/zap"

	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/windows"
)

// trainingTime is how long training a base model takes on this machine.
type trainingTime struct {
	text       string
	withinADay bool
}

// trainingTimes says how long training each base model on the windows of messages.db takes on this machine; nothing
// before preprocess.
func trainingTimes(ctx context.Context, bases []string) map[string]trainingTime {
	defer waiting("estimating the training times")()
	source, err := windows.OpenDatabase(ctx, databasePath(defaultDataDir), nil)
	if err != nil {
		return nil
	}
	defer source.Close()
	times, err := timesFor(ctx, source, bases)
	if err != nil {
		logOf(ctx).Warn("cannot estimate the training times", zap.Error(err))
	}
	return times
}

func timesFor(ctx context.Context, source windows.List, bases []string) (times map[string]trainingTime, err error) {
	device, err := load.Device(load.DeviceChoice{}, 0)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	precision, speeds, err := speedsOf(device)
	if err != nil {
		return nil, err
	}
	training, _ := windows.Split(source)
	times = map[string]trainingTime{}
	for _, name := range bases {
		config, _, err := model.ConfigNamed(name)
		if err != nil {
			continue // a model of the user's own that cannot be read: train says why
		}
		sizes, err := measureWindows(ctx, source, training, name, defaultSeqLength)
		if err != nil {
			return times, err
		}
		if sizes.work.Tokens == 0 {
			continue
		}
		cost := trainingCost{work: sizes.work}
		if err := cost.estimate(device, config, precision, speeds); err != nil {
			return times, err
		}
		one := trainingTime{text: "does not fit into memory"}
		if cost.Fits && cost.Hours != nil {
			one = trainingTime{hoursText(*cost.Hours), cost.Hours.To <= aDay}
			if cost.Flags != "" {
				one.text += " with " + cost.Flags
			}
		}
		times[name] = one
	}
	return times, nil
}
