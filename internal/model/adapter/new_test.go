package adapter_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/usererr"
)

func options(t *testing.T, targets string) adapter.Options {
	t.Helper()
	list, err := adapter.ParseTargets(targets)
	if err != nil {
		t.Fatal(err)
	}
	return adapter.Options{R: 64, Alpha: 128, Dropout: 0.1, Targets: list, BaseModel: "tiny"}
}

// A is uniform within 1/sqrt(in), which is Kaiming-uniform with a = sqrt(5); B is zero.
func TestNew_Distribution(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.HiddenSize, c.IntermediateSize = 100, 400
	a, err := adapter.New(c, options(t, "all"), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, pairs := range a.Layers {
		for i, pair := range pairs {
			bound := 1 / math.Sqrt(float64(pair.In))
			var sum, squares, largest float64
			for _, v := range pair.A {
				sum += float64(v)
				squares += float64(v) * float64(v)
				largest = max(largest, math.Abs(float64(v)))
			}
			n := float64(len(pair.A))
			// Of n uniform values the mean lies within 5 of its standard errors; the variance is bound^2/3, and its
			// estimate's standard error bound^2 sqrt(4/45/n).
			if math.Abs(sum/n) > 5*bound/math.Sqrt(3*n) || math.Abs(squares/n-bound*bound/3) > 5*bound*bound*math.Sqrt(4.0/45/n) {
				t.Errorf("%s: mean %g, variance %g, bound %g", a.Targets[i].Short, sum/n, squares/n, bound)
			}
			if largest > bound*(1+1e-6) || largest < bound*0.98 {
				t.Errorf("%s: largest %g, bound %g", a.Targets[i].Short, largest, bound)
			}
			if slices.ContainsFunc(pair.B, func(v float32) bool { return v != 0 }) || len(pair.B) != pair.Out*64 {
				t.Errorf("%s: B is not zero", a.Targets[i].Short)
			}
		}
	}
}

// The seed determines A, a projection's A does not depend on the other targets, and no two pairs are equal.
func TestNew_Seed(t *testing.T) {
	t.Parallel()
	all, _ := adapter.New(base(t), options(t, "all"), 5)
	again, _ := adapter.New(base(t), options(t, "all"), 5)
	other, _ := adapter.New(base(t), options(t, "all"), 6)
	down, _ := adapter.New(base(t), options(t, "down"), 5)
	last := len(all.Targets) - 1
	if !slices.Equal(all.Layers[1][last].A, again.Layers[1][last].A) || !slices.Equal(all.Layers[1][last].A, down.Layers[1][0].A) {
		t.Error("the same seed gave another A")
	}
	if slices.Equal(all.Layers[1][last].A, other.Layers[1][last].A) || slices.Equal(all.Layers[0][last].A, all.Layers[1][last].A) {
		t.Error("another seed or layer gave the same A")
	}
	if slices.Equal(all.Layers[0][1].A, all.Layers[0][2].A) {
		t.Error("k and v have the same A")
	}
}

// Two writes have the same bytes, and a write replaces the whole folder.
func TestAdapter_WritesTheSameBytes(t *testing.T) {
	t.Parallel()
	a, err := adapter.New(base(t), options(t, "q,down"), 3)
	if err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	if err := errors.Join(save(a, first), save(a, second), save(a, second)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{adapter.ConfigFile, adapter.WeightsFile} {
		if !bytes.Equal(read(t, filepath.Join(first, name)), read(t, filepath.Join(second, name))) {
			t.Errorf("%s differs", name)
		}
	}
	entries, err := os.ReadDir(second)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
	loaded, err := adapter.Load(first, base(t))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(loaded.Targets, a.Targets) || loaded.Dropout != 0.1 || loaded.BaseModel != "tiny" || loaded.Alpha != 128 {
		t.Errorf("%+v", loaded.Config)
	}
}

// A failed write keeps the old files, and leaves nothing next to them.
func TestAdapter_WriteFailureKeepsOldFiles(t *testing.T) {
	t.Parallel()
	a, err := adapter.New(base(t), options(t, "q"), 3)
	if err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "final")
	if err := save(a, dir); err != nil {
		t.Fatal(err)
	}
	before := read(t, filepath.Join(dir, adapter.WeightsFile))
	a.Layers[1][0].B = a.Layers[1][0].B[1:] // one value short of its shape
	if err := save(a, dir); err == nil || !strings.Contains(err.Error(), "layers.1.self_attn.q_proj.lora_B") {
		t.Fatalf("error %v", err)
	}
	if !bytes.Equal(before, read(t, filepath.Join(dir, adapter.WeightsFile))) {
		t.Error("the old adapter was changed")
	}
	if entries, _ := os.ReadDir(parent); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestNew_Rejects(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(o *adapter.Options){
		"rank 0":      func(o *adapter.Options) { o.R = 0 },
		"alpha 0":     func(o *adapter.Options) { o.Alpha = 0 },
		"alpha NaN":   func(o *adapter.Options) { o.Alpha = math.NaN() },
		"dropout 1":   func(o *adapter.Options) { o.Dropout = 1 },
		"dropout -1":  func(o *adapter.Options) { o.Dropout = -1 },
		"no targets":  func(o *adapter.Options) { o.Targets = nil },
		"dropout NaN": func(o *adapter.Options) { o.Dropout = math.NaN() },
	} {
		o := options(t, "q")
		change(&o)
		if _, err := adapter.New(base(t), o, 1); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestParseTargets(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{"down,q": "q,down", "q_proj, v": "q,v", "all": "q,k,v,o,gate,up,down", "k,k": "k"} {
		got, err := adapter.ParseTargets(list)
		if names := shortNames(got); err != nil || names != want {
			t.Errorf("%q gave %s, %v", list, names, err)
		}
	}
	for _, list := range []string{"", "q,", "lm_head", "Q"} {
		if _, err := adapter.ParseTargets(list); !errors.Is(err, usererr.ErrUsage) {
			t.Errorf("%q: %v", list, err)
		}
	}
}

func shortNames(targets []model.Projection) string {
	var names []string
	for _, p := range targets {
		names = append(names, p.Short)
	}
	return strings.Join(names, ",")
}

func TestConfig_Scale(t *testing.T) {
	t.Parallel()
	plain := adapter.Config{R: 16, Alpha: 32}
	stabilized := adapter.Config{R: 16, Alpha: 32, RSLoRA: true}
	if plain.Scale() != 2 || stabilized.Scale() != 8 {
		t.Errorf("%g and %g", plain.Scale(), stabilized.Scale())
	}
}

// Whatever adapter_config.json says, loading returns an adapter that fits the base, or an error.
func FuzzAdapterConfig(f *testing.F) {
	for _, name := range []string{"all", "rslora-bf16", "pattern-f16", "lookahead", "exclude", "whole-names", "repeat", "some-layers", "no-layer", "rank-pattern", "alpha-pattern"} {
		f.Add(read(f, filepath.Join("testdata", name, adapter.ConfigFile)))
	}
	for _, c := range loadCases(f).Refused {
		f.Add([]byte(c.Config))
	}
	weights := read(f, "testdata/all/"+adapter.WeightsFile)
	config := base(f)
	dir := f.TempDir()
	write(f, filepath.Join(dir, adapter.WeightsFile), weights)
	f.Fuzz(func(t *testing.T, content []byte) {
		write(t, filepath.Join(dir, adapter.ConfigFile), content)
		a, err := adapter.Load(dir, config)
		if err != nil {
			return
		}
		if a.R != 4 || len(a.Layers) != config.Layers || !(a.Scale() > 0) {
			t.Fatalf("%+v was accepted", a.Config)
		}
	})
}
