package main

import (
	"context"
	"fmt"
	"strings"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/recipe"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/windows"
)

// aDay is how long training may take for doctor to call it ok, in hours.
const aDay = 24

// assumedWindows are what doctor plans with before preprocess: 50,000 messages at the default stride.
var assumedWindows = memplan.Work{Windows: 50_000, Tokens: 4096, Targets: 48, Stride: 1, Messages: defaultWindow}.
	WithStride(float64(windows.AutoStride(defaultWindow)))

// windowsToTrain measures the windows of messages.db; without any, windows is 0.
func windowsToTrain(ctx context.Context, dataDir string) windowSizes {
	source, err := windows.OpenDatabase(ctx, databasePath(dataDir), nil)
	if err != nil {
		return windowSizes{}
	}
	defer source.Close()
	training, _ := windows.Split(source)
	sizes, err := measureWindows(ctx, source, training, "", defaultSeqLength)
	if err != nil || sizes.work.Tokens == 0 {
		return windowSizes{}
	}
	return sizes
}

// A trainable is a Qwen3 model that fits into a device's memory, and the hours that the default run takes.
type trainable struct {
	shape string
	hours memplan.Hours
}

// String is the model's official name: qwen3-1.7b is Qwen3-1.7B.
func (t trainable) String() string { return officialName(t.shape) }

func officialName(shape string) string {
	return "Qwen3-" + strings.ToUpper(strings.TrimPrefix(shape, "qwen3-"))
}

// examineWeightFormats reports, for each format of the base weights, which Qwen3 models the device can train, and the largest that it
// can generate with.
func examineWeightFormats(device *engine.Device, precision engine.DType, speeds memplan.Speeds, data windowSizes) ([]finding, error) {
	type format struct {
		name    string
		weights engine.WeightFormat
	}
	formats := []format{{precision.String(), engine.Plain}, {"fp8", engine.FP8}, {"8 bits", engine.Int8}, {"4 bits", engine.NF4}}
	if device.Info().DiscreteMemory { // elsewhere it takes as much memory as fp8
		formats = append(formats, format{"fp8 with --precision fp8", engine.FP8GEMM})
	}
	var findings []finding
	for _, f := range formats {
		training, generating, err := usableModels(device, precision, f.weights, data, speeds)
		if err != nil {
			return nil, err
		}
		found := describeModels(training, generating, data)
		found.Name = "weights in " + f.name
		findings = append(findings, found)
	}
	return findings, nil
}

// describeModels says which models can be trained within a day, and how long the others take.
func describeModels(training []trainable, generating string, data windowSizes) finding {
	f := finding{Status: "ok"}
	what := "50,000 messages"
	if data.windows > 0 {
		what = "the " + terminal.Quantity(data.windows, "window") + " of messages.db"
	}
	var quick []trainable
	for _, t := range training {
		if t.hours.To <= aDay {
			quick = append(quick, t)
		}
	}
	switch {
	case len(training) == 0:
		f.Status, f.Detail = "problem", "no Qwen3 model fits for training"
	case len(quick) == len(training):
		f.Detail = fmt.Sprintf("can train models up to %v: %s for %s", quick[len(quick)-1], hoursText(quick[len(quick)-1].hours), what)
	case len(quick) > 0:
		f.Detail = fmt.Sprintf("can train models up to %v within a day: %s for %s; %s", quick[len(quick)-1], hoursText(quick[len(quick)-1].hours), what,
			timesOf(training[len(quick):]))
	default:
		f.Status = "slow"
		f.Detail = fmt.Sprintf("for %s, training takes more than a day: %s", what, timesOf(training))
		f.Hint = "a larger --stride in preprocess takes less: vqctl train --dry-run says how much; so does a GPU: vqctl train --dry-run --gpu-type rtx4090"
	}
	if generating != "" {
		f.Detail += "; can generate with models up to " + officialName(generating)
	}
	return f
}

// timesOf lists the hours of the smallest and the largest of some models.
func timesOf(list []trainable) string {
	first, last := list[0], list[len(list)-1]
	text := fmt.Sprintf("%v %s", first, hoursText(first.hours))
	if last != first {
		text += fmt.Sprintf(", %v %s", last, hoursText(last.hours))
	}
	return text
}

// usableModels returns the models that fit for training with the default settings, smallest first, and the largest that fits for
// generating, "" for none.
func usableModels(device *engine.Device, precision engine.DType, weights engine.WeightFormat, data windowSizes, speeds memplan.Speeds) (training []trainable, generating string, err error) {
	lora := load.AdapterConfig(adapter.Config{R: infoWorkload.Rank, Alpha: 1, Targets: model.Projections})
	work := assumedWindows
	if data.windows > 0 {
		work = data.work
	}
	work.Windows *= recipe.Epochs(targetsOf(work))
	for _, name := range model.ShapeNames {
		config, err := model.ShapeConfig(name)
		if err != nil || name == model.Tiny {
			continue
		}
		s := memplan.Settings{Model: load.ModelConfig(config, weights), Stored: engine.BF16, Precision: precision, Adapter: lora,
			BatchSize: infoWorkload.Windows, SeqLength: infoWorkload.Tokens / infoWorkload.Windows, Targets: max(memplan.TokensPerTarget, work.Targets)}
		fit, err := memplan.FitTo(s.Run(), memplan.OfDevice(device), 0)
		if err != nil {
			return nil, "", err
		}
		if hours := memplan.Cost(s, fit, work, speeds); fit.Fits && hours != nil {
			training = append(training, trainable{name, *hours})
		}
		session, err := device.PlanSession(s.Model, s.Stored, precision, &lora, infoWorkload.Context, 1)
		if err != nil {
			return nil, "", err
		}
		if session.Total <= device.Info().MemoryAvailable {
			generating = name
		}
	}
	return training, generating, nil
}
