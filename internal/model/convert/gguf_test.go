package convert_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/convert"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/usererr"
)

func openBase(t testing.TB, name string) *model.Model {
	t.Helper()
	location, err := model.Resolve(name)
	if err != nil {
		t.Fatal(err)
	}
	base, err := location.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { base.Close() })
	return base
}

func floatsOf(t testing.TB, m *model.Model, name string) []float32 {
	t.Helper()
	view, err := m.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	values, err := view.Floats()
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// A file of each type reads back as the same model: settings, ids of texts, and weights within the type's precision.
func TestWriteGGUF_ReadsBack(t *testing.T) {
	t.Parallel()
	tiny := openBase(t, model.Tiny)
	tokenizer, err := load.Tokenizer(tiny)
	if err != nil {
		t.Fatal(err)
	}
	const text = "{\"name\": \"Aidan\", \"text\": \"Grüße, don't 2024\u0301 🙂\"}\n<|im_end|><think> x</think>  \n<|endoftext|>"
	for kind, tolerance := range map[gguf.Type]float64{gguf.F32: 0, gguf.F16: 1e-7, gguf.BF16: 0, gguf.Q8_0: 1.0 / 127} {
		path := filepath.Join(t.TempDir(), "tiny.gguf")
		if err := (convert.Source{Base: tiny}).WriteGGUF(t.Context(), path, kind); err != nil {
			t.Fatal(kind, err)
		}
		back := openBase(t, path)
		want, got := tiny.Config, back.Config
		want.DType, got.DType = "", ""
		if got.EOSTokenIDs = slices.Clone(got.EOSTokenIDs); !slices.Equal(got.EOSTokenIDs, want.EOSTokenIDs) {
			t.Errorf("%s: texts end with %v, not %v", kind, got.EOSTokenIDs, want.EOSTokenIDs)
		}
		got.EOSTokenIDs, want.EOSTokenIDs = nil, nil
		if got.HiddenSize != want.HiddenSize || got.RopeTheta != want.RopeTheta || got.RMSNormEps != want.RMSNormEps ||
			got.Parameters() != want.Parameters() || got.TieEmbeddings != want.TieEmbeddings || got.MaxPositions != want.MaxPositions {
			t.Errorf("%s: the settings are %+v, not %+v", kind, got, want)
		}
		again, err := load.Tokenizer(back)
		if err != nil {
			t.Fatal(kind, err)
		}
		if got, want := again.Encode(text), tokenizer.Encode(text); !slices.Equal(got, want) {
			t.Errorf("%s: the ids are %v, not %v", kind, got, want)
		}
		for _, spec := range model.RequiredTensors(tiny.Config) {
			compare(t, kind, spec, floatsOf(t, tiny, spec.Name), floatsOf(t, back, spec.Name), tolerance)
		}
	}
}

// compare compares the values of a tensor, relative to the largest of each block of 32.
func compare(t *testing.T, kind gguf.Type, spec model.TensorSpec, want, got []float32, tolerance float64) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%s: %s has %d values, not %d", kind, spec.Name, len(got), len(want))
	}
	if len(spec.Shape) == 1 {
		tolerance = 0 // norms are f32
	}
	largest := 0.0
	for i := range want {
		if i%32 == 0 {
			largest = 0
			for _, v := range want[i:min(i+32, len(want))] {
				largest = max(largest, math.Abs(float64(v)))
			}
		}
		if difference := math.Abs(float64(got[i]) - float64(want[i])); !(difference <= tolerance*largest+1e-7*math.Min(1, tolerance*1e9)) {
			t.Fatalf("%s: %s[%d] is %g, not %g", kind, spec.Name, i, got[i], want[i])
		}
	}
}

// The merged weights are W + scale B A, also for rank stabilization, an alpha unlike twice the rank and some of the targets.
func TestWriteGGUF_MergesAdapter(t *testing.T) {
	t.Parallel()
	tiny := openBase(t, model.Tiny)
	a := newAdapter(t, tiny)
	path := filepath.Join(t.TempDir(), "merged.gguf")
	if err := (convert.Source{Base: tiny, Adapter: a}).WriteGGUF(t.Context(), path, gguf.F32); err != nil {
		t.Fatal(err)
	}
	back := openBase(t, path)
	for _, module := range []string{"self_attn.q_proj", "self_attn.k_proj", "mlp.down_proj"} {
		name := model.LayerTensor(1, module)
		want, got := floatsOf(t, tiny, name), floatsOf(t, back, name)
		for i, p := range a.Targets {
			if p.Module != module {
				continue
			}
			pair := a.Layers[1][i]
			for n := range want {
				row, column, sum := n/pair.In, n%pair.In, 0.0
				for k := range a.R {
					sum += float64(pair.B[row*a.R+k]) * float64(pair.A[k*pair.In+column])
				}
				want[n] += float32(a.Scale() * sum)
			}
		}
		for n := range want {
			if math.Abs(float64(want[n]-got[n])) > 1e-6 {
				t.Fatalf("%s[%d] is %g, not %g", name, n, got[n], want[n])
			}
		}
	}
}

// Files of other programs that would give another computation are refused in words.
func TestResolve_RefusesOtherGGUF(t *testing.T) {
	t.Parallel()
	tiny := openBase(t, model.Tiny)
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := (convert.Source{Base: tiny}).WriteGGUF(t.Context(), path, gguf.F16); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key   string
		value any
		want  string
	}{
		"Architecture": {"general.architecture", "llama", `general.architecture is "llama"`},
		"Adapter":      {"general.type", "adapter", "is an adapter"},
		"Rope":         {"qwen3.rope.scaling.type", "yarn", "qwen3.rope.scaling.type yarn is not supported"},
		"Parts":        {"split.count", uint32(3), "one of 3 parts"},
		"Window":       {"qwen3.attention.sliding_window", uint32(512), "sliding_window 512"},
		"Heads":        {"qwen3.attention.value_length", uint32(32), "value_length"},
		"Tokenizer":    {"tokenizer.ggml.pre", "llama-bpe", `tokenizer.ggml.pre is "llama-bpe"`},
		"AddsTokens":   {"tokenizer.ggml.add_bos_token", true, "changes the ids"},
		"Layers":       {"qwen3.block_count", uint32(5), `"model.layers.4.input_layernorm.weight" is missing`},
		"MoreLayers":   {"qwen3.block_count", uint32(3), "has no place"},
	} {
		other := filepath.Join(t.TempDir(), "other.gguf")
		rewrite(t, path, other, c.key, c.value)
		location, err := model.Resolve(other)
		if err != nil {
			t.Fatal(err)
		}
		base, err := location.Open()
		if err == nil {
			base.Close()
			_, err = location.ReadFile(model.TokenizerFile)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v (hint %q), want %q", name, err, usererr.Of(err), c.want)
		}
	}
	if err := os.Truncate(path, 100_000); err != nil {
		t.Fatal(err)
	}
	location, err := model.Resolve(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := location.Open(); err == nil || !strings.Contains(err.Error(), "tiny.gguf: byte ") {
		t.Errorf("a truncated file: %v", err)
	}
}
