package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// narrow is a list that runs out of memory after some windows.
type narrow struct {
	windows.List
	left int
}

func (n *narrow) Window(i int) (*windows.Window, error) {
	if n.left--; n.left < 0 {
		return nil, fmt.Errorf("no room for a window: %w", engine.ErrNoMemory)
	}
	return n.List.Window(i)
}

// A run that runs out of memory is saved as it was before the step, and the error names the checkpoint.
func TestRun_SavesWhenMemoryRunsOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := &narrow{List: someWindows(t, dir, 6), left: 6 + 2*2 + 1} // read once before, then two steps and a half
	opts := Options{BatchSize: 1, Accumulation: 2, MaxSteps: 4, LearningRate: 1e-3, Scheduler: "constant", MaxGradNorm: 1}
	pace := RunSettings{OutputDir: filepath.Join(dir, "out"), LoggingSteps: 1}
	run := tinyRun(t, source, opts, pace)

	err := run.Train(t.Context(), func(StepMetrics) error { return nil })
	if !errors.Is(err, engine.ErrNoMemory) {
		t.Fatalf("the error is %v", err)
	}
	saved := filepath.Join(pace.OutputDir, "checkpoint-2")
	if !strings.Contains(usererr.Of(err), saved) {
		t.Errorf("hint %q does not name %s", usererr.Of(err), saved)
	}
	latest, err := Latest(pace.OutputDir)
	if err != nil || latest.Dir != saved || latest.State.Step != 2 {
		t.Errorf("the latest checkpoint is %q at step %d: %v", latest.Dir, latest.State.Step, err)
	}
}

func someWindows(t *testing.T, dir string, count int) windows.List {
	t.Helper()
	var lines strings.Builder
	for i := range count {
		fmt.Fprintf(&lines, `{"text": "{\"type\": \"dm\", \"members\": [\"Ada\", \"Ben\"], \"start\": \"2024-03-15\"}\n`+
			`{\"name\": \"Ada\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"hey %d\"}\n"}`+"\n", i)
	}
	path := filepath.Join(dir, "windows.jsonl")
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := windows.OpenFile(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	return source
}

// tinyRun returns a run on the embedded model.
func tinyRun(t *testing.T, source windows.List, opts Options, pace RunSettings) *Run {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	from, err := model.Resolve(model.Tiny)
	must(err)
	files, err := from.Open()
	must(err)
	t.Cleanup(func() { files.Close() })
	encoder, err := load.Tokenizer(files)
	must(err)
	data, err := ReadData(t.Context(), source, encoder, 512, 0, func() {})
	must(err)
	device, err := engine.OpenCPU(1)
	must(err)
	t.Cleanup(device.Close)
	onDevice, err := load.Model(device, files, engine.F32, engine.Plain, true)
	must(err)
	t.Cleanup(onDevice.Close)
	weights, err := adapter.New(files.Config, adapter.Config{R: 2, Alpha: 4, Targets: model.Projections, BaseModel: model.Tiny}, 1)
	must(err)
	loaded, err := load.Adapter(onDevice, weights)
	must(err)
	t.Cleanup(loaded.Close)
	trainer, err := onDevice.NewTrainer(loaded, data.Limits(opts), true)
	must(err)
	t.Cleanup(trainer.Close)
	run, err := NewRun(opts, pace, data, Handles{Base: "tiny's", Model: onDevice, Adapter: loaded, Trainer: trainer, Files: weights})
	must(err)
	return run
}

func tinyConfig(t *testing.T) model.Config {
	t.Helper()
	config, err := model.ShapeConfig(model.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// uploadAdapter writes the matrices of the run's files into the engine.
func uploadAdapter(r *Run) error {
	return load.EachPair(r.files, func(layer int, target engine.Target, p *adapter.Pair) error {
		return r.adapter.Write(layer, target, p.A, p.B)
	})
}
