package load

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/engine"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/floats"
	"ventriloquist/internal/model/safetensors"
)

// NaN and infinities in a base model's files are found when it is loaded, and named with their tensor and place: as the
// loss of a first training step, they would look like a learning rate that is too high.
func TestModel_NamesTheWeightThatIsNotFinite(t *testing.T) {
	t.Parallel()
	device, err := engine.OpenCPU(2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	const goldens = "../../engine/testdata/goldens/"
	for _, c := range []struct {
		golden, tensor string
		element        int
		value          float64
		want           string
	}{
		{"tied-grouped-bf16", "model.layers.1.mlp.up_proj.weight", 7, math.NaN(), "up of layer 1: element 7 of row 0 is NaN"},
		{"tied-grouped-bf16", model.EmbedTokens, 0, math.Inf(-1), "the embedding: element 0 of row 0 is infinite"},
		{"tied-multiquery", "model.layers.0.input_layernorm.weight", 3, math.NaN(), "the attention norm of layer 0: element 3 is NaN"},
		{"tied-multiquery", model.FinalNorm, 0, math.Inf(1), "the final norm: element 0 is infinite"},
	} {
		for _, format := range []engine.WeightFormat{engine.Plain, engine.NF4} {
			dir := corruptModel(t, goldens+c.golden+"/model", c.tensor, c.element, float32(c.value))
			base, err := model.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Model(device, base, engine.F32, format, true)
			if err == nil {
				m.Close()
				t.Errorf("%s: a model with %v was loaded", c.tensor, c.value)
			} else if text := err.Error(); !strings.Contains(text, c.want) || !strings.HasPrefix(text, dir) {
				t.Errorf("%q, want %q of %s", text, c.want, dir)
			}
			if err := base.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// corruptModel copies a model of one weight file and sets one element of one tensor.
func corruptModel(t *testing.T, from, tensor string, element int, value float32) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors"} {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "model.safetensors" {
			file, err := safetensors.Parse(name, content)
			if err != nil {
				t.Fatal(err)
			}
			view, ok := file.Tensor(tensor)
			if !ok {
				t.Fatalf("%s has no tensor %s", from, tensor)
			}
			switch view.DType { // the view is of content
			case safetensors.F32:
				binary.LittleEndian.PutUint32(view.Data[4*element:], math.Float32bits(value))
			case safetensors.BF16:
				binary.LittleEndian.PutUint16(view.Data[2*element:], floats.BF16Bits(value))
			default:
				t.Fatalf("%s is of type %s", tensor, view.DType)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
