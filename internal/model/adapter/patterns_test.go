package adapter_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// deltas returns the change of each weight: Scale B A.
func deltas(a *adapter.Adapter) map[string][]float64 {
	changes := map[string][]float64{}
	for layer, pairs := range a.Layers {
		for i, p := range pairs {
			if p.Absent {
				continue
			}
			change := make([]float64, p.Out*p.In)
			for out := range p.Out {
				for in := range p.In {
					for k := range a.R {
						change[out*p.In+in] += a.Scale() * float64(p.B[out*a.R+k]) * float64(p.A[k*p.In+in])
					}
				}
			}
			changes[strings.TrimSuffix(model.LayerTensor(layer, a.Targets[i].Module), ".weight")] = change
		}
	}
	return changes
}

// Adapters with several ranks or scales (rank_pattern, alpha_pattern) change the weights as PEFT's do, also after they have
// been saved.
func TestLoad_RankAndAlphaPatterns(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rank-pattern", "alpha-pattern", "rslora-patterns", "wider-than-r"} {
		first, err := adapter.Load(filepath.Join("testdata", name), base(t))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		dir := filepath.Join(t.TempDir(), name)
		if err := save(first, dir); err != nil {
			t.Fatal(err)
		}
		second, err := adapter.Load(dir, base(t))
		if err != nil {
			t.Fatal(err)
		}
		want, err := safetensors.Open(filepath.Join("testdata", name, "delta.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()
		for label, a := range map[string]*adapter.Adapter{"loaded": first, "saved": second} {
			got := deltas(a)
			for _, module := range want.Names() {
				tensor, _ := want.Tensor(module)
				values, err := tensor.Floats()
				if err != nil || len(values) != len(got[module]) {
					t.Fatalf("%s %s: %d values, want %d, %v", label, module, len(got[module]), len(values), err)
				}
				for i, v := range values {
					// PEFT's is a product in float32, for bf16 adapters one in bf16.
					tolerance := 1e-5
					if name == "rslora-patterns" {
						tolerance = 2e-2
					}
					if math.Abs(got[module][i]-float64(v)) > tolerance*(1+math.Abs(float64(v))) {
						t.Fatalf("%s, %s, %s[%d]: %g, want %g", name, label, module, i, got[module][i], v)
					}
				}
			}
			if len(got) != len(want.Names()) {
				t.Errorf("%s, %s: %d modules, want %d", name, label, len(got), len(want.Names()))
			}
		}
	}
}

// What PEFT can merge is refused with that remedy.
func TestLoad_RemedyIsToMerge(t *testing.T) {
	t.Parallel()
	for name, c := range loadCases(t).Refused {
		merges := map[string]bool{"use_dora": true, "modules_to_save": true, "bias": true, "trainable_token_indices": true,
			"fan_in_fan_out": true, "target_modules": true, "rank_pattern": true, "alpha_pattern": true, "target_parameters": true, "peft_type": true}[c.Field]
		dir := t.TempDir()
		write(t, filepath.Join(dir, adapter.ConfigFile), c.Config)
		_, err := adapter.Load(dir, base(t))
		if hint := usererr.Of(err); strings.Contains(hint, "merge_and_unload") != merges {
			t.Errorf("%s: hint %q", name, hint)
		}
	}
}

// Python's {,n} means from 0 to n times.
func TestLoad_PythonPatterns(t *testing.T) {
	t.Parallel()
	from := `"model\\.layers\\.\\d{,2}\\.mlp\\.(up|down)_proj{,1}"`
	for pattern, ok := range map[string]bool{
		`model\\.layers\\.\\d{,2}\\.mlp\\.(up|down)_proj\\Z`: true,
		`.*[{,2}]{,99}\\.mlp\\.(?:up|down)_proj`:             true,
		`.{,}(up|down)_proj`:                                 true,
		`model\\.layers\\.\\d{,0}\\.mlp\\.(up|down)_proj`:    false,
		`model\\.layers\\.\\d\\{,2}\\.mlp\\.(up|down)_proj`:  false,
	} {
		dir := edit(t, "repeat", from, `"`+pattern+`"`)
		if _, err := adapter.Load(dir, base(t)); (err == nil) != ok {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

// Patterns, layers and names that cannot be meant, or that ask for too much, are refused by field.
func TestLoad_RefusesBadPatterns(t *testing.T) {
	t.Parallel()
	names := strings.Repeat(`"x",`, 5000)
	for name, c := range map[string]struct{ from, to, want string }{
		"rank zero":      {`"rank_pattern": {}`, `"rank_pattern": {"q_proj": 0}`, "rank_pattern: 0 is not a rank"},
		"rank a half":    {`"rank_pattern": {}`, `"rank_pattern": {"q_proj": 1.5}`, "rank_pattern: 1.5 is not a rank"},
		"alpha negative": {`"alpha_pattern": {}`, `"alpha_pattern": {"q_proj": -1}`, "alpha_pattern: -1 is not a positive number"},
		"layer negative": {`"layers_to_transform": null`, `"layers_to_transform": [-1]`, "-1 is not a layer, counted from 0"},
		"rank a word":    {`"rank_pattern": {}`, `"rank_pattern": {"q_proj": "4"}`, "rank_pattern: "},
		"a list":         {`"alpha_pattern": {}`, `"alpha_pattern": [1]`, "alpha_pattern: "},
		"other rank":     {`"rank_pattern": {}`, `"rank_pattern": {"q_proj": 2}`, "has shape [4 8], but this base model and r = 2 need [2 8]"},
		"layers a word":  {`"layers_to_transform": null`, `"layers_to_transform": "1"`, "layers_to_transform: "},
		"other layers":   {`"layers_to_transform": null`, `"layers_to_transform": [0]`, "unexpected tensor"},
		"many names":     {`"exclude_modules": null`, `"exclude_modules": [` + names + `"x"]`, "exclude_modules: has more than 4096"},
		"long pattern":   {`"exclude_modules": null`, `"exclude_modules": "` + strings.Repeat("a{1000}", 1e5) + `"`, ""},
		"twice":          {`"r": 4`, `"r": 8, "r": 4`, `"r" is there twice`},
		"revision":       {`"revision": null`, `"revision": "../../x"`, `revision: "../../x" is not`},
	} {
		dir := edit(t, "all", c.from, c.to)
		_, err := adapter.Load(dir, base(t))
		if c.want == "" {
			continue // the tensors decide
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The revision of the base model and the fingerprint of its weights survive saving, where PEFT and others leave them alone.
func TestAdapter_KeepsRevisionAndFingerprint(t *testing.T) {
	t.Parallel()
	dir := edit(t, "all", `"revision": null`, `"revision": "refs/pr/7"`)
	a, err := adapter.Load(dir, base(t))
	if err != nil || a.BaseModel != "some/base@refs/pr/7" || a.BaseFingerprint != "" {
		t.Fatalf("%+v, %v", a, err)
	}
	a.BaseFingerprint = "0123456789abcdef"
	saved := filepath.Join(t.TempDir(), "saved")
	if err := save(a, saved); err != nil {
		t.Fatal(err)
	}
	again, err := adapter.Load(saved, base(t))
	if err != nil || again.BaseModel != a.BaseModel || again.BaseFingerprint != a.BaseFingerprint {
		t.Errorf("%+v, %v", again, err)
	}
	if config := string(read(t, filepath.Join(saved, adapter.ConfigFile))); !strings.Contains(config, `"revision": "refs/pr/7"`) || !strings.Contains(config, `"base_model_name_or_path": "some/base"`) {
		t.Error(config)
	}
}

// Folders that are no adapters are named for what they are.
func TestLoad_NamesWhatIsNoAdapter(t *testing.T) {
	t.Parallel()
	for hint, files := range map[string][]string{
		"a whole model":             {"config.json", "model-00001-of-00002.safetensors"},
		"a checkpoint of DeepSpeed": {"global_step12"},
		"one of its checkpoints":    {"checkpoint-3"},
		"as written by vqctl train": {"notes.txt"},
	} {
		dir := t.TempDir()
		for _, name := range files {
			write(t, filepath.Join(dir, name), nil)
		}
		if _, err := adapter.ReadConfig(dir); !strings.Contains(usererr.Of(err), hint) {
			t.Errorf("%v: %v, hint %q", files, err, usererr.Of(err))
		}
	}
	dir := edit(t, "all")
	if err := os.Rename(filepath.Join(dir, adapter.WeightsFile), filepath.Join(dir, "adapter_model.bin")); err != nil {
		t.Fatal(err)
	}
	if _, err := adapter.Load(dir, base(t)); !strings.Contains(usererr.Of(err), "save_pretrained") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
}

// A flipped bit anywhere in the matrices of an adapter that vqctl wrote is found when it is loaded.
func TestLoad_FindsFlippedBits(t *testing.T) {
	t.Parallel()
	base, err := model.ShapeConfig(model.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	a, err := adapter.New(base, adapter.Config{R: 2, Alpha: 4, Targets: model.Projections[:2]}, 1)
	if err != nil {
		t.Fatal(err)
	}
	a.BaseFingerprint = "0123456789abcdef"
	dir := t.TempDir()
	if err := a.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, adapter.WeightsFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := adapter.Load(dir, base); err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	header := 8 + int(binary.LittleEndian.Uint64(whole))
	for range 50 {
		damaged := slices.Clone(whole)
		at := header + random.IntN(len(whole)-header)
		damaged[at] ^= 1 << random.IntN(8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := adapter.Load(dir, base); err == nil || !strings.Contains(err.Error(), "is damaged: the CRC-32C") || usererr.Of(err) == "" {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
}

// The scale of the first module may be any fraction of the others'.
func TestLoad_TinyAlphaOfOneModule(t *testing.T) {
	t.Parallel()
	a, err := adapter.Load(edit(t, "all", `"alpha_pattern": {}`, `"alpha_pattern": {"q_proj": 1e-308}`), base(t))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := adapter.Load("testdata/all", base(t))
	if err != nil {
		t.Fatal(err)
	}
	want := deltas(plain)
	for module, values := range deltas(a) {
		for i, v := range values {
			expected := want[module][i]
			if strings.HasSuffix(module, "q_proj") {
				expected = 0
			}
			if v != expected {
				t.Fatalf("%s[%d] is %g, want %g", module, i, v, expected)
			}
		}
	}
}

// Adapters in float64 are those of the same values in float32.
func TestLoad_Float64(t *testing.T) {
	t.Parallel()
	dir := edit(t, "all")
	file, err := safetensors.Open("testdata/all/" + adapter.WeightsFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var entries []safetensors.Entry
	for _, name := range file.Names() {
		tensor, _ := file.Tensor(name)
		entries = append(entries, safetensors.Entry{Name: name, DType: safetensors.F64, Shape: tensor.Shape, Write: func(w io.Writer) error {
			values, err := tensor.Floats()
			for _, v := range values {
				err = errors.Join(err, binary.Write(w, binary.LittleEndian, float64(v)))
			}
			return err
		}})
	}
	var wide bytes.Buffer
	if err := safetensors.Write(&wide, nil, entries); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, adapter.WeightsFile), wide.Bytes())
	got, err := adapter.Load(dir, base(t))
	if err != nil {
		t.Fatal(err)
	}
	want, err := adapter.Load("testdata/all", base(t))
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(sums(got), sums(want)) {
		t.Error("the matrices differ")
	}
}
