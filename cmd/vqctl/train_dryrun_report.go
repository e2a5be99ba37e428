package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// print shows the plan to people, in lines that fit the terminal.
func (d *dryRun) print(out io.Writer) error {
	var text strings.Builder
	if err := d.write(&text); err != nil {
		return err
	}
	_, err := io.WriteString(out, fitLines(text.String(), terminalWidth(out)))
	return err
}

// parameters formats a number of parameters.
func parameters(n float64) string {
	if n < 0.995e9 {
		return fmt.Sprintf("%.1f million parameters", n/1e6)
	}
	return fmt.Sprintf("%.2f billion parameters", n/1e9)
}

func (d *dryRun) write(out io.Writer) error {
	fmt.Fprintf(out, "%s (%s) on %s%s, computing in %s, base weights in %s\n", d.Model, parameters(float64(d.Parameters)), d.times(), d.Device, d.Precision, d.Weights)
	fmt.Fprintf(out, "rank %d, %d x %d windows per step, each of up to %d tokens\n\n", d.Rank, d.Accumulation, d.BatchSize, d.SeqLength)
	if d.Nodes > 0 {
		fmt.Fprintln(out, "memory of each GPU:")
	}
	rows := append(d.Memory.Rows(), memplan.Row{Label: "fragmentation", Bytes: d.Fragmentation},
		memplan.Row{Label: "total", Bytes: d.Memory.Total}, memplan.Row{Label: "available", Bytes: d.Available})
	if err := memplan.WriteTable(out, rows); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, line := range d.notes {
		fmt.Fprintln(out, line)
	}
	printWarnings(out, d.Warnings)
	fmt.Fprintln(out, d.measures())
	fmt.Fprintf(out, "%s TFLOP per step of %s tokens\n", oneDecimal(d.StepFLOPs/1e12), terminal.Count(int64(d.StepTokens)))
	if d.Steps > 0 {
		fmt.Fprintf(out, "%s%s\n", terminal.Quantity(d.Steps, "step"), d.ofWindows())
	}
	d.Checkpoints.print(out)
	d.Predicted.print(out)
	d.Range.print(out)
	if len(d.Faster) > 0 {
		fmt.Fprintln(out)
		printFaster(out, d.Faster)
	}
	if !d.Fits {
		d.printNearest(out)
	}
	return nil
}

func (d *dryRun) printNearest(out io.Writer) {
	fmt.Fprintln(out, "\nit does not fit; the nearest settings that do:")
	for _, s := range d.Nearest {
		costs := terminal.Bytes(s.Total)
		if s.Hours != nil {
			costs += ", " + hoursText(*s.Hours)
		}
		fmt.Fprintf(out, "  %s  (%s)\n", s.Flags, costs)
	}
	if len(d.Nearest) == 0 {
		fmt.Fprintln(out, "  none: use a smaller model or a larger device")
	}
}

func (d *dryRun) ofWindows() string {
	if d.Windows == 0 {
		return ""
	}
	text := fmt.Sprintf(", %s to train on of %s tokens on average", terminal.Quantity(d.Windows, "window"), terminal.Count(int64(d.WindowTokens)))
	if d.Estimated {
		text += " (estimated: the base model's tokenizer is not on this machine)"
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
		done = append(done, fmt.Sprintf("the optimizer's moments are kept in %s of host memory", terminal.Bytes(d.Memory.Host)))
	}
	return strings.Join(done, "; ")
}

func (p *prediction) print(out io.Writer) {
	if p == nil {
		return
	}
	fmt.Fprintf(out, "predicted: %s, %s per step, %s\n", terminal.Rate(p.TokensPerSecond, "tokens"), p.step(), p.duration())
	fmt.Fprintf(out, "  at %.0f%% (assumed, not measured) of %s\n", 100*p.Efficiency, p.peak())
	printCluster(out, p.Cluster)
}

func (p *prediction) step() string {
	if p.StepSeconds < 600 {
		return oneDecimal(p.StepSeconds) + " s"
	}
	return inHours(p.StepSeconds / 3600)
}

// duration returns the time of the run, or of 1,000 windows if the run's steps are not known.
func (p *prediction) duration() string {
	if p.Hours > 0 {
		return inHours(p.Hours) + " in all"
	}
	return inHours(p.HoursPer1000) + " for 1,000 windows"
}

// peak describes the peak that the prediction is based on.
func (p *prediction) peak() string {
	if p.Measured {
		return fmt.Sprintf("%s GFLOP/s, measured in GEMMs on this machine", terminal.Count(int64(p.Peak/1e9)))
	}
	text := fmt.Sprintf("%.0f TFLOP/s in bf16", p.Peak/1e12)
	if p.PeakFP8 > 0 {
		text += fmt.Sprintf(", %.0f in fp8", p.PeakFP8/1e12)
	}
	return fmt.Sprintf("%s (%s)", text, p.Source)
}

// print shows the range of the cards that a run may be on.
func (p *predicted) print(out io.Writer) {
	if p == nil {
		return
	}
	fmt.Fprintf(out, "predicted: %s (%s) to %s (%s)\n", p.Fastest.duration(), p.Fastest.Device, p.Slowest.duration(), p.Slowest.Device)
	fmt.Fprintln(out, "  for the known cards with about this memory; --gpu-type plans for one of them")
}

// oneDecimal formats a number with one decimal and with commas between thousands, and less than 1 with two digits.
func oneDecimal(x float64) string {
	if x < 1 {
		return fmt.Sprintf("%.2g", x)
	}
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(x, 'f', 1, 64), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return whole
	}
	return terminal.Count(n) + "." + fraction
}

// shortage returns the error of a plan that does not fit.
func (d *dryRun) shortage() error {
	err := fmt.Errorf("the run needs %s, %s more than the %s of %s", terminal.Bytes(d.Memory.Total), terminal.Bytes(d.Memory.Total-d.Available), terminal.Bytes(d.Available), d.Device)
	if len(d.Nearest) == 0 {
		return usererr.With(err, "use a smaller model or a larger device")
	}
	return usererr.With(err, "it would fit with %s", d.Nearest[0].Flags)
}
