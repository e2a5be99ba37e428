package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
	"ventriloquist/internal/windows"
)

// comparison returns a plan that can be compared with others: what the flags allow to change.
func (o *trainOptions) comparison(config model.Config, s memplan.Settings, budget memplan.MemoryBudget, work memplan.Work, speeds memplan.Speeds) memplan.Plan {
	p := memplan.Plan{Settings: s, Budget: budget, Work: work, Speeds: speeds, Epochs: o.run.Epochs, BF16: s.Precision == engine.F32}
	if o.run.MaxSteps > 0 {
		p.Epochs = 0
	}
	if o.continueFrom == "" && o.resume == nil {
		p.Smaller = smallerBases(config)
	}
	if o.dryRun.memory == 0 && !budget.Discrete {
		p.Other = usualGPUs()
	}
	p.FP8 = !slices.ContainsFunc(speeds(withFP8(s)), func(speed memplan.Speed) bool { return speed.PeakFP8 == 0 })
	return p
}

// usualGPUs are the cards that plans for a CPU mention.
func usualGPUs() (list []memplan.GPU) {
	for _, name := range []string{"rtx4090", "h100"} {
		if gpu, err := memplan.GPUNamed(name); err == nil {
			list = append(list, gpu)
		}
	}
	return list
}

func withFP8(s memplan.Settings) memplan.Settings {
	s.Model.Weights = engine.FP8GEMM
	return s
}

// sizesOf returns the sizes of windows that were all measured.
func sizesOf(source windows.List, d *train.Data) windowSizes {
	n := len(d.Train)
	s := windowSizes{windows: n, work: memplan.Work{Windows: float64(n), Tokens: int(d.Tokens) / n, Targets: int(d.Targets) / n}}
	s.addShape(source, d.Train)
	return s
}

// cost prints how long the run will take, and if that is long, settings that take less.
func (s *trainSession) cost(fit memplan.Fit) error {
	o := &s.options
	speeds, err := load.Speeds(s.device, fasterPrecisions(s.device, s.precision)...)
	if err != nil {
		return err
	}
	settings := memplan.Settings{
		Model: fit.Model, Stored: fit.Stored, Precision: fit.Precision, Adapter: fit.Adapter, BatchSize: o.run.BatchSize, Accumulation: o.run.Accumulation,
		SeqLength: s.data.Longest.Tokens, Targets: s.data.Longest.Targets,
	}
	total, perStep := o.run.TotalSteps(s.data.Steps(o.run)), o.run.BatchSize*o.run.Accumulation
	work := s.sizes.work
	work.Windows = float64(visits(s.sizes.windows, total, perStep) - visits(s.sizes.windows, s.start.state.Step, perStep))
	hours := memplan.Cost(settings, fit, work, speeds)
	if hours == nil {
		return nil
	}
	notice("%s: about %s%s", terminal.Quantity(total-s.start.state.Step, "step"), hoursText(*hours), evaluationsToo(o.settings.EvalSteps))
	if o.resume != nil {
		return nil
	}
	faster, err := o.comparison(s.files.Config, settings, memplan.OfDevice(s.device), work, speeds).Faster(hours)
	printFaster(stderr, faster)
	return err
}

func evaluationsToo(every int) string {
	if every > 0 {
		return ", and the evaluations"
	}
	return ""
}

// smallerBases returns Qwen3's base models with fewer parameters, largest first.
func smallerBases(than model.Config) (list []memplan.Base) {
	for _, name := range slices.Backward(model.Known) {
		config, _, err := model.ConfigNamed(name)
		if err == nil && strings.HasSuffix(name, "-Base") && config.Parameters() < than.Parameters() {
			list = append(list, memplan.Base{Name: name, Model: load.ModelConfig(config, engine.Plain)})
		}
	}
	return list
}

// inHours formats a time for people: seconds, minutes, hours, days or years.
func inHours(hours float64) string {
	const day, year = 24, 365.25 * 24
	switch seconds := math.Ceil(3600 * hours); {
	case seconds < 120:
		return terminal.Quantity(int(max(seconds, 1)), "second")
	case hours < 1:
		return fmt.Sprintf("%.1f minutes", 60*hours)
	case hours < 3*day:
		return fmt.Sprintf("%.1f hours", hours)
	case hours < year:
		return fmt.Sprintf("%.0f days", hours/day)
	case hours < 10*year:
		return fmt.Sprintf("%.1f years", hours/year)
	}
	return terminal.Count(int64(hours/year)) + " years"
}

// hoursText formats the hours of a run on one device, or on the fastest to the slowest of several.
func hoursText(h memplan.Hours) string {
	from, to := inHours(h.From), inHours(h.To)
	if from == to {
		return to
	}
	return from + " to " + to
}

// printFaster prints settings that make a run shorter.
func printFaster(out io.Writer, list []memplan.Faster) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(out, "settings that take less time:")
	width := 0
	for _, f := range list {
		width = max(width, len(hoursText(f.Hours)))
	}
	for _, f := range list {
		printHanging(out, terminalWidth(out), fmt.Sprintf("  %-*s  ", width, hoursText(f.Hours)), fasterFlags(f))
		indent := fmt.Sprintf("  %*s    ", width, "")
		if f.Preprocess != "" && f.Train != "" {
			printWrapped(out, indent, "then "+f.Train)
		}
		if f.Means != "" {
			printWrapped(out, indent, f.Means)
		}
	}
}

// fasterFlags returns what to type for faster settings, or the device.
func fasterFlags(f memplan.Faster) string {
	switch {
	case f.GPU != "" && f.Train != "":
		return "a GPU, " + f.GPU + ", with " + f.Train
	case f.GPU != "":
		return "a GPU, " + f.GPU
	case f.Preprocess == "":
		return f.Train
	}
	return "vqctl preprocess " + f.Preprocess
}
