package main

import (
	"fmt"
	"io"
	"strings"

	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// print shows the plan to people.
func (d *dryRun) print(out io.Writer) error {
	fmt.Fprintf(out, "%s (%.2f billion parameters) on %s, computing in %s, base weights in %s\n", d.Model, float64(d.Parameters)/1e9,
		d.Device, d.Precision, d.Weights)
	fmt.Fprintf(out, "rank %d, %d x %d windows per step, each of up to %d tokens\n\n", d.Rank, d.Accumulation, d.BatchSize, d.SeqLength)
	rows := append(d.Memory.Rows(), memplan.Row{Label: "fragmentation", Bytes: d.Fragmentation},
		memplan.Row{Label: "total", Bytes: d.Memory.Total}, memplan.Row{Label: "available", Bytes: d.Available})
	if err := memplan.WriteTable(out, rows); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", d.measures())
	fmt.Fprintf(out, "%.1f TFLOP per step of %d tokens\n", d.StepFLOPs/1e12, d.StepTokens)
	if d.Steps > 0 {
		fmt.Fprintf(out, "%s%s\n", some(d.Steps, "step"), d.ofWindows())
	}
	d.Predicted.print(out)
	if !d.Fits {
		fmt.Fprintln(out, "\nit does not fit; the nearest settings that do:")
		for _, s := range d.Nearest {
			fmt.Fprintf(out, "  %s  (%.2f GiB)\n", s.Flags, float64(s.Total)/(1<<30))
		}
		if len(d.Nearest) == 0 {
			fmt.Fprintln(out, "  none: use a smaller model or a larger device")
		}
	}
	return nil
}

func (d *dryRun) ofWindows() string {
	if d.Windows == 0 {
		return ""
	}
	text := fmt.Sprintf(", %s to train on", some(d.Windows, "window"))
	if d.WindowTokens > 0 {
		text += fmt.Sprintf(" of %d tokens on average", d.WindowTokens)
	}
	return text
}

// measures returns what makes the run fit, in words.
func (d *dryRun) measures() string {
	var done []string
	if d.RecomputedLayers > 0 {
		done = append(done, fmt.Sprintf("%d of %d layers are recomputed in the backward pass", d.RecomputedLayers, d.Layers))
	} else {
		done = append(done, "no layer is recomputed in the backward pass")
	}
	if d.OffloadOptimizer {
		done = append(done, fmt.Sprintf("the optimizer's moments are kept in %.2f GiB of host memory", float64(d.Memory.Host)/(1<<30)))
	}
	return strings.Join(done, "; ")
}

func (p *prediction) print(out io.Writer) {
	if p == nil {
		return
	}
	peak := fmt.Sprintf("%.0f TFLOP/s in bf16", p.Peak/1e12)
	if p.PeakFP8 > 0 {
		peak += fmt.Sprintf(", %.0f in fp8", p.PeakFP8/1e12)
	}
	fmt.Fprintf(out, "predicted: %.0f tokens/s, %.1f s per step", p.TokensPerSecond, p.StepSeconds)
	if p.Hours > 0 {
		fmt.Fprintf(out, ", %s in all", inHours(p.Hours))
	} else {
		fmt.Fprintf(out, ", %s for 1,000 windows", inHours(p.HoursPer1000))
	}
	fmt.Fprintf(out, "\n  at %.0f%% (assumed, not measured) of %s (%s)\n", 100*p.Efficiency, peak, p.Source)
}

// inHours formats a duration in hours, or in minutes below one hour.
func inHours(hours float64) string {
	if hours < 1 {
		return fmt.Sprintf("%.1f minutes", 60*hours)
	}
	return fmt.Sprintf("%.1f hours", hours)
}

// shortage returns the error of a plan that does not fit.
func (d *dryRun) shortage() error {
	err := fmt.Errorf("the run needs %s, %s more than the %s of %s", terminal.Bytes(d.Memory.Total), terminal.Bytes(d.Memory.Total-d.Available), terminal.Bytes(d.Available), d.Device)
	if len(d.Nearest) == 0 {
		return usererr.With(err, "use a smaller model or a larger device")
	}
	return usererr.With(err, "it would fit with %s", d.Nearest[0].Flags)
}
