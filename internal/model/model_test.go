package model_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// small is the configuration of a model of a few KiB.
func small() model.Config {
	return model.Config{VocabSize: 40, HiddenSize: 8, IntermediateSize: 12, Layers: 2, Heads: 2, KVHeads: 1, HeadDim: 6,
		MaxPositions: 64, RMSNormEps: 1e-6, RopeTheta: 1e4, TieEmbeddings: true}
}

// makeModel writes a model of random weights and returns its folder.
func makeModel(t testing.TB, o model.RandomOptions) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := model.WriteRandom(context.Background(), dir, o); err != nil {
		t.Fatal(err)
	}
	return dir
}

// weights reads a file's tensors, so that a test can change them and write them back.
func weights(t testing.TB, dir string) map[string]safetensors.Tensor {
	t.Helper()
	f, err := safetensors.Parse(model.WeightsFile, read(t, filepath.Join(dir, model.WeightsFile)))
	if err != nil {
		t.Fatal(err)
	}
	tensors := map[string]safetensors.Tensor{}
	for _, name := range f.Names() {
		tensors[name], _ = f.Tensor(name)
	}
	return tensors
}

func rewrite(t testing.TB, path string, tensors map[string]safetensors.Tensor) {
	t.Helper()
	var list []safetensors.Entry
	for name, tensor := range tensors {
		list = append(list, safetensors.Entry{Name: name, DType: tensor.DType, Shape: tensor.Shape, Write: func(w io.Writer) error {
			_, err := w.Write(tensor.Data)
			return err
		}})
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, nil, list); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Every required tensor is present with its shape, tied or not, in one file or in several.
func TestOpen(t *testing.T) {
	t.Parallel()
	untied := small()
	untied.TieEmbeddings = false
	for name, o := range map[string]model.RandomOptions{
		"tied": {Config: small()}, "untied": {Config: untied}, "sharded": {Config: untied, ShardBytes: 700},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := model.Open(makeModel(t, o))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			for _, spec := range model.RequiredTensors(m.Config) {
				v, err := m.Tensor(spec.Name)
				if err != nil || !slices.Equal(v.Shape, spec.Shape) || v.DType != safetensors.BF16 || len(v.Data) != 2*v.Elements() {
					t.Errorf("%s: %v, %v", spec.Name, v.Shape, err)
				}
			}
			if _, err := m.Tensor(model.LMHead); (err == nil) == o.Config.TieEmbeddings {
				t.Errorf("lm_head of a model with tied = %v: %v", o.Config.TieEmbeddings, err)
			}
			if m.Bytes() != 2*m.Config.Parameters() {
				t.Errorf("%d bytes, %d parameters", m.Bytes(), m.Config.Parameters())
			}
			if m.Config.HiddenSize != 8 || m.Config.HeadDim != 6 || m.Config.RopeTheta != 1e4 {
				t.Errorf("%+v", m.Config)
			}
		})
	}
}

// A header of odd length puts the elements at odd addresses; the views are aligned all the same.
func TestOpen_UnalignedFile(t *testing.T) {
	t.Parallel()
	dir := makeModel(t, model.RandomOptions{Config: small()})
	path := filepath.Join(dir, model.WeightsFile)
	content := read(t, path)
	want := weights(t, dir)[model.FinalNorm].Data
	content[0]++ // one more byte of header; a model this small has a header of less than 2^16 bytes
	end := 8 + int(content[0]) + int(content[1])<<8 - 1
	content = slices.Concat(content[:end], []byte(" "), content[end:])
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if v, err := m.Tensor(model.FinalNorm); err != nil || !bytes.Equal(v.Data, want) {
		t.Errorf("%v, %v", v.Data, err)
	}
}

// F32 and F16 weights are accepted, also mixed.
func TestOpen_OtherTypes(t *testing.T) {
	t.Parallel()
	dir := makeModel(t, model.RandomOptions{Config: small()})
	tensors := weights(t, dir)
	norm := tensors[model.FinalNorm]
	norm.DType, norm.Data = safetensors.F32, make([]byte, 4*8)
	tensors[model.FinalNorm] = norm
	half := tensors[model.EmbedTokens]
	half.DType = safetensors.F16
	tensors[model.EmbedTokens] = half
	rewrite(t, filepath.Join(dir, model.WeightsFile), tensors)
	m, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if v, _ := m.Tensor(model.FinalNorm); v.DType != safetensors.F32 {
		t.Error(v.DType)
	}
}

// Errors about weights name the file and the tensor.
func TestOpen_WrongWeights(t *testing.T) {
	t.Parallel()
	const name = "model.layers.1.self_attn.k_proj.weight"
	for label, c := range map[string]struct {
		change func(map[string]safetensors.Tensor)
		want   string
	}{
		"missing": {func(m map[string]safetensors.Tensor) { delete(m, name) }, "is missing"},
		"shape": {func(m map[string]safetensors.Tensor) {
			v := m[name]
			v.Shape = []int{8, 6}
			m[name] = v
		}, "has shape [8 6], but config.json needs [6 8]"},
		"dimensions": {func(m map[string]safetensors.Tensor) {
			v := m[name]
			v.Shape = []int{48}
			m[name] = v
		}, "has shape [48], but config.json needs [6 8]"},
		"type": {func(m map[string]safetensors.Tensor) {
			v := m[name]
			v.DType = "I16"
			m[name] = v
		}, "has type I16"},
	} {
		t.Run(label, func(t *testing.T) {
			dir := makeModel(t, model.RandomOptions{Config: small()})
			tensors := weights(t, dir)
			c.change(tensors)
			path := filepath.Join(dir, model.WeightsFile)
			rewrite(t, path, tensors)
			_, err := model.Open(dir)
			if err == nil || !strings.HasPrefix(err.Error(), path+`: tensor "`+name+`"`) || !strings.Contains(err.Error(), c.want) {
				t.Fatal(err)
			}
		})
	}
}

// Other programs would fill a missing output layer with random values.
func TestOpen_UntiedWithoutOutput(t *testing.T) {
	t.Parallel()
	dir := makeModel(t, model.RandomOptions{Config: small()})
	path := filepath.Join(dir, model.ConfigFile)
	content := bytes.Replace(read(t, path), []byte(`"tie_word_embeddings": true`), []byte(`"tie_word_embeddings": false`), 1)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), `tensor "lm_head.weight" is missing`) {
		t.Fatal(err)
	}
}

// A file truncated anywhere is rejected.
func TestOpen_Truncated(t *testing.T) {
	t.Parallel()
	dir := makeModel(t, model.RandomOptions{Config: small()})
	path := filepath.Join(dir, model.WeightsFile)
	content := read(t, path)
	for _, n := range []int{0, 7, 8, 100, len(content) / 2, len(content) - 1} {
		if err := os.WriteFile(path, content[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := model.Open(dir); err == nil || !strings.HasPrefix(err.Error(), path) || usererr.Of(err) == "" {
			t.Errorf("%d of %d bytes: %v", n, len(content), err)
		}
	}
}

func TestOpen_Index(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(weightMap map[string]string)
		want   string
	}{
		"upwards":        {func(m map[string]string) { m[model.FinalNorm] = "../model.safetensors" }, "which is not a file in the same folder"},
		"absolute":       {func(m map[string]string) { m[model.FinalNorm] = "/etc/passwd" }, "which is not a file in the same folder"},
		"folder":         {func(m map[string]string) { m[model.FinalNorm] = "sub/model.safetensors" }, "which is not a file in the same folder"},
		"dots":           {func(m map[string]string) { m[model.FinalNorm] = ".." }, "which is not a file in the same folder"},
		"empty name":     {func(m map[string]string) { m[model.FinalNorm] = "" }, "which is not a file in the same folder"},
		"no such shard":  {func(m map[string]string) { m[model.FinalNorm] = "model-9.safetensors" }, "model-9.safetensors"},
		"tensor unnamed": {func(m map[string]string) { delete(m, model.FinalNorm) }, `weight_map does not list tensor "model.norm.weight"`},
		"wrong shard":    {func(m map[string]string) { m[model.FinalNorm] = m[model.EmbedTokens] }, `.safetensors: tensor "model.norm.weight" is missing`},
		"nothing":        {func(m map[string]string) { clear(m) }, "weight_map is missing or empty"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := makeModel(t, model.RandomOptions{Config: small(), ShardBytes: 700})
			path := filepath.Join(dir, model.IndexFile)
			var index struct {
				WeightMap map[string]string `json:"weight_map"`
			}
			if err := json.Unmarshal(read(t, path), &index); err != nil {
				t.Fatal(err)
			}
			c.change(index.WeightMap)
			content, err := json.Marshal(index)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatal(err)
			}
		})
	}
}

func TestOpen_NoFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := model.Open(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "has no config.json") {
		t.Error(err)
	}
	whole := makeModel(t, model.RandomOptions{Config: small()})
	if err := os.Remove(filepath.Join(whole, model.WeightsFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Open(whole); err == nil || !strings.Contains(err.Error(), "neither model.safetensors nor") || usererr.Of(err) == "" {
		t.Error(err)
	}
}

// After Close there are no views: requesting one is an error, not a crash.
func TestClose(t *testing.T) {
	t.Parallel()
	m, err := model.Open(makeModel(t, model.RandomOptions{Config: small()}))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Close(), m.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Tensor(model.FinalNorm); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
}
