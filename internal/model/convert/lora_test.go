package convert_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/convert"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/model/safetensors"
)

// newAdapter returns an adapter whose scale is neither alpha / rank nor 2.
func newAdapter(t *testing.T, base *model.Model) *adapter.Adapter {
	t.Helper()
	targets, err := adapter.ParseTargets("q,down")
	if err != nil {
		t.Fatal(err)
	}
	a, err := adapter.New(base.Config, adapter.Options{R: 3, Alpha: 5, RSLoRA: true, Targets: targets}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for layer := range a.Layers {
		for i := range a.Layers[layer] {
			for k := range a.Layers[layer][i].B {
				a.Layers[layer][i].B[k] = float32(k%7-3) / 10
			}
		}
	}
	return a
}

// llama.cpp computes alpha / rank times lora_b lora_a: the same as the adapter's scale times B A.
func TestWriteGGUFAdapter_AsLlamaCppReadsIt(t *testing.T) {
	t.Parallel()
	tiny := openBase(t, model.Tiny)
	a := newAdapter(t, tiny)
	path := filepath.Join(t.TempDir(), "adapter.gguf")
	if err := (convert.Source{Base: tiny, Adapter: a}).WriteGGUFAdapter(path); err != nil {
		t.Fatal(err)
	}
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if kind := file.Value("adapter.type"); kind != "lora" {
		t.Errorf("adapter.type is %v", kind)
	}
	alpha := file.Value("adapter.lora.alpha")
	if value, is := alpha.(float32); !is || value/float32(a.R) != float32(a.Scale()) {
		t.Errorf("alpha is %v: alpha / rank must be %g", alpha, a.Scale())
	}
	for layer := range a.Layers {
		for i, name := range []string{"attn_q", "ffn_down"} {
			pair := &a.Layers[layer][i]
			for matrix, want := range map[string][]float32{"lora_a": pair.A, "lora_b": pair.B} {
				tensor, ok := file.Tensor("blk." + string(rune('0'+layer)) + "." + name + ".weight." + matrix)
				if !ok {
					t.Fatalf("layer %d has no %s of %s", layer, matrix, name)
				}
				got, err := tensor.Floats()
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("layer %d: %s of %s differs, %v", layer, matrix, name, err)
				}
			}
		}
	}
}

// mlx-lm computes scale (x lora_a) lora_b, so both matrices are transposed.
func TestWriteMLX_AsMLXReadsIt(t *testing.T) {
	t.Parallel()
	tiny := openBase(t, model.Tiny)
	a := newAdapter(t, tiny)
	dir := filepath.Join(t.TempDir(), "mlx")
	if err := (convert.Source{Base: tiny, Adapter: a}).WriteMLX(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "adapter_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Kind   string `json:"fine_tune_type"`
		Layers int    `json:"num_layers"`
		LoRA   struct {
			Rank  int
			Scale float64
			Keys  []string
		} `json:"lora_parameters"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	if config.Kind != "lora" || config.Layers != tiny.Config.Layers || config.LoRA.Rank != 3 || config.LoRA.Scale != a.Scale() ||
		!slices.Equal(config.LoRA.Keys, []string{"self_attn.q_proj", "mlp.down_proj"}) {
		t.Errorf("%s", text)
	}
	file, err := safetensors.Open(filepath.Join(dir, "adapters.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pair := &a.Layers[1][0]
	for name, want := range map[string]struct {
		values  []float32
		rows    int
		columns int
	}{"lora_a": {pair.A, a.R, pair.In}, "lora_b": {pair.B, pair.Out, a.R}} {
		view, ok := file.Tensor("model.layers.1.self_attn.q_proj." + name)
		if !ok {
			t.Fatalf("there is no %s", name)
		}
		got, err := view.Floats()
		if err != nil || !slices.Equal(view.Shape, []int{want.columns, want.rows}) {
			t.Fatalf("%s has the shape %v, %v", name, view.Shape, err)
		}
		for r := range want.rows {
			for c := range want.columns {
				if got[c*want.rows+r] != want.values[r*want.columns+c] {
					t.Fatalf("%s[%d][%d] is %g, want %g", name, c, r, got[c*want.rows+r], want.values[r*want.columns+c])
				}
			}
		}
	}
}
