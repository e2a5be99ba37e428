// Command quality measures how much precision each compute precision and weight format loses, and prints a table:
//
//	go run ./scripts/bench/quality            (needs bin/vqctl)
//
// The model is the built-in one, on the held-out windows of the demo. The loss is that of `vqctl evaluate`. The errors are
// relative to f32 in the 2-norm: of the logits (less each row's mean, on which no probability depends) and of the gradients of a
// new adapter. Nothing is random: tables of different machines differ only by the order of sums.
package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
	"ventriloquist/internal/demo"
	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/tokenizer"
	"ventriloquist/internal/windows"
)

// How the logits are sampled: after this many parts of this many windows.
const (
	sampledWindows = 32
	sampledParts   = 8
	maxTokens      = 1536
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "quality:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	source, closeSource, err := demoWindows(ctx)
	if err != nil {
		return err
	}
	defer closeSource()
	base, err := model.Resolve(demo.Base)
	if err != nil {
		return err
	}
	files, err := base.Open()
	if err != nil {
		return err
	}
	defer files.Close()
	encoder, err := load.Tokenizer(files)
	if err != nil {
		return err
	}
	_, heldOut := windows.Split(source)
	fmt.Printf("%d windows held out\n\n", len(heldOut))
	fmt.Println("| products | weights | loss | against f32 | error of the logits | same likeliest token | error of the gradients |")
	fmt.Println("|---|---|---|---|---|---|---|")
	subject := subject{files, source, heldOut, encoder}
	var reference *result
	for _, precision := range []engine.DType{engine.F32, engine.BF16} {
		for _, format := range []engine.WeightFormat{engine.Plain, engine.FP8, engine.FP8GEMM, engine.Int8, engine.NF4} {
			r, err := subject.measure(ctx, precision, format)
			if err != nil {
				return err
			}
			if reference == nil {
				reference = r
			}
			wrong, same := r.against(reference)
			kept := format.String()
			if format == engine.Plain {
				kept = precision.String()
			}
			fmt.Printf("| %s | %s | %.4f | %+.4f | %.2f%% | %.1f%% | %.1f%% |\n", precision, kept, r.loss, r.loss-reference.loss, 100*wrong, 100*same,
				100*apart(r.gradients, reference.gradients))
		}
	}
	return nil
}

// demoWindows makes the demo's windows in a temporary folder with the demo's own commands.
func demoWindows(ctx context.Context) (windows.List, func(), error) {
	program, err := filepath.Abs("bin/vqctl")
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "quality")
	if err != nil {
		return nil, nil, err
	}
	remove := func() { os.RemoveAll(dir) }
	lines, err := demo.Chat()
	if err == nil {
		err = demo.WriteFolder(dir, lines)
	}
	for _, step := range demo.Steps()[:2] {
		if err != nil {
			break
		}
		cmd := exec.CommandContext(ctx, program, step.Args...)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		err = cmd.Run()
	}
	if err != nil {
		remove()
		return nil, nil, err
	}
	source, err := windows.OpenFile(ctx, filepath.Join(dir, "data", "training_windows.jsonl"), nil)
	if err != nil {
		remove()
		return nil, nil, err
	}
	return source, func() { source.Close(); remove() }, nil
}

// subject holds the model and the windows that every precision is measured on.
type subject struct {
	base    *model.Model
	source  windows.List
	heldOut []int
	encoder *tokenizer.Tokenizer
}

type result struct {
	loss   float64
	logits [][]float32

	gradients []float32
}

func (s *subject) measure(ctx context.Context, precision engine.DType, format engine.WeightFormat) (*result, error) {
	device, err := engine.OpenCPU(0)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	m, err := load.Model(device, s.base, precision, format, false)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	set, err := evaluate.NewSet(ctx, s.source, s.heldOut, s.encoder, maxTokens, nil)
	if err != nil {
		return nil, err
	}
	trainer, err := m.NewTrainer(nil, set.Limits(), false)
	if err != nil {
		return nil, err
	}
	defer trainer.Close()
	scores, err := set.Score(ctx, trainer, nil)
	if err != nil {
		return nil, err
	}
	r := &result{loss: scores.All.Loss()}
	if r.logits, err = s.logits(m); err != nil {
		return nil, err
	}
	r.gradients, err = s.gradients(device, precision, format)
	return r, err
}

func (s *subject) logits(m *engine.Model) ([][]float32, error) {
	session, err := m.NewSession(nil, maxTokens, 1)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	reader := batch.NewReader(s.source, s.encoder, maxTokens)
	var all [][]float32
	for _, i := range s.heldOut[:min(sampledWindows, len(s.heldOut))] {
		w, err := reader.Read(i)
		if err != nil {
			return nil, err
		}
		for part := range sampledParts {
			ids := w.IDs[len(w.IDs)*part/sampledParts : len(w.IDs)*(part+1)/sampledParts]
			row := make([]float32, m.Config().Vocab)
			if err := session.Prefill(0, ids, row); err != nil {
				return nil, err
			}
			all = append(all, row)
		}
		if err := session.Truncate(0, 0); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// against compares logits: the relative error, and the share of rows with the same argmax.
func (r *result) against(want *result) (wrong, same float64) {
	var apart, length float64
	for i, row := range r.logits {
		got, expected := centered(row), centered(want.logits[i])
		for j := range got {
			apart += (got[j] - expected[j]) * (got[j] - expected[j])
			length += expected[j] * expected[j]
		}
		if largest(got) == largest(expected) {
			same++
		}
	}
	return math.Sqrt(apart / length), same / float64(len(r.logits))
}

func centered(row []float32) []float64 {
	var mean float64
	for _, x := range row {
		mean += float64(x) / float64(len(row))
	}
	out := make([]float64, len(row))
	for i, x := range row {
		out[i] = float64(x) - mean
	}
	return out
}

func largest(row []float64) int {
	best := 0
	for i, x := range row {
		if x > row[best] {
			best = i
		}
	}
	return best
}
