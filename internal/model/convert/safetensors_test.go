package convert_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/convert"
	"ventriloquist/internal/model/gguf"
)

// A folder of each type, whole or in parts, reads back as the same model.
func TestWriteSafetensors_ReadsBack(t *testing.T) {
	t.Parallel()
	tiny := openBase(t, model.Tiny)
	tokenizer, err := load.Tokenizer(tiny)
	if err != nil {
		t.Fatal(err)
	}
	const text = "{\"name\": \"Aidan\", \"text\": \"Grüße, don't 2024\"}\n<|endoftext|>"
	for kind, tolerance := range map[gguf.Type]float64{gguf.F32: 0, gguf.F16: 1.0 / 1024, gguf.BF16: 0} {
		for _, most := range []int64{1 << 40, 1 << 20} {
			dir := filepath.Join(t.TempDir(), "merged")
			if err := convert.WriteSafetensorsInParts(convert.Source{Base: tiny}, t.Context(), dir, kind, most); err != nil {
				t.Fatal(kind, err)
			}
			if _, err := os.Stat(filepath.Join(dir, model.IndexFile)); (err == nil) != (most == 1<<20) {
				t.Errorf("%s: parts of %d bytes: the index: %v", kind, most, err)
			}
			back := openBase(t, dir)
			if back.Config.Parameters() != tiny.Config.Parameters() || !slices.Equal(back.Config.EOSTokenIDs, tiny.Config.EOSTokenIDs) {
				t.Errorf("%s: the settings are %+v, not %+v", kind, back.Config, tiny.Config)
			}
			again, err := load.Tokenizer(back)
			if err != nil {
				t.Fatal(kind, err)
			}
			if got, want := again.Encode(text), tokenizer.Encode(text); !slices.Equal(got, want) {
				t.Errorf("%s: the ids are %v, not %v", kind, got, want)
			}
			for _, spec := range model.RequiredTensors(tiny.Config) {
				want, got := floatsOf(t, tiny, spec.Name), floatsOf(t, back, spec.Name)
				for i := range want {
					if difference := math.Abs(float64(got[i]) - float64(want[i])); difference > tolerance*math.Abs(float64(want[i]))+tolerance*1e-4 {
						t.Fatalf("%s: %s[%d] is %g, not %g", kind, spec.Name, i, got[i], want[i])
					}
				}
			}
		}
	}
	if err := (convert.Source{Base: tiny}).WriteSafetensors(t.Context(), filepath.Join(t.TempDir(), "x"), gguf.Q8_0); err == nil {
		t.Error("safetensors files were written in q8_0")
	}
}

// The merged weights are those of the merged GGUF file.
func TestWriteSafetensors_MergesAsGGUFDoes(t *testing.T) {
	t.Parallel()
	tiny := openBase(t, model.Tiny)
	a := newAdapter(t, tiny)
	source := convert.Source{Base: tiny, Adapter: a}
	folder, file := filepath.Join(t.TempDir(), "merged"), filepath.Join(t.TempDir(), "merged.gguf")
	if err := source.WriteSafetensors(t.Context(), folder, gguf.F32); err != nil {
		t.Fatal(err)
	}
	if err := source.WriteGGUF(t.Context(), file, gguf.F32); err != nil {
		t.Fatal(err)
	}
	one, other := openBase(t, folder), openBase(t, file)
	for _, spec := range model.RequiredTensors(tiny.Config) {
		if !slices.Equal(floatsOf(t, one, spec.Name), floatsOf(t, other, spec.Name)) {
			t.Errorf("%s differs", spec.Name)
		}
	}
}

// A base model in several files is written in the same files, with the same tensors in each.
func TestWriteSafetensors_KeepsTheFilesOfTheBase(t *testing.T) {
	t.Parallel()
	parts, again := filepath.Join(t.TempDir(), "parts"), filepath.Join(t.TempDir(), "again")
	if err := convert.WriteSafetensorsInParts(convert.Source{Base: openBase(t, model.Tiny)}, t.Context(), parts, gguf.BF16, 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := (convert.Source{Base: openBase(t, parts)}).WriteSafetensors(t.Context(), again, gguf.BF16); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(parts)
	if err != nil || len(entries) < 5 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		want, errWant := os.ReadFile(filepath.Join(parts, e.Name()))
		got, errGot := os.ReadFile(filepath.Join(again, e.Name()))
		if errWant != nil || errGot != nil || !slices.Equal(want, got) {
			t.Errorf("%s differs: %v, %v", e.Name(), errWant, errGot)
		}
	}
}
