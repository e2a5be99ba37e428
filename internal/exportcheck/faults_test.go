package exportcheck_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ventriloquist/internal/exportcheck"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/convert"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/model/safetensors"
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

// newBase returns a small model whose norms all differ, with the tokenizer of the built-in one.
func newBase(t *testing.T) *model.Model {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "base")
	config := model.Config{VocabSize: 4608, HiddenSize: 64, IntermediateSize: 96, Layers: 3, Heads: 2, KVHeads: 1, HeadDim: 32, MaxPositions: 64,
		RMSNormEps: 1e-6, RopeTheta: 1e4, TieEmbeddings: true}
	if err := model.WriteRandom(t.Context(), dir, model.RandomOptions{Config: config, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	norms := 0
	rewriteSafetensors(t, filepath.Join(dir, model.WeightsFile), func(tensor safetensors.Tensor) []byte {
		if len(tensor.Shape) > 1 {
			return tensor.Data
		}
		norms++
		values := make([]float32, tensor.Shape[0])
		for i := range values {
			values[i] = 1 + float32(norms)/16 + float32(i%8)/8
		}
		data, err := gguf.BF16.Append(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		return data
	})
	return openBase(t, dir)
}

// newAdapter returns an adapter of some of the targets whose scale is neither alpha / rank nor 2. size is that of B's values.
func newAdapter(t testing.TB, base *model.Model, size float32) *adapter.Adapter {
	t.Helper()
	targets, err := adapter.ParseTargets("q,k,o,down")
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
				a.Layers[layer][i].B[k] = float32(k*7919%13-6) / 6 * size
			}
		}
	}
	return a
}

// A fault changes what a writer would have written for one tensor.
type fault struct {
	name   string
	tensor string // of transformers
	apply  func(f faulty) []float32
}

type faulty struct {
	base          *model.Model
	adapter       *adapter.Adapter
	values        []float32 // the right ones
	rows, columns int
}

var faults = []fault{
	{"transposed matrix", "model.layers.1.self_attn.o_proj.weight", func(f faulty) []float32 { return transposed(f.values, f.rows, f.columns) }},
	{"missing scale", "model.layers.0.self_attn.q_proj.weight", func(f faulty) []float32 { return f.plusDelta(0, 0, 1-f.adapter.Scale()) }},
	{"scale of alpha / rank", "model.layers.1.mlp.down_proj.weight", func(f faulty) []float32 {
		return f.plusDelta(1, 3, f.adapter.Alpha/float64(f.adapter.R)-f.adapter.Scale())
	}},
	{"missing adapter", "model.layers.2.self_attn.k_proj.weight", func(f faulty) []float32 { return f.plusDelta(2, 1, -f.adapter.Scale()) }},
	{"wrong rope order", "model.layers.1.self_attn.k_proj.weight", func(f faulty) []float32 { return f.interleaved() }},
	{"wrong rope order of queries", "model.layers.0.self_attn.q_proj.weight", func(f faulty) []float32 { return f.interleaved() }},
	{"norm of another place", "model.layers.0.input_layernorm.weight", func(f faulty) []float32 { return f.other("model.layers.0.post_attention_layernorm.weight") }},
	{"norm of the keys", "model.layers.1.self_attn.q_norm.weight", func(f faulty) []float32 { return f.other("model.layers.1.self_attn.k_norm.weight") }},
	{"norm plus one", "model.norm.weight", func(f faulty) []float32 {
		for i := range f.values {
			f.values[i]++
		}
		return f.values
	}},
	{"two rows exchanged", "model.embed_tokens.weight", func(f faulty) []float32 {
		for i := range f.columns {
			f.values[i], f.values[f.columns+i] = f.values[f.columns+i], f.values[i]
		}
		return f.values
	}},
}

func transposed(values []float32, rows, columns int) []float32 {
	out := make([]float32, len(values))
	for r := range rows {
		for c := range columns {
			out[c*rows+r] = values[r*columns+c]
		}
	}
	return out
}

// plusDelta adds a multiple of B A.
func (f faulty) plusDelta(layer, target int, factor float64) []float32 {
	pair := f.adapter.Layers[layer][target]
	for i := range f.values {
		sum := 0.0
		for k := range f.adapter.R {
			sum += float64(pair.B[i/f.columns*f.adapter.R+k]) * float64(pair.A[k*f.columns+i%f.columns])
		}
		f.values[i] += float32(factor * sum)
	}
	return f.values
}

// interleaved orders the rows of each head as llama.cpp's LLaMA wants them, which its Qwen3 does not.
func (f faulty) interleaved() []float32 {
	head := f.base.Config.HeadDim
	out := make([]float32, 0, len(f.values))
	for row := range f.rows {
		from := row/head*head + row%2*head/2 + row%head/2
		out = append(out, f.values[from*f.columns:(from+1)*f.columns]...)
	}
	return out
}

func (f faulty) other(name string) []float32 {
	view, err := f.base.Tensor(name)
	if err != nil {
		panic(err)
	}
	values, err := view.Floats()
	if err != nil {
		panic(err)
	}
	return values
}

// planted applies a fault to a tensor with these values.
func (f fault) planted(base *model.Model, a *adapter.Adapter, values []float32, shape []int) []float32 {
	columns := shape[len(shape)-1]
	return f.apply(faulty{base, a, slices.Clone(values), len(values) / columns, columns})
}

// plantGGUF copies a GGUF file with a fault.
func plantGGUF(t *testing.T, from, path string, f fault, base *model.Model, a *adapter.Adapter) {
	t.Helper()
	file, err := gguf.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var entries []gguf.Entry
	planted := false
	for _, name := range file.Names() {
		tensor, _ := file.Tensor(name)
		data := tensor.Data
		if name == model.GGUFTensor(f.tensor) {
			values, err := tensor.Floats()
			if err != nil {
				t.Fatal(err)
			}
			if data, err = tensor.Type.Append(nil, f.planted(base, a, values, tensor.Shape)); err != nil {
				t.Fatal(err)
			}
			planted = true
		}
		entries = append(entries, gguf.Entry{Name: name, Type: tensor.Type, Shape: tensor.Shape, Write: writer(data)})
	}
	if !planted {
		t.Fatalf("there is no %s", f.tensor)
	}
	replace(t, path, func(w io.Writer) error { return gguf.Write(w, file.Metadata(), entries) })
}

func writer(data []byte) func(w io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

// replace writes a file beside path and renames it, since the old one is mapped.
func replace(t *testing.T, path string, fill func(w io.Writer) error) {
	t.Helper()
	out, err := os.Create(path + ".new")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := fill(out); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// plantSafetensors rewrites the weights of a folder with a fault.
func plantSafetensors(t *testing.T, dir string, f fault, kind gguf.Type, base *model.Model, a *adapter.Adapter) {
	t.Helper()
	rewriteSafetensors(t, filepath.Join(dir, model.WeightsFile), func(tensor safetensors.Tensor) (data []byte) {
		if tensor.Name != f.tensor {
			return tensor.Data
		}
		values, err := tensor.Floats()
		if err == nil {
			data, err = kind.Append(nil, f.planted(base, a, values, tensor.Shape))
		}
		if err != nil {
			t.Fatal(err)
		}
		return data
	})
}

func rewriteSafetensors(t *testing.T, path string, change func(tensor safetensors.Tensor) []byte) {
	t.Helper()
	file, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var entries []safetensors.Entry
	for _, name := range file.Names() {
		tensor, _ := file.Tensor(name)
		tensor.Name = name
		entries = append(entries, safetensors.Entry{Name: name, DType: tensor.DType, Shape: tensor.Shape, Write: writer(change(tensor))})
	}
	replace(t, path, func(w io.Writer) error { return safetensors.Write(w, nil, entries) })
}

// Every fault in one tensor of a GGUF file is caught, in each type, also where the adapter changes the weights by less than the
// type rounds.
func TestOriginal_CheckMergedCatchesFaultsInGGUF(t *testing.T) {
	t.Parallel()
	base := newBase(t)
	for _, c := range []struct {
		kind gguf.Type
		size float32
	}{{gguf.F32, 0.3}, {gguf.F16, 0.3}, {gguf.BF16, 0.3}, {gguf.Q8_0, 0.3}, {gguf.Q8_0, 0.003}} {
		a := newAdapter(t, base, c.size)
		original := exportcheck.Original{Base: base, Adapter: a}
		right, path := filepath.Join(t.TempDir(), "right.gguf"), filepath.Join(t.TempDir(), "m.gguf")
		if err := (convert.Source{Base: base, Adapter: a}).WriteGGUF(t.Context(), right, c.kind); err != nil {
			t.Fatal(err)
		}
		if got, err := original.CheckMerged(t.Context(), right, exportcheck.GGUF); err != nil || got != c.kind {
			t.Errorf("%s: the right file: %s, %v", c.kind, got, err)
		}
		for _, f := range faults {
			plantGGUF(t, right, path, f, base, a)
			if _, err := original.CheckMerged(t.Context(), path, exportcheck.GGUF); err == nil {
				t.Errorf("%s, adapter of %g: %s in %s was not caught", c.kind, c.size, f.name, f.tensor)
			}
		}
	}
}

func TestOriginal_CheckMergedCatchesFaultsInSafetensors(t *testing.T) {
	t.Parallel()
	base := newBase(t)
	a := newAdapter(t, base, 0.01)
	original := exportcheck.Original{Base: base, Adapter: a}
	for _, kind := range []gguf.Type{gguf.F16, gguf.BF16} {
		right := filepath.Join(t.TempDir(), "right")
		if err := (convert.Source{Base: base, Adapter: a}).WriteSafetensors(t.Context(), right, kind); err != nil {
			t.Fatal(err)
		}
		for _, f := range append([]fault{{name: "none"}}, faults...) {
			dir := filepath.Join(t.TempDir(), "m")
			if err := os.CopyFS(dir, os.DirFS(right)); err != nil {
				t.Fatal(err)
			}
			if f.apply != nil {
				plantSafetensors(t, dir, f, kind, base, a)
			}
			if _, err := original.CheckMerged(t.Context(), dir, exportcheck.Safetensors); (err == nil) != (f.apply == nil) {
				t.Errorf("%s: fault %q in %s: %v", kind, f.name, f.tensor, err)
			}
		}
	}
}

// Names and settings are those of llama.cpp, whatever this program's own reader would accept.
func TestOriginal_CheckMergedCatchesWrongNamesAndSettings(t *testing.T) {
	t.Parallel()
	base := openBase(t, model.Tiny)
	path := filepath.Join(t.TempDir(), "m.gguf")
	original := exportcheck.Original{Base: base}
	for name, change := range map[string]func(metadata []gguf.KeyValue, entries []gguf.Entry){
		"norms exchanged": func(_ []gguf.KeyValue, entries []gguf.Entry) {
			exchange(entries, "blk.1.attn_norm.weight", "blk.1.ffn_norm.weight")
		},
		"gate and up exchanged": func(_ []gguf.KeyValue, entries []gguf.Entry) {
			exchange(entries, "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight")
		},
		"rope base": func(metadata []gguf.KeyValue, _ []gguf.Entry) {
			setKey(metadata, "qwen3.rope.freq_base", float32(500000))
		},
		"epsilon": func(metadata []gguf.KeyValue, _ []gguf.Entry) {
			setKey(metadata, "qwen3.attention.layer_norm_rms_epsilon", float32(1e-5))
		},
	} {
		if err := (convert.Source{Base: base}).WriteGGUF(t.Context(), path, gguf.F16); err != nil {
			t.Fatal(err)
		}
		file, err := gguf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		metadata, entries := slices.Clone(file.Metadata()), []gguf.Entry{}
		for _, name := range file.Names() {
			tensor, _ := file.Tensor(name)
			entries = append(entries, gguf.Entry{Name: name, Type: tensor.Type, Shape: tensor.Shape, Write: writer(tensor.Data)})
		}
		change(metadata, entries)
		replace(t, path, func(w io.Writer) error { return gguf.Write(w, metadata, entries) })
		if err := file.Close(); err != nil {
			t.Error(err)
		}
		if _, err := original.CheckMerged(t.Context(), path, exportcheck.GGUF); err == nil {
			t.Errorf("%s: not caught", name)
		}
	}
}

func exchange(entries []gguf.Entry, a, b string) {
	for i := range entries {
		switch entries[i].Name {
		case a:
			entries[i].Name = b
		case b:
			entries[i].Name = a
		}
	}
}

func setKey(metadata []gguf.KeyValue, key string, value any) {
	for i := range metadata {
		if metadata[i].Key == key {
			metadata[i].Value = value
		}
	}
}

// Adapters in other forms are read back as the same adapter; a fault in one matrix, in the scale or in the layout is caught.
func TestOriginal_CheckAdapterCatchesFaults(t *testing.T) {
	t.Parallel()
	base := openBase(t, model.Tiny)
	a := newAdapter(t, base, 0.3)
	original, source := exportcheck.Original{Base: base, Adapter: a}, convert.Source{Base: base, Adapter: a}
	check := func(path string, format exportcheck.Format) error {
		exported, err := original.ReadAdapter(path, format)
		if err != nil {
			return err
		}
		return original.CheckAdapter(path, exported)
	}
	path, dir := filepath.Join(t.TempDir(), "lora.gguf"), filepath.Join(t.TempDir(), "mlx")
	weights, config := filepath.Join(dir, "adapters.safetensors"), filepath.Join(dir, "adapter_config.json")
	write := func() {
		if err := source.WriteGGUFAdapter(path); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := source.WriteMLX(dir); err != nil {
			t.Fatal(err)
		}
	}
	write()
	for format, at := range map[exportcheck.Format]string{exportcheck.GGUFAdapter: path, exportcheck.MLX: dir} {
		if err := check(at, format); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if got, err := exportcheck.FormatOf(at); got != format || err != nil {
			t.Errorf("%s is taken for %s, %v", format, got, err)
		}
	}
	for name, plant := range map[string]func() (string, exportcheck.Format){
		"scale of gguf-lora": func() (string, exportcheck.Format) {
			changeGGUF(t, path, func(kv gguf.KeyValue) any {
				if kv.Key == "adapter.lora.alpha" {
					return float32(a.Alpha)
				}
				return kv.Value
			}, nil)
			return path, exportcheck.GGUFAdapter
		},
		"B of gguf-lora": func() (string, exportcheck.Format) {
			changeGGUF(t, path, nil, func(tensor gguf.Tensor) []byte {
				data := slices.Clone(tensor.Data)
				if tensor.Name == "blk.1.attn_q.weight.lora_b" {
					slices.Reverse(data)
				}
				return data
			})
			return path, exportcheck.GGUFAdapter
		},
		"scale of mlx": func() (string, exportcheck.Format) {
			changeConfig(t, config, func(lora map[string]any) { lora["scale"] = a.Alpha })
			return dir, exportcheck.MLX
		},
		"keys of mlx": func() (string, exportcheck.Format) {
			changeConfig(t, config, func(lora map[string]any) { lora["keys"] = []string{"self_attn.q_proj"} })
			return dir, exportcheck.MLX
		},
		"transposed A of mlx": func() (string, exportcheck.Format) {
			rewriteSafetensors(t, weights, func(tensor safetensors.Tensor) []byte {
				if tensor.Name != "model.layers.0.self_attn.o_proj.lora_a" {
					return tensor.Data
				}
				values, err := tensor.Floats()
				if err != nil {
					t.Fatal(err)
				}
				data, err := gguf.F32.Append(nil, transposed(values, tensor.Shape[0], tensor.Shape[1]))
				if err != nil {
					t.Fatal(err)
				}
				return data
			})
			return dir, exportcheck.MLX
		},
	} {
		write()
		if err := check(plant()); err == nil {
			t.Errorf("%s: not caught", name)
		}
	}
}

func changeGGUF(t *testing.T, path string, value func(kv gguf.KeyValue) any, data func(tensor gguf.Tensor) []byte) {
	t.Helper()
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var metadata []gguf.KeyValue
	for _, kv := range file.Metadata() {
		if value != nil {
			kv.Value = value(kv)
		}
		metadata = append(metadata, kv)
	}
	var entries []gguf.Entry
	for _, name := range file.Names() {
		tensor, _ := file.Tensor(name)
		content := tensor.Data
		if data != nil {
			content = data(tensor)
		}
		entries = append(entries, gguf.Entry{Name: name, Type: tensor.Type, Shape: tensor.Shape, Write: writer(content)})
	}
	replace(t, path, func(w io.Writer) error { return gguf.Write(w, metadata, entries) })
}

func changeConfig(t *testing.T, path string, change func(lora map[string]any)) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(content, &config); err != nil {
		t.Fatal(err)
	}
	change(config["lora_parameters"].(map[string]any))
	if content, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
