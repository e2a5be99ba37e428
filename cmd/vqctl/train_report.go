package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ventriloquist/engine"
	"ventriloquist/internal/datacheck"
	"ventriloquist/internal/load"
	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/runlog"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
)

// trainView shows a training run: each reported step as a line on out, everything else on stderr.
type trainView struct {
	out      io.Writer
	json     bool
	peak     float64 // GFLOP/s of a GEMM of the model's shape
	planned  string  // the memory plan
	live     *trainLine
	patience int  // evaluations
	said     bool // how long the run will take
	overfits int  // step of the lowest loss after which overfitting was reported
}

func newTrainView(out io.Writer, asJSON bool, patience int) *trainView {
	return &trainView{out: out, json: asJSON, patience: patience}
}

// earlier says what becomes of the run that is in the output folder.
func (v *trainView) earlier(o trainOptions) {
	if o.resume != nil {
		return
	}
	e := train.EarlierRun(o.settings.OutputDir)
	if e == nil {
		return
	}
	which, s := "an unfinished run", e.State
	if e.Finished {
		which = "a finished run"
	}
	if s.RunName != "" {
		which += fmt.Sprintf(" (%q)", s.RunName)
	}
	if s.TotalSteps > 0 {
		which += fmt.Sprintf(" at step %s of %s", terminal.Count(int64(s.Step)), terminal.Count(int64(s.TotalSteps)))
	}
	other := ""
	if !e.Finished {
		other = "; --resume continues it instead"
	}
	notice("%s has %s: it moves to %s as this run writes its own files%s", o.settings.OutputDir, which, e.MovesTo, other)
}

// room says what the checkpoints take.
func (v *trainView) room(r train.Room, p train.RunSettings) {
	when := []string{"at the end"}
	if p.SaveSteps > 0 {
		every := "every step"
		if p.SaveSteps > 1 {
			every = fmt.Sprintf("every %d steps", p.SaveSteps)
		}
		when = append([]string{every}, when...)
	}
	text := fmt.Sprintf("checkpoints: %s of %s, %s in all (%s free): %s", terminal.Count(int64(r.Count)), terminal.Bytes(uint64(r.Each)),
		terminal.Bytes(uint64(r.Total())), terminal.Bytes(uint64(r.Free)), strings.Join(when, " and "))
	switch {
	case p.SaveMinutes > 0 && p.NoRoomByTime:
		text += fmt.Sprintf("; no room for one every %g minutes", p.SaveMinutes)
	case p.SaveMinutes > 0:
		text += fmt.Sprintf("; and the latest of every %g minutes", p.SaveMinutes)
	}
	if p.NoRoomForBest && p.EvalSteps > 0 {
		text += "; no room to keep the best adapter besides"
	}
	if p.KeepCheckpoints > 0 && p.SaveSteps > 0 {
		text += fmt.Sprintf("; older ones are removed (--keep-checkpoints %d), but never the best", p.KeepCheckpoints)
	}
	notice("%s", text)
}

// data prints what the run trains on, and what was cut or left out.
func (v *trainView) data(d *train.Data, o train.Options, runName string) {
	if runName != "" {
		notice("run %q", runName)
	}
	notice("%s to train on, %s held out; %s tokens per epoch, %s of them targets", terminal.Quantity(len(d.Train), "window"),
		terminal.Count(int64(len(d.HeldOut.Windows))), terminal.Count(d.Tokens), terminal.Count(d.Targets))
	if d.CutWindows > 0 {
		notice("dropped %s, the oldest of %s, to fit --max-seq-length %d", terminal.Quantity(d.CutLines, "message"), terminal.Quantity(d.CutWindows, "window"), o.MaxSeqLength)
	}
	if d.TooLong > 0 {
		notice("%s left out: header and target alone are over --max-seq-length %d", terminal.Quantity(d.TooLong, "window"), o.MaxSeqLength)
	}
}

// settings says what was chosen for the data and why, and what is wrong with the data.
func (v *trainView) settings(o *trainOptions, found []datacheck.Finding) {
	for _, line := range o.settingLines() {
		notice("%s", line)
	}
	if o.resume == nil {
		printWarnings(stderr, found)
	}
}

// printWarnings prints what may ruin a run.
func printWarnings(out io.Writer, found []datacheck.Finding) {
	for _, f := range found {
		printWrapped(out, "", "warning: "+f.Problem)
		printWrapped(out, "  ", f.Advice)
	}
}

// plan prints the memory plan.
func (v *trainView) plan(info engine.DeviceInfo, precision engine.DType, fit memplan.Fit) {
	v.planned = planText(info, precision, fit)
	notice("%s", v.planned)
}

// planText returns the memory plan as text. On a CPU it includes the memory that this program uses already, for windows and
// tokenizer.
func planText(info engine.DeviceInfo, precision engine.DType, fit memplan.Fit) string {
	var text strings.Builder
	units, rows, taken := "multiprocessors", []memplan.Row(nil), uint64(0)
	if !info.DiscreteMemory {
		units, taken = "threads", memoryTaken()
		rows = append(rows, memplan.Row{Label: "this program, windows", Bytes: taken})
	}
	m := fit.Memory
	rows = append(rows, m.Rows()...)
	rows = append(rows, memplan.Row{Label: "total", Bytes: m.Total + taken}, memplan.Row{Label: "available", Bytes: info.MemoryAvailable})
	if m.Host > 0 {
		rows = append(rows, memplan.Row{Label: "also in host memory", Bytes: m.Host})
	}
	fmt.Fprintf(&text, "%s, %s, %d %s, %s; micro-batches of up to %d tokens\n", info.Name, info.Instructions, info.Threads, units,
		precision, fit.Limits.MaxTokens)
	_ = memplan.WriteTable(&text, rows) // a Builder does not fail
	if n := fit.RecomputedLayers(); n > 0 {
		fmt.Fprintf(&text, "%d of %d layers are recomputed in the backward pass\n", n, fit.Model.Layers)
	}
	if fit.Limits.OffloadOptimizer {
		fmt.Fprintln(&text, "the optimizer's moments are kept in host memory")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// memoryTaken returns the memory that this process holds, in bytes, without the pages of mapped files: those of the weights are in the
// plan, and the others can be dropped. Where the system does not separate them, it is the most that was held so far.
func memoryTaken() uint64 {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			var kib uint64
			if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &kib); err == nil {
				return kib << 10
			}
		}
	}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" { // in bytes there, elsewhere in KiB
		return uint64(usage.Maxrss)
	}
	return uint64(usage.Maxrss) << 10
}

// measurePeak times a GEMM of the model's shape; the live line shows the training speed as a share of it.
func (v *trainView) measurePeak(d *engine.Device, c model.Config, precision engine.DType, l engine.TrainLimits) (err error) {
	v.peak, err = d.MeasureGEMM(precision, min(l.MaxTokens, load.RowsToMeasure(d, 2048)), c.IntermediateSize, c.HiddenSize)
	return err
}

func (v *trainView) resumed(from string, run *train.Run) {
	if from == "" {
		notice("the run was stopped before its first checkpoint: it starts again")
		return
	}
	notice("resuming from %s: step %d of %d is done", from, run.Step(), run.TotalSteps())
}

// train runs the run, and prints where the adapter is.
func (v *trainView) train(ctx context.Context, run *train.Run) error {
	encoder, live := json.NewEncoder(v.out), v.live
	shown := screen.Show(live.render)
	defer shown.End()
	defer onInterrupt(stopping{live.whenInterrupted, "the steps since the last checkpoint are lost"})()
	err := run.Train(ctx, func(m train.StepMetrics) error {
		live.step(m, time.Now())
		v.overfitting(m, run.BestDir())
		v.measured(live)
		if !m.Logged {
			return nil
		}
		var err error
		if v.json {
			err = encoder.Encode(m)
		} else {
			_, err = fmt.Fprintln(v.out, stepLine(m, run.TotalSteps(), terminal.Columns(v.out)))
		}
		if ctx.Err() != nil {
			return nil // the terminal may be closed; the run is saved all the same
		}
		return err
	})
	shown.End()
	if errors.Is(err, engine.ErrNoMemory) {
		notice("memory ran out; what was planned:\n%s", v.planned)
	}
	if err != nil {
		return err
	}
	summary := run.Summary()
	if v.json {
		if err := encoder.Encode(summary); err != nil {
			return err
		}
	}
	if summary.StoppedAfter > 0 {
		notice("stopped after step %s: the held-out loss has not fallen for %s", terminal.Count(int64(summary.StoppedAfter)), terminal.Quantity(v.patience, "evaluation"))
	}
	notice("the adapter is in %s", run.FinalDir())
	if text := summaryText(summary); text != "" {
		notice("%s", text)
	}
	return nil
}

// measured says once how long the run will take, by its first steps, if that is long.
func (v *trainView) measured(live *trainLine) {
	const enoughSteps, long = 3, 2 * time.Minute
	if v.said {
		return
	}
	steps, perStep, left := live.pace()
	if steps < enoughSteps {
		return
	}
	v.said = true
	if left > long {
		notice("measured: %s s per step; the other %s will take about %s, and the evaluations", oneDecimal(perStep), terminal.Quantity(live.total-live.done, "step"), terminal.Duration(left))
	}
}

// overfitting says that a run overfits, once for each lowest loss.
func (v *trainView) overfitting(m train.StepMetrics, bestDir string) {
	o := m.Overfitting
	if o == nil || v.overfits == o.LowestStep {
		return
	}
	v.overfits = o.LowestStep
	notice("%s", overfittingText(o, bestDir))
}

func overfittingText(o *runlog.Overfitting, bestDir string) string {
	return fmt.Sprintf("overfitting: for %s the held-out loss has been above the %.4f of step %s (now %.4f) while the training loss fell from %.4f to %.4f: "+
		"Ctrl-C stops here, and %s has the adapter of step %s; next time train with fewer --num-epochs, a lower --learning-rate or --lora-r, or more --lora-dropout, "+
		"or let --patience %d stop the run", terminal.Quantity(o.Evaluations, "evaluation"), o.LowestLoss, terminal.Count(int64(o.LowestStep)), o.Loss,
		o.LowestTrainLoss, o.TrainLoss, bestDir, terminal.Count(int64(o.LowestStep)), o.Evaluations)
}

// summaryText returns the loss on the held-out windows, compared with the base model's, and the best checkpoint; "" if nothing was
// evaluated.
func summaryText(s train.Summary) string {
	if s.EvalLoss == nil {
		return ""
	}
	text := fmt.Sprintf("held-out loss %.4f%s", *s.EvalLoss, against(s.BaseEvalLoss, *s.EvalLoss))
	if s.BestCheckpoint == nil || *s.BestCheckpoint == s.Adapter {
		return text + "; no earlier checkpoint has a lower one"
	}
	text += fmt.Sprintf("; the best checkpoint is %s, with %.4f after step %s", *s.BestCheckpoint, *s.BestEvalLoss, terminal.Count(int64(*s.BestStep)))
	if filepath.Dir(s.Adapter) == filepath.Clean(defaultOutputDir) {
		return text + "; evaluate, generate and chat use its adapter"
	}
	return text
}

// against compares a loss with the base model's.
func against(base *float64, loss float64) string {
	if base == nil || *base <= 0 {
		return ""
	}
	change, word := 100*(1 - loss / *base), "better"
	if change < 0 {
		change, word = -change, "worse"
	}
	return fmt.Sprintf(", %.1f%% %s than the base model's %.4f", change, word, *base)
}

// stepLine returns the line of a reported step, cut to a width in cells; 0 means no limit.
func stepLine(m train.StepMetrics, total, width int) string {
	evalLoss, compared := "", ""
	if m.EvalLoss != nil {
		evalLoss, compared = fmt.Sprintf("eval loss %.4f", *m.EvalLoss), strings.TrimPrefix(against(m.BaseEvalLoss, *m.EvalLoss), ", ")
	}
	if width == 0 {
		width = math.MaxInt
	}
	return terminal.Fit(width,
		terminal.Part{Text: fmt.Sprintf("step %d/%d", m.Step, total)},
		terminal.Part{Text: fmt.Sprintf("epoch %.2f", m.Epoch), Rank: 3},
		terminal.Part{Text: fmt.Sprintf("loss %.4f", m.Loss), Rank: 2},
		terminal.Part{Text: fmt.Sprintf("grad %.3f", m.GradNorm), Rank: 6},
		terminal.Part{Text: fmt.Sprintf("lr %.2e", m.LearningRate), Rank: 5},
		terminal.Part{Text: terminal.Rate(m.TokensPerSecond, "tokens"), Rank: 4},
		terminal.Part{Text: evalLoss, Rank: 1}, terminal.Part{Text: compared, Rank: 7})
}
