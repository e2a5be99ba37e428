package adapter_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// cases holds results of PEFT; scripts/make_adapter_cases.py writes it.
type cases struct {
	Accepted map[string]struct {
		Scale  float64
		SHA256 map[string]string
	}
	Refused map[string]struct {
		Field  string
		Config json.RawMessage
	}
}

func loadCases(t testing.TB) (c cases) {
	t.Helper()
	if err := json.Unmarshal(read(t, "testdata/cases.json"), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func base(t testing.TB) model.Config {
	t.Helper()
	c, err := model.ParseConfig("base_config.json", "", read(t, "testdata/base_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sums returns the checksum of each matrix, by PEFT's name of the parameter.
func sums(a *adapter.Adapter) map[string]string {
	got := map[string]string{}
	for layer, pairs := range a.Layers {
		for i, pair := range pairs {
			if pair.Absent {
				continue
			}
			name := "base_model.model." + strings.TrimSuffix(model.LayerTensor(layer, a.Targets[i].Module), ".weight")
			for matrix, values := range map[string][]float32{"A": pair.A, "B": pair.B} {
				sum := sha256.Sum256(safetensors.AppendF32(nil, values))
				got[name+".lora_"+matrix+".weight"] = hex.EncodeToString(sum[:])
			}
		}
	}
	return got
}

// Load reads what PEFT saves: the same matrices on the same projections, with the same scale.
func TestLoad_FromPEFT(t *testing.T) {
	t.Parallel()
	for name, want := range loadCases(t).Accepted {
		t.Run(name, func(t *testing.T) {
			a, err := adapter.Load(filepath.Join("testdata", name), base(t))
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(a.Scale()-want.Scale) > 1e-12 {
				t.Errorf("scale %g, want %g", a.Scale(), want.Scale)
			}
			if a.BaseModel != "some/base" {
				t.Errorf("base model %q", a.BaseModel)
			}
			got := sums(a)
			for n, sum := range want.SHA256 {
				if got[n] != sum {
					t.Errorf("%s differs", n)
				}
			}
			if len(got) != len(want.SHA256) {
				t.Errorf("%d matrices, want %d", len(got), len(want.SHA256))
			}
		})
	}
}

// If the adapter leaves a projection alone, its pair is zero, with the shapes of the others.
func TestLoad_AbsentPairsAreZero(t *testing.T) {
	t.Parallel()
	a, err := adapter.Load("testdata/pattern-f16", base(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, pair := range a.Layers[0] {
		present := a.Layers[1][i]
		zero := func(values []float32) bool {
			return !slices.ContainsFunc(values, func(v float32) bool { return v != 0 })
		}
		if !pair.Absent || present.Absent || len(pair.A) != len(present.A) || len(pair.B) != len(present.B) || !zero(pair.A) || !zero(pair.B) {
			t.Errorf("target %s: absent %v and %v, sizes %d and %d", a.Targets[i].Short, pair.Absent, present.Absent, len(pair.A), len(present.A))
		}
	}
	if parameters(a) != int64(1*(8+12)+1*(8+6)) {
		t.Errorf("%d parameters", parameters(a))
	}
}

// PEFT's variants beyond plain LoRA are rejected, and the error names the field.
func TestLoad_RejectsOtherKinds(t *testing.T) {
	t.Parallel()
	weights := read(t, "testdata/all/"+adapter.WeightsFile)
	for name, c := range loadCases(t).Refused {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, adapter.ConfigFile), c.Config)
			write(t, filepath.Join(dir, adapter.WeightsFile), weights)
			_, err := adapter.Load(dir, base(t))
			if err == nil || !strings.Contains(err.Error(), adapter.ConfigFile+": "+c.Field+" is ") || usererr.Of(err) == "" {
				t.Fatalf("error %v (hint %q) should name %s", err, usererr.Of(err), c.Field)
			}
		})
	}
}

// Loading and saving what PEFT saved changes nothing, also if patterns leave projections alone.
func TestAdapter_RoundTrip(t *testing.T) {
	t.Parallel()
	for name, want := range loadCases(t).Accepted {
		t.Run(name, func(t *testing.T) {
			first, err := adapter.Load(filepath.Join("testdata", name), base(t))
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "saved")
			if err := save(first, dir); err != nil {
				t.Fatal(err)
			}
			second, err := adapter.Load(dir, base(t))
			if err != nil {
				t.Fatal(err)
			}
			got := sums(second)
			for n, sum := range want.SHA256 {
				if got[n] != sum {
					t.Errorf("%s differs", n)
				}
			}
			if len(got) != len(want.SHA256) || second.R != first.R || second.Scale() != first.Scale() || second.Dropout != first.Dropout || second.BaseModel != first.BaseModel {
				t.Errorf("%+v became %+v", first.Config, second.Config)
			}
		})
	}
}

// An F32 file written by PEFT is written again with the same bytes.
func TestAdapter_WritesPEFTsBytes(t *testing.T) {
	t.Parallel()
	a, err := adapter.Load("testdata/all", base(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := a.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, filepath.Join(dir, adapter.WeightsFile)), read(t, "testdata/all/"+adapter.WeightsFile)) {
		t.Error("the weights files differ")
	}
	var ours, theirs map[string]any
	if err := errors.Join(json.Unmarshal(read(t, filepath.Join(dir, adapter.ConfigFile)), &ours), json.Unmarshal(read(t, "testdata/all/"+adapter.ConfigFile), &theirs)); err != nil {
		t.Fatal(err)
	}
	for key, value := range ours {
		if key == "init_lora_weights" { // PEFT's has it off, to have a B that is not zero
			continue
		}
		want, ok := theirs[key]
		if got, _ := json.Marshal(value); ok {
			if wanted, _ := json.Marshal(want); !bytes.Equal(got, wanted) {
				t.Errorf("%s is %s, PEFT has %s", key, got, wanted)
			}
		} else {
			t.Errorf("PEFT has no %s", key)
		}
	}
}

// edit changes an adapter folder's configuration by replacing text.
func edit(t *testing.T, name string, replace ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, adapter.WeightsFile), read(t, filepath.Join("testdata", name, adapter.WeightsFile)))
	config := string(read(t, filepath.Join("testdata", name, adapter.ConfigFile)))
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(config, replace[i]) {
			t.Fatalf("nothing to replace: %s", replace[i])
		}
		config = strings.ReplaceAll(config, replace[i], replace[i+1])
	}
	write(t, filepath.Join(dir, adapter.ConfigFile), []byte(config))
	return dir
}

func TestLoad_Errors(t *testing.T) {
	t.Parallel()
	otherBase := base(t)
	otherBase.HiddenSize = 16
	shallow, deep := base(t), base(t)
	shallow.Layers, deep.Layers = 1, 3
	for name, c := range map[string]struct {
		dir  string
		base model.Config
		want string
	}{
		"other width":     {"testdata/all", otherBase, `lora_A.weight" has shape [4 8], but this base model and r = 4 need [4 16]`},
		"fewer layers":    {"testdata/all", shallow, "belongs to layer 1, but the base model has 1 layers"},
		"more layers":     {"testdata/all", deep, `tensor "base_model.model.model.layers.2.self_attn.q_proj.lora_A.weight" is missing`},
		"rank":            {edit(t, "all", `"r": 4`, `"r": 5`), base(t), "need [5 8]"},
		"absurd rank":     {edit(t, "all", `"r": 4`, `"r": 65536`), base(t), "need [65536 8]"},
		"rank zero":       {edit(t, "all", `"r": 4`, `"r": 0`), base(t), "r: 0 is not between"},
		"alpha missing":   {edit(t, "all", `"lora_alpha"`, `"alpha"`), base(t), "lora_alpha: missing"},
		"alpha a word":    {edit(t, "all", `"lora_alpha": 8`, `"lora_alpha": "8"`), base(t), `lora_alpha: "8" is not`},
		"dropout one":     {edit(t, "all", `0.05`, `1.0`), base(t), "lora_dropout: 1.0 is not at least 0 and less than 1"},
		"target dropped":  {edit(t, "all", `"q_proj"`, `"query"`), base(t), "q_proj.lora_A.weight\": adapter_config.json does not list it"},
		"target added":    {edit(t, "rslora-bf16", `"q_proj"`, `"q_proj", "o_proj"`), base(t), "o_proj.lora_A.weight\" is missing"},
		"no target":       {edit(t, "lookahead", `"model\\.(?!.*mlp).*_proj"`, `["query"]`), base(t), "unexpected tensor"},
		"no targets":      {edit(t, "lookahead", `"target_modules"`, `"targets"`), base(t), "target_modules: missing"},
		"targets numbers": {edit(t, "lookahead", `"model\\.(?!.*mlp).*_proj"`, `[1]`), base(t), "target_modules: [1] is not"},
		"later variant":   {edit(t, "all", `"use_dora": false`, `"use_dora2": true`), base(t), "use_dora2 is true, which is not supported"},
		"malformed":       {edit(t, "all", `"r": 4,`, "\"r\": 4,,"), base(t), "bad JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := adapter.Load(c.dir, c.base)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), c.dir) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

// The hint for an adapter that does not fit names the model that it was trained on.
func TestLoad_OtherBaseIsNamed(t *testing.T) {
	t.Parallel()
	other := base(t)
	other.IntermediateSize = 13
	_, err := adapter.Load("testdata/all", other)
	if !strings.Contains(usererr.Of(err), "trained on some/base") {
		t.Fatalf("%v: %q", err, usererr.Of(err))
	}
}

func TestLoad_MissingFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := adapter.Load(dir, base(t)); !errors.Is(err, fs.ErrNotExist) || usererr.Of(err) == "" {
		t.Errorf("empty folder: %v", err)
	}
	write(t, filepath.Join(dir, adapter.ConfigFile), read(t, "testdata/all/adapter_config.json"))
	if _, err := adapter.Load(dir, base(t)); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), adapter.WeightsFile) {
		t.Errorf("no weights: %v", err)
	}
}

// LoraConfig accepts "all-linear"; PEFT mostly writes the names instead.
func TestLoad_AllLinear(t *testing.T) {
	t.Parallel()
	config := string(read(t, "testdata/all-linear/adapter_config.json"))
	from := strings.Index(config, `"target_modules": [`)
	to := from + strings.Index(config[from:], "]") + 1
	dir := edit(t, "all-linear", config[from:to], `"target_modules": "all-linear"`)
	a, err := adapter.Load(dir, base(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Targets) != 7 || len(sums(a)) != 28 {
		t.Errorf("%d targets, %d matrices", len(a.Targets), len(sums(a)))
	}
}

// save writes an adapter's folder.
func save(a *adapter.Adapter, dir string) error { return atomicfile.WriteDir(dir, a.WriteFiles) }

// parameters counts the trainable values.
func parameters(a *adapter.Adapter) (n int64) {
	for _, pairs := range a.Layers {
		for _, p := range pairs {
			if !p.Absent {
				n += int64(len(p.A) + len(p.B))
			}
		}
	}
	return n
}

// A mistyped folder, and the output folder of a run, lead to the adapter.
func TestReadConfig_SuggestsTheAdapter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	final := filepath.Join(dir, "checkpoints", "ventriloquist", "final")
	if err := os.MkdirAll(final, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(final, adapter.ConfigFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{"checkpoints/ventriloqist/final", "checkpoints/ventriloquist/finale", "chekpoints/ventriloquist/Final", "checkpoints/ventriloquist"} {
		_, err := adapter.ReadConfig(filepath.Join(dir, given))
		if want := "did you mean " + final + "?"; usererr.Of(err) != want || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, hint %q, want %q", given, err, usererr.Of(err), want)
		}
	}
	for _, given := range []string{filepath.Join(dir, "other", "name"), "/no-such-folder", "/no/such/folder", "/"} {
		if _, err := adapter.ReadConfig(given); err == nil || strings.Contains(usererr.Of(err), "did you mean") {
			t.Errorf("%s: %v, hint %q", given, err, usererr.Of(err))
		}
	}
}
