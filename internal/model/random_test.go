package model_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

// Weights are normal with standard deviation 0.02, norms are 1, and no two tensors are equal.
func TestWriteRandom_Distribution(t *testing.T) {
	t.Parallel()
	c := small()
	c.HiddenSize, c.VocabSize = 256, 1000
	m, err := model.Open(makeModel(t, model.RandomOptions{Config: c, Seed: 1}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	embedding, _ := m.Tensor(model.EmbedTokens)
	values, err := embedding.Floats()
	if err != nil {
		t.Fatal(err)
	}
	var sum, squares, fourth float64
	for _, v := range values {
		x := float64(v) / 0.02
		sum, squares, fourth = sum+x, squares+x*x, fourth+x*x*x*x
	}
	// Of n normal values the mean's standard error is 1/sqrt(n), the variance's sqrt(2/n), the fourth moment's
	// sqrt(96/n); bf16 rounds each value by at most 1/256 of it, evenly to both sides.
	n := float64(len(values))
	if math.Abs(sum/n) > 5/math.Sqrt(n) || math.Abs(squares/n-1) > 5*math.Sqrt(2/n) || math.Abs(fourth/n-3) > 5*math.Sqrt(96/n) {
		t.Errorf("mean %g, variance %g, fourth moment %g of %g values", sum/n, squares/n, fourth/n, n)
	}
	seen := map[string]string{}
	for _, spec := range model.RequiredTensors(m.Config) {
		v, _ := m.Tensor(spec.Name)
		if strings.HasSuffix(spec.Name, "norm.weight") {
			for _, x := range must(v.Floats()) {
				if x != 1 {
					t.Fatalf("%s has %g", spec.Name, x)
				}
			}
			continue
		}
		start := string(v.Data[:64])
		if other, ok := seen[start]; ok {
			t.Errorf("%s begins as %s does", spec.Name, other)
		}
		seen[start] = spec.Name
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The seed determines every byte, whatever the number of processors.
func TestWriteRandom_Seed(t *testing.T) {
	c := small()
	c.HiddenSize = 1022 // so that pieces end within a group of four values
	one := string(read(t, filepath.Join(makeModel(t, model.RandomOptions{Config: c, Seed: 1}), model.WeightsFile)))
	old := runtime.GOMAXPROCS(5)
	again := string(read(t, filepath.Join(makeModel(t, model.RandomOptions{Config: c, Seed: 1}), model.WeightsFile)))
	runtime.GOMAXPROCS(old)
	other := string(read(t, filepath.Join(makeModel(t, model.RandomOptions{Config: c, Seed: 2}), model.WeightsFile)))
	if one != again || one == other {
		t.Errorf("same seed alike: %v, other seed alike: %v", one == again, one == other)
	}
}

func TestWriteRandom_Progress(t *testing.T) {
	t.Parallel()
	var done int64
	makeModel(t, model.RandomOptions{Config: small(), Progress: func(n int64) { done += n }})
	if done != 2*small().Parameters() {
		t.Errorf("%d of %d", done, 2*small().Parameters())
	}
}

// A folder that is not empty stays untouched, and an interrupted run leaves none.
func TestWriteRandom_KeepsExistingFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := model.WriteRandom(context.Background(), dir, model.RandomOptions{Config: small()}); err == nil || usererr.Of(err) == "" {
		t.Errorf("folder in use: %v", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
	parent := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	err := model.WriteRandom(ctx, filepath.Join(parent, "m"), model.RandomOptions{Config: small(), Progress: func(int64) { cancel() }})
	if entries, _ := os.ReadDir(parent); !errors.Is(err, context.Canceled) || len(entries) != 0 {
		t.Errorf("interrupted: %v, left %v", err, entries)
	}
}

// A model that does not fit on the disk is rejected before anything is written.
func TestWriteRandom_NoSpace(t *testing.T) {
	t.Parallel()
	c := small()
	c.VocabSize, c.HiddenSize = 1<<22, 1<<22
	parent := t.TempDir()
	err := model.WriteRandom(context.Background(), filepath.Join(parent, "m"), model.RandomOptions{Config: c})
	if entries, _ := os.ReadDir(parent); err == nil || !strings.Contains(err.Error(), "are needed") || usererr.Of(err) == "" || len(entries) != 0 {
		t.Errorf("%v, hint %q, left %v", err, usererr.Of(err), entries)
	}
}

// The shapes have the numbers of parameters that Hugging Face shows.
func TestShapeConfig(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int64{
		"qwen3-0.6b": 596_049_920, "1.7B": 1_720_574_976, "qwen3-4b": 4_022_468_096, "Qwen3-8B": 8_190_735_360,
	} {
		c, err := model.ShapeConfig(name)
		if err != nil || c.Parameters() != want {
			t.Errorf("%s: %d parameters, want %d, %v", name, c.Parameters(), want, err)
		}
	}
	if _, err := model.ShapeConfig("7b"); !errors.Is(err, usererr.ErrUsage) || !strings.Contains(usererr.Of(err), "qwen3-8b") {
		t.Error(err)
	}
	if c, err := model.ShapeConfig("tiny"); err != nil || c.Parameters() > 10_000_000 {
		t.Errorf("%+v, %v", c, err)
	}
}

func BenchmarkWriteRandom(b *testing.B) {
	c, err := model.ShapeConfig("qwen3-0.6b")
	if err != nil {
		b.Fatal(err)
	}
	c.Layers = 4
	b.SetBytes(2 * c.Parameters())
	for range b.N {
		dir := filepath.Join(b.TempDir(), "m")
		if err := model.WriteRandom(context.Background(), dir, model.RandomOptions{Config: c}); err != nil {
			b.Fatal(err)
		}
	}
}
