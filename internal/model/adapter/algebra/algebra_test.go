package algebra_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/adapter/algebra"
	"ventriloquist/internal/model/safetensors"
)

const adapters = "../testdata"

// cases holds results of PEFT and numpy; scripts/make_adapter_algebra_cases.py writes it.
type cases struct {
	Sums map[string][]struct {
		Adapter string
		Weight  float64
	}
	Low map[string]struct {
		Adapter     string
		Rank        int
		Loss, Worst float64
	}
	Pairs []struct {
		A, B   string
		Layers [][]*float64
		All    []*float64
	}
}

func loadCases(t *testing.T) (c cases) {
	t.Helper()
	content, err := os.ReadFile("testdata/cases.json")
	if err == nil {
		err = json.Unmarshal(content, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func open(t *testing.T, name string) *adapter.Adapter {
	t.Helper()
	a, err := adapter.Open(filepath.Join(adapters, name))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// changes returns scale B A by the name of the module.
func changes(a *adapter.Adapter) map[string][]float64 {
	all := map[string][]float64{}
	for layer := range a.Layers {
		for _, p := range a.Targets {
			pair := a.Pair(layer, p)
			if pair == nil {
				continue
			}
			change := make([]float64, pair.Out*pair.In)
			for i := range change {
				for k := range a.R {
					change[i] += a.Scale() * float64(pair.B[i/pair.In*a.R+k]) * float64(pair.A[k*pair.In+i%pair.In])
				}
			}
			all[strings.TrimSuffix(model.LayerTensor(layer, p.Module), ".weight")] = change
		}
	}
	return all
}

// wantChanges compares an adapter's changes with those in a file, within the rounding of float32.
func wantChanges(t *testing.T, a *adapter.Adapter, file string) {
	t.Helper()
	want, err := safetensors.Open(filepath.Join("testdata", file+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	got := changes(a)
	if len(got) != len(want.Names()) {
		t.Errorf("%s: %d modules, want %d", file, len(got), len(want.Names()))
	}
	for _, module := range want.Names() {
		tensor, _ := want.Tensor(module)
		values, err := tensor.Floats()
		if err != nil || len(values) != len(got[module]) {
			t.Fatalf("%s, %s: %d values, want %d: %v", file, module, len(got[module]), len(values), err)
		}
		for i, v := range values {
			if math.Abs(got[module][i]-float64(v)) > 4e-7*(1+math.Abs(float64(v))) {
				t.Fatalf("%s, %s[%d]: %g, want %g", file, module, i, got[module][i], v)
			}
		}
	}
}

// A sum changes the weights as PEFT's sum does, whatever the ranks, scales and targets of its terms, also once it was saved.
func TestSum_ChangesWhatTheTermsChange(t *testing.T) {
	t.Parallel()
	for name, terms := range loadCases(t).Sums {
		var parts []adapter.Part
		for _, term := range terms {
			parts = append(parts, adapter.Part{Dir: filepath.Join(adapters, term.Adapter), Weight: term.Weight})
		}
		opened, err := adapter.OpenSum(parts)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := adapter.Sum(opened)
		if err != nil {
			t.Fatal(err)
		}
		wantChanges(t, sum, name)
		dir := filepath.Join(t.TempDir(), name)
		if err := atomicfile.WriteDir(dir, sum.WriteFiles); err != nil {
			t.Fatal(err)
		}
		saved, err := adapter.Open(dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wantChanges(t, saved, name)
	}
}

// The adapter of a lower rank is numpy's truncated singular value decomposition, and its error is said.
func TestLowRank_IsTheNearest(t *testing.T) {
	t.Parallel()
	for name, c := range loadCases(t).Low {
		low, loss, err := algebra.LowRank(t.Context(), open(t, c.Adapter), c.Rank, nil)
		if err != nil {
			t.Fatal(err)
		}
		if low.R != c.Rank {
			t.Errorf("%s: rank %d", name, low.R)
		}
		wantChanges(t, low, name)
		if math.Abs(loss.All-c.Loss) > 1e-9 || math.Abs(loss.Worst-c.Worst) > 1e-9 {
			t.Errorf("%s: loss %g and %g, want %g and %g", name, loss.All, loss.Worst, c.Loss, c.Worst)
		}
	}
}

func TestCompare_NormsAndCosines(t *testing.T) {
	t.Parallel()
	for _, want := range loadCases(t).Pairs {
		got, err := algebra.Compare(t.Context(), open(t, want.A), open(t, want.B), nil)
		if err != nil {
			t.Fatal(err)
		}
		for layer, w := range append(want.Layers, want.All) {
			d := got.All
			if layer < len(got.Layers) {
				d = got.Layers[layer]
			}
			for i, v := range []float64{d.A, d.B, d.Difference, d.Cosine} {
				if w[i] == nil && math.IsNaN(v) {
					continue
				}
				if w[i] == nil || math.Abs(v-*w[i]) > 1e-9*(1+math.Abs(v)) {
					t.Errorf("%s and %s, layer %d, value %d: %g", want.A, want.B, layer, i, v)
				}
			}
		}
	}
}

// The difference of nearly equal adapters is exact: that of rounding is seen, and none of the same.
func TestCompare_SmallDifferences(t *testing.T) {
	t.Parallel()
	a, b := open(t, "all"), open(t, "all")
	same, err := algebra.Compare(t.Context(), a, b, nil)
	if err != nil || same.All.Difference != 0 {
		t.Fatalf("the same adapter differs by %g, %v", same.All.Difference, err)
	}
	pair := &b.Layers[0][0]
	old := pair.B[0]
	pair.B[0] = math.Nextafter32(old, 10)
	var row float64 // the norm of A's first row
	for _, v := range pair.A[:pair.In] {
		row += float64(v) * float64(v)
	}
	want := b.Scale() * (float64(pair.B[0]) - float64(old)) * math.Sqrt(row)
	got, err := algebra.Compare(t.Context(), a, b, nil)
	if err != nil || math.Abs(got.All.Difference-want) > 1e-6*want {
		t.Errorf("difference %g, want %g, %v", got.All.Difference, want, err)
	}
}

func TestNorms_ByProjection(t *testing.T) {
	t.Parallel()
	a := open(t, "first-layer")
	norms, err := algebra.Norms(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	for layer := range norms {
		for i, p := range model.Projections {
			change, has := changes(a)[strings.TrimSuffix(model.LayerTensor(layer, p.Module), ".weight")]
			var sum float64
			for _, v := range change {
				sum += v * v
			}
			if got := norms[layer][i]; has == math.IsNaN(got) || has && math.Abs(got-math.Sqrt(sum)) > 1e-12*(1+got) {
				t.Errorf("layer %d %s: %g, want %g", layer, p.Name, got, math.Sqrt(sum))
			}
		}
	}
}
