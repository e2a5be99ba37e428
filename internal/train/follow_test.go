package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/runlog"
)

// options are those of a short run.
func options(steps int) Options {
	return Options{BatchSize: 1, Accumulation: 1, MaxSteps: steps, LearningRate: 1e-3, Scheduler: "constant", MaxGradNorm: 1}
}

func ignore(StepMetrics) error { return nil }

// names returns the checkpoint folders in dir.
func names(dir string) (list []string) {
	found, _ := filepath.Glob(filepath.Join(dir, "[cf]*"))
	for _, path := range found {
		list = append(list, filepath.Base(path))
	}
	return list
}

// stepsIn returns the steps and losses in the log of a run, and its end.
func stepsIn(t *testing.T, dir string) (list []string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, runlog.Name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(content) {
		var m StepMetrics
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if m.Event == runlog.StepEvent || m.Event == runlog.DoneEvent {
			list = append(list, fmt.Sprintf("%s %d %v", m.Event, m.Step, m.Loss))
		}
	}
	return list
}

// resumed returns the run that continues what is in the output folder.
func resumed(t *testing.T, dir string, opts Options, settings RunSettings) (*Run, Found) {
	t.Helper()
	found, err := Latest(settings.OutputDir)
	if err != nil {
		t.Fatal(err)
	}
	run := tinyRun(t, someWindows(t, dir, 6), opts, settings)
	if found.Dir == "" {
		return run, found
	}
	loaded, err := adapter.Load(found.Dir, tinyConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	run.files = loaded
	if err := errors.Join(uploadAdapter(run), run.Resume(found.Dir, found.State)); err != nil {
		t.Fatal(err)
	}
	return run, found
}

// A run that is killed after random steps, and resumed, ends with the bytes and the metrics of one that was not.
func TestRun_KilledAndResumedEndsTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := options(7)
	settings := func(out string) RunSettings {
		return RunSettings{OutputDir: filepath.Join(dir, out), LoggingSteps: 1, SaveSteps: 2, EvalSteps: 3}
	}
	whole := tinyRun(t, someWindows(t, dir, 6), opts, settings("whole"))
	if err := whole.Train(t.Context(), ignore); err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	killed := errors.New("killed")
	run := tinyRun(t, someWindows(t, dir, 6), opts, settings("killed"))
	for {
		left := random.IntN(4)
		err := run.Train(t.Context(), func(StepMetrics) error {
			if left--; left < 0 {
				return killed
			}
			return nil
		})
		if err == nil {
			break
		}
		if !errors.Is(err, killed) {
			t.Fatal(err)
		}
		// What was being written is cut short.
		path := filepath.Join(dir, "killed", runlog.Name)
		content, _ := os.ReadFile(path)
		if err := os.WriteFile(path, append(content, `{"event":"step","st`...), 0o600); err != nil {
			t.Fatal(err)
		}
		run, _ = resumed(t, dir, opts, settings("killed"))
	}
	for _, file := range []string{adapter.WeightsFile, optimizerFile, stateFile} {
		want, err1 := os.ReadFile(filepath.Join(dir, "whole", finalName, file))
		got, err2 := os.ReadFile(filepath.Join(dir, "killed", finalName, file))
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs (%v):\n%s\n%s", file, err, got, want)
		}
	}
	want, got := stepsIn(t, filepath.Join(dir, "whole")), stepsIn(t, filepath.Join(dir, "killed"))
	if !slices.Equal(got, want) || len(want) != 8 || want[7] != "done 0 0" {
		t.Errorf("metrics are %q, want %q", got, want)
	}
}

// A run that was killed before its first checkpoint starts again with --resume, also where an earlier run is finished.
func TestLatest_KilledBeforeTheFirstCheckpoint(t *testing.T) {
	t.Parallel()
	out := trained(t)
	dir := t.TempDir()
	opts := options(4)
	opts.Seed = 9
	settings := RunSettings{OutputDir: out, LoggingSteps: 1, SaveSteps: 2, RunName: "second"}
	stop := errors.New("killed")
	run := tinyRun(t, someWindows(t, dir, 6), opts, settings)
	if err := run.Train(t.Context(), func(StepMetrics) error { return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	run, found := resumed(t, dir, opts, settings)
	if found.Dir != "" || found.State.Options.Seed != 9 || found.State.RunName != "second" {
		t.Fatalf("resumes from %+v", found)
	}
	// After its first checkpoint, it resumes from that, though the earlier run has more steps.
	n := 0
	if err := run.Train(t.Context(), func(StepMetrics) error {
		if n++; n == 3 {
			return stop
		}
		return nil
	}); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	run, found = resumed(t, dir, opts, settings)
	if filepath.Base(found.Dir) != "checkpoint-2" || found.State.Step != 2 {
		t.Fatalf("resumes from %s", found.Dir)
	}
	if err := run.Train(t.Context(), ignore); err != nil {
		t.Fatal(err)
	}
	if steps := stepsIn(t, out); len(steps) != 5 {
		t.Errorf("metrics are %q", steps)
	}
	// All of the earlier run is in one folder.
	if got := names(filepath.Join(out, "previous-1")); !slices.Equal(got, []string{"checkpoint-1", "checkpoint-2", "checkpoint-3", "checkpoint-4", "final"}) {
		t.Errorf("set aside are %q", got)
	}
	if steps := stepsIn(t, filepath.Join(out, "previous-1")); len(steps) != 6 {
		t.Errorf("earlier metrics are %q", steps)
	}
	if more := archives(out); len(more) != 1 {
		t.Errorf("archives are %q", more)
	}
}

// Old checkpoints are removed, except the newest and the one with the lowest loss. What this run did not write stays.
func TestRun_PrunesCheckpoints(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	run := tinyRun(t, someWindows(t, dir, 6), options(9), RunSettings{OutputDir: out, LoggingSteps: 1, SaveSteps: 1, KeepCheckpoints: 2})
	err := run.Train(t.Context(), func(m StepMetrics) error {
		run.evaluations = append(run.evaluations, Evaluation{Step: m.Step, Loss: []float64{0, 5, 4, 1, 2, 3, 4, 5, 6, 7}[m.Step]})
		if m.Step > 3 {
			if got := names(out); !slices.Contains(got, "checkpoint-3") || !slices.Contains(got, fmt.Sprintf("checkpoint-%d", m.Step-1)) || len(got) > 3 {
				t.Errorf("after step %d there are %q", m.Step, got)
			}
		}
		if m.Step == 9 {
			return os.Mkdir(filepath.Join(out, "checkpoint-50"), 0o700)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(out); !slices.Equal(got, []string{"checkpoint-3", "checkpoint-50", "checkpoint-7", "checkpoint-8", "final"}) {
		t.Errorf("kept are %q", got)
	}
	if s := run.Summary(); s.BestCheckpoint == nil || filepath.Base(*s.BestCheckpoint) != "checkpoint-3" || *s.BestEvalLoss != 1 || *s.BestStep != 3 {
		t.Errorf("%+v", s)
	}
}

// With SaveMinutes, checkpoints come by time too, and each replaces the one before; without room, or once a save fails, the run goes on.
func TestRun_SavesByTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	train := func(out string, change func(*RunSettings)) (seen [][]string) {
		settings := RunSettings{OutputDir: filepath.Join(dir, out), LoggingSteps: 1, SaveSteps: 4, SaveMinutes: 15}
		change(&settings)
		run := tinyRun(t, someWindows(t, dir, 6), options(9), settings)
		clock := time.Now()
		run.now = func() time.Time { return clock }
		if err := run.Train(t.Context(), func(m StepMetrics) error {
			clock = clock.Add(8 * time.Minute) // a step takes 8 minutes
			seen = append(seen, names(settings.OutputDir))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return append(seen, names(settings.OutputDir))
	}
	seen := train("timed", func(*RunSettings) {})
	var all []string
	for _, list := range seen {
		all = append(all, list...)
		if timed := slices.DeleteFunc(slices.Clone(list), func(name string) bool {
			return slices.Contains([]string{"checkpoint-4", "checkpoint-8", "final"}, name)
		}); len(timed) > 1 {
			t.Errorf("more than one by time: %q", list)
		}
	}
	if !slices.Contains(all, "checkpoint-3") && !slices.Contains(all, "checkpoint-2") {
		t.Errorf("none is by time: %q", seen)
	}
	if last := seen[len(seen)-1]; !slices.Equal(last, []string{"checkpoint-4", "checkpoint-8", "final"}) {
		t.Errorf("in the end there are %q", last)
	}
	for _, change := range []func(*RunSettings){func(s *RunSettings) { s.SaveMinutes = 0 }, func(s *RunSettings) { s.NoRoomByTime = true }} {
		out := fmt.Sprint("none", rand.Uint32())
		for _, list := range train(out, change) {
			if slices.ContainsFunc(list, func(name string) bool { return strings.Contains("checkpoint-2 checkpoint-3 checkpoint-6", name) }) {
				t.Errorf("there are %q", list)
			}
		}
	}
}

// Ctrl-C while the held-out windows are evaluated loses neither the step nor the evaluation.
func TestRun_InterruptedEvaluationIsMadeUpFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := RunSettings{OutputDir: filepath.Join(dir, "out"), LoggingSteps: 1, EvalSteps: 2}
	ctx, cancel := context.WithCancel(t.Context())
	run := tinyRun(t, someWindows(t, dir, 6), options(4), settings)
	run.onProgress = func(p Progress) {
		if p.Doing == Stepping && p.Step == 2 {
			cancel()
		}
	}
	var interrupted *InterruptedError
	if err := run.Train(ctx, ignore); !errors.As(err, &interrupted) || interrupted.Step != 1 && interrupted.Step != 2 {
		t.Fatal(err)
	}
	run, _ = resumed(t, dir, options(4), settings)
	if err := run.Train(t.Context(), ignore); err != nil {
		t.Fatal(err)
	}
	if steps := stepsIn(t, settings.OutputDir); len(steps) != 5 || !strings.HasPrefix(steps[1], "step 2") {
		t.Errorf("metrics are %q", steps)
	}
	if e := run.evaluations; len(e) != 2 || e[0].Step != 2 || e[1].Step != 4 || run.baseEvalLoss == nil {
		t.Errorf("evaluations are %v, of the base %v", e, run.baseEvalLoss)
	}
}

// The yardstick of a run that continues an adapter is the base model too, and measuring it leaves the adapter as it was.
func TestRun_MeasuresTheBaseModel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := tinyRun(t, someWindows(t, dir, 6), options(4), RunSettings{OutputDir: filepath.Join(dir, "a"), LoggingSteps: 1, EvalSteps: 1})
	if err := first.Train(t.Context(), ignore); err != nil {
		t.Fatal(err)
	}
	second := tinyRun(t, someWindows(t, dir, 6), options(1), RunSettings{OutputDir: filepath.Join(dir, "b"), LoggingSteps: 1, EvalSteps: 1, ContinueFrom: first.FinalDir()})
	second.files = first.files
	if err := errors.Join(first.downloadAdapter(), uploadAdapter(second)); err != nil {
		t.Fatal(err)
	}
	before, err := second.evaluate(t.Context(), Evaluating)
	if err != nil || *before != first.evaluations[3].Loss {
		t.Fatalf("%v, %v", *before, err)
	}
	if err := second.measureBase(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := second.evaluate(t.Context(), Evaluating)
	if err != nil || *after != *before || *second.baseEvalLoss != *first.baseEvalLoss || *before == *first.baseEvalLoss {
		t.Errorf("%v before, %v after, base %v and %v, %v", *before, *after, *second.baseEvalLoss, *first.baseEvalLoss, err)
	}
}

// Before the first step has ended, the micro-batches are counted.
func TestRun_ReportsMicroBatches(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := options(1)
	opts.Accumulation = 4
	run := tinyRun(t, someWindows(t, dir, 6), opts, RunSettings{OutputDir: filepath.Join(dir, "out"), LoggingSteps: 1})
	var seen []string
	run.onProgress = func(p Progress) {
		if p.Doing == Stepping {
			seen = append(seen, fmt.Sprintf("%d: %d/%d", p.Step, p.Done, p.Total))
		}
	}
	if err := run.Train(t.Context(), ignore); err != nil {
		t.Fatal(err)
	}
	if want := []string{"1: 1/4", "1: 1/4", "1: 2/4", "1: 3/4"}; !slices.Equal(seen, want) {
		t.Errorf("%q", seen)
	}
}

// Without room for all, keeping fewer helps, and a resumed run needs less.
func TestRunSettings_AdditionalCheckpoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ keep, eval, done, total, there, want int }{
		{0, 0, 0, 100, 0, 10}, {2, 0, 0, 100, 0, 3}, {2, 10, 0, 100, 0, 4}, {2, 0, 50, 100, 2, 1}, {2, 0, 50, 100, 1, 2}, {2, 0, 95, 100, 1, 1}, {20, 0, 0, 100, 0, 10},
	} {
		p := RunSettings{SaveSteps: 10, KeepCheckpoints: c.keep, EvalSteps: c.eval}
		if got := p.additional(c.done, c.total, c.there); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// Row "stop early": a run stops when evaluations no longer lower the loss; it goes on if it is resumed with more patience.
func TestRun_StopsEarly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := RunSettings{OutputDir: filepath.Join(dir, "out"), LoggingSteps: 1, SaveSteps: 1, EvalSteps: 1, Patience: 2}
	run := tinyRun(t, someWindows(t, dir, 6), options(9), settings)
	losses := []float64{0, 5, 3, 4, 3, 1, 1, 1, 1, 1}
	fake := func(run *Run) func(m StepMetrics) error {
		return func(m StepMetrics) error {
			run.evaluations[len(run.evaluations)-1].Loss = losses[m.Step]
			return nil
		}
	}
	if err := run.Train(t.Context(), fake(run)); err != nil {
		t.Fatal(err)
	}
	s := run.Summary()
	if run.step != 4 || s.StoppedAfter != 4 || filepath.Base(*s.BestCheckpoint) != "checkpoint-2" {
		t.Fatalf("stopped after step %d: %+v", run.step, s)
	}
	run, found := resumed(t, dir, options(9), settings)
	if err := run.Train(t.Context(), fake(run)); err != nil || found.State.Step != 4 || run.step != 4 {
		t.Errorf("resumed from %d to %d, %v", found.State.Step, run.step, err)
	}
	settings.Patience = 3
	run, _ = resumed(t, dir, options(9), settings)
	if err := run.Train(t.Context(), fake(run)); err != nil || run.step != 8 || filepath.Base(*run.Summary().BestCheckpoint) != "checkpoint-5" {
		t.Errorf("stopped after step %d, %+v, %v", run.step, run.Summary(), err)
	}
}
