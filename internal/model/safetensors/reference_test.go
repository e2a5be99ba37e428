package safetensors_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/model/floats"
	"ventriloquist/internal/model/safetensors"
)

// reference holds results of the reference implementation; scripts/make_safetensors_cases.py writes it.
type reference struct {
	Cases []struct {
		Name  string
		File  []byte
		Error string
	}
	Torch struct {
		File []byte
		Bits map[string][]int32
	}
}

func loadReference(t testing.TB) reference {
	t.Helper()
	content, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Parse accepts and rejects what the reference does, in memory and through a mapping.
func TestParse_MatchesReference(t *testing.T) {
	t.Parallel()
	for _, c := range loadReference(t).Cases {
		t.Run(c.Name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "case.safetensors")
			if err := os.WriteFile(path, c.File, 0o600); err != nil {
				t.Fatal(err)
			}
			_, inMemory := safetensors.Parse("case", c.File)
			file, mapped := safetensors.Open(path)
			if (inMemory == nil) != (c.Error == "") || (mapped == nil) != (c.Error == "") {
				t.Fatalf("reference says %q, Parse %v, Open %v", c.Error, inMemory, mapped)
			}
			if mapped == nil {
				if err := file.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// In a file written by torch, every type converts to the same bits as in torch.
func TestParse_TorchFile(t *testing.T) {
	t.Parallel()
	r := loadReference(t)
	f, err := safetensors.Parse("torch", r.Torch.File)
	if err != nil {
		t.Fatal(err)
	}
	if metadataOf(t, r.Torch.File)["format"] != "pt" || len(f.Names()) != len(r.Torch.Bits) {
		t.Fatalf("names %v", f.Names())
	}
	for name, want := range r.Torch.Bits {
		tensor, ok := f.Tensor(name)
		if !ok {
			t.Fatalf("no tensor %q", name)
		}
		got, err := tensor.Floats()
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d values, want %d", name, len(got), len(want))
		}
		for i := range got {
			if math.Float32bits(got[i]) != uint32(want[i]) {
				t.Errorf("%s[%d] = %g, want %g", name, i, got[i], math.Float32frombits(uint32(want[i])))
			}
		}
	}
}

// BF16Bits rounds as torch does.
func TestBF16Bits_MatchesTorch(t *testing.T) {
	t.Parallel()
	bits := loadReference(t).Torch.Bits
	for i, b := range bits["f32"] {
		if got := int32(uint32(floats.BF16Bits(math.Float32frombits(uint32(b)))) << 16); got != bits["bf16"][i] {
			t.Errorf("value %d: %x, want %x", i, got, bits["bf16"][i])
		}
	}
}

func FuzzSafetensors(f *testing.F) {
	r := loadReference(f)
	for _, c := range r.Cases {
		f.Add(c.File)
	}
	f.Add(r.Torch.File)
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := safetensors.Parse("fuzz", content)
		if err != nil {
			return
		}
		var covered int64
		for _, name := range file.Names() {
			tensor, ok := file.Tensor(name)
			if !ok {
				t.Fatalf("tensor %q is listed but not there", name)
			}
			covered += int64(len(tensor.Data))
			if tensor.DType.IsFloat() {
				if values, err := tensor.Floats(); err != nil || len(values)*tensor.DType.Size() != len(tensor.Data) {
					t.Fatalf("tensor %q: %d values, %v", name, len(values), err)
				}
			}
		}
		if covered != file.Bytes() {
			t.Fatalf("%d bytes in tensors, %d in the file", covered, file.Bytes())
		}
	})
}
