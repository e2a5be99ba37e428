package train

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/model/adapter"
)

// runWithLosses runs as many steps as there are losses, and evaluates after each with the loss given instead of the measured one.
func runWithLosses(t *testing.T, run *Run, losses []float64) {
	t.Helper()
	err := run.Train(t.Context(), func(m StepMetrics) error {
		run.evaluations = append(run.evaluations, Evaluation{Step: m.Step, Loss: losses[m.Step-1]})
		if m.Step < len(losses) {
			run.keepBest()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func weightsIn(t *testing.T, dir string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, adapter.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func newBestRun(t *testing.T, dir string, steps int) *Run {
	t.Helper()
	return tinyRun(t, someWindows(t, dir, 6), options(steps), RunSettings{OutputDir: filepath.Join(dir, "out"), LoggingSteps: 1, SaveSteps: 1})
}

// The folder best has the adapter as it was after the step with the lowest loss, and is what commands use.
func TestRun_KeepsBest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	runWithLosses(t, newBestRun(t, dir, 4), []float64{3, 1, 2, 4})
	if !bytes.Equal(weightsIn(t, filepath.Join(out, bestName)), weightsIn(t, filepath.Join(out, "checkpoint-2"))) {
		t.Error("best is not the adapter of step 2")
	}
	u := UsableAdapter(out)
	if filepath.Base(u.Dir) != bestName || u.Better.Step != 2 || u.AtEnd == nil || *u.AtEnd != 4 || u.Step != 4 || !u.Finished {
		t.Errorf("to be used is %+v", u)
	}
	if _, err := ReadState(filepath.Join(out, bestName)); err != nil {
		t.Error(err)
	}
	if _, err := adapter.Load(filepath.Join(out, bestName), tinyConfig(t)); err != nil {
		t.Error(err)
	}
}

// If the finished adapter is the best, it is there as best too, and is used under its own name.
func TestRun_FinishedIsBest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	runWithLosses(t, newBestRun(t, dir, 3), []float64{3, 2, 1})
	if !bytes.Equal(weightsIn(t, filepath.Join(out, bestName)), weightsIn(t, filepath.Join(out, finalName))) {
		t.Error("best is not the finished adapter")
	}
	if u := UsableAdapter(out); filepath.Base(u.Dir) != finalName || u.Better != nil {
		t.Errorf("to be used is %+v", u)
	}
}

// The best adapter of an earlier run moves with its finished one, and is not taken for that of the new run.
func TestRun_SetsAsideEarlierBest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	runWithLosses(t, newBestRun(t, dir, 3), []float64{1, 2, 3})
	want := weightsIn(t, filepath.Join(out, bestName))
	// The second run evaluates nothing.
	if err := newBestRun(t, dir, 2).Train(t.Context(), ignore); err != nil {
		t.Fatal(err)
	}
	if u := UsableAdapter(out); filepath.Base(u.Dir) != finalName {
		t.Errorf("to be used is %+v", u)
	}
	previous := filepath.Join(out, "previous-1")
	if !bytes.Equal(weightsIn(t, filepath.Join(previous, bestName)), want) {
		t.Error("the earlier best adapter is not what it was")
	}
	if u := UsableAdapter(previous); filepath.Base(u.Dir) != bestName {
		t.Errorf("of the earlier run, %+v is to be used", u)
	}
}

// Of a run that was stopped, the best adapter so far is used.
func TestUsableAdapter_OfUnfinishedRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run, stop := newBestRun(t, dir, 4), errors.New("stop")
	err := run.Train(t.Context(), func(m StepMetrics) error {
		run.evaluations = append(run.evaluations, Evaluation{Step: m.Step, Loss: 1})
		run.keepBest()
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	u := UsableAdapter(filepath.Join(dir, "out"))
	if filepath.Base(u.Dir) != bestName || u.Finished || u.Step != 1 || u.TotalSteps != 4 {
		t.Errorf("to be used is %+v", u)
	}
	if u := UsableAdapter(t.TempDir()); u.Dir != "" {
		t.Errorf("in an empty folder, to be used is %+v", u)
	}
}

func TestOverfitting_NeedsBothLosses(t *testing.T) {
	t.Parallel()
	curve := func(pairs ...float64) (list []Evaluation) { // held-out, training
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, Evaluation{Step: i, Loss: pairs[i], TrainLoss: &pairs[i+1]})
		}
		return list
	}
	for name, c := range map[string]struct {
		list []Evaluation
		want int // evaluations since the lowest
	}{
		"none":                     {nil, 0},
		"falls":                    {curve(3, 3, 2, 2, 1, 1), 0},
		"two above":                {curve(1, 3, 2, 2, 3, 1), 0},
		"rises":                    {curve(2, 4, 1, 3, 1.1, 2, 1.2, 1.5, 1.3, 1), 3},
		"rises for long":           {curve(1, 3, 1.1, 2, 1.2, 1.5, 1.3, 1, 1.4, 0.5), 4},
		"training loss rises too":  {curve(1, 3, 2, 4, 3, 5, 4, 6), 0},
		"above, but falling again": {curve(1, 3, 2, 2, 1.5, 1.5, 1.2, 1), 0},
	} {
		got := 0
		if o := overfitting(c.list); o != nil {
			got = o.Evaluations
		}
		if got != c.want {
			t.Errorf("%s: %d evaluations, want %d", name, got, c.want)
		}
	}
}
