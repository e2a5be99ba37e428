package gguf_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/model/gguf"
)

// reference is what gguf, llama.cpp's Python package, wrote; scripts/make_gguf_cases.py makes it.
type reference struct {
	Shape   []int
	Values  []int32
	Tensors map[string][]int32
}

func loadReference(t testing.TB) (*gguf.File, []byte, reference) {
	t.Helper()
	content, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "reference.gguf")
	if content, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file, content, r
}

func TestOpen_MetadataOfReference(t *testing.T) {
	t.Parallel()
	file, _, _ := loadReference(t)
	for key, want := range map[string]any{
		"general.architecture": "qwen3", "a.uint8": uint8(200), "a.int8": int8(-100), "a.uint16": uint16(60000), "a.int16": int16(-30000),
		"a.uint32": uint32(4_000_000_000), "a.int32": int32(-2_000_000_000), "a.uint64": uint64(1<<60 + 1), "a.int64": int64(-1<<60 - 1),
		"a.float32": float32(0.1), "a.float64": 0.1, "a.bool": true, "a.string": "Grüße", "a.strings": []string{"", "Ġa", "b"}, "a.ints": []int32{1, -2, 3},
	} {
		if got := file.Value(key); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, not %#v", key, got, want)
		}
	}
	if n, ok, err := file.Integer("a.uint8"); n != 200 || !ok || err != nil {
		t.Errorf("a.uint8 is %d, %v, %v", n, ok, err)
	}
	if _, _, err := file.Integer("a.string"); err == nil || !strings.Contains(err.Error(), "a.string is not an integer") {
		t.Errorf("a string as an integer: %v", err)
	}
}

// Each type is read and written as llama.cpp's package does, to the bit.
func TestType_MatchesReference(t *testing.T) {
	t.Parallel()
	file, _, r := loadReference(t)
	values := make([]float32, len(r.Values))
	for i, b := range r.Values {
		values[i] = math.Float32frombits(uint32(b))
	}
	for _, kind := range gguf.Types {
		tensor, ok := file.Tensor(kind.String())
		if !ok || tensor.Type != kind || !slices.Equal(tensor.Shape, r.Shape) {
			t.Fatalf("%s: %v %v %v", kind, ok, tensor.Type, tensor.Shape)
		}
		got, err := tensor.Floats()
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range r.Tensors[kind.String()] {
			if math.Float32bits(got[i]) != uint32(want) {
				t.Fatalf("%s: value %d is %g, not %g", kind, i, got[i], math.Float32frombits(uint32(want)))
			}
		}
		written, err := kind.Append(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(written, tensor.Data) {
			t.Errorf("%s is written in other bytes", kind)
		}
	}
}

// The writer's bytes are those of llama.cpp's package.
func TestWrite_MatchesReference(t *testing.T) {
	t.Parallel()
	file, content, _ := loadReference(t)
	var entries []gguf.Entry
	for _, name := range file.Names() {
		tensor, _ := file.Tensor(name)
		entries = append(entries, entryOf(tensor))
	}
	var out bytes.Buffer
	if err := gguf.Write(&out, file.Metadata(), entries); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), content) {
		t.Errorf("%d bytes differ from the reference's %d", out.Len(), len(content))
	}
}

func entryOf(tensor gguf.Tensor) gguf.Entry {
	return gguf.Entry{Name: tensor.Name, Type: tensor.Type, Shape: tensor.Shape, Write: func(w io.Writer) error {
		_, err := w.Write(tensor.Data)
		return err
	}}
}

func TestType_Refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind   gguf.Type
		values []float32
	}{
		"Large":        {gguf.F16, []float32{65520}},
		"LargeScale":   {gguf.Q8_0, append(make([]float32, 31), 1e9)},
		"NaN":          {gguf.Q8_0, append(make([]float32, 31), float32(math.NaN()))},
		"PartialBlock": {gguf.Q8_0, make([]float32, 31)},
		"OtherType":    {gguf.Type(12), make([]float32, 256)},
	} {
		if _, err := c.kind.Append(nil, c.values); err == nil {
			t.Errorf("%s is written", name)
		}
	}
	if _, err := gguf.Type(12).Decode(nil, make([]byte, 144)); err == nil || !strings.Contains(err.Error(), "q4_K") {
		t.Errorf("q4_K is read: %v", err)
	}
}

// small returns a file with one entry and one tensor, and the positions of their fields.
func small(t testing.TB) []byte {
	var out bytes.Buffer
	tensor := gguf.Tensor{Name: "t", Type: gguf.F32, Shape: []int{2, 3}, Data: make([]byte, 24)}
	if err := gguf.Write(&out, []gguf.KeyValue{{Key: "k", Value: uint32(7)}}, []gguf.Entry{entryOf(tensor)}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Damage is refused with the place.
func TestParse_Hostile(t *testing.T) {
	t.Parallel()
	const (
		tensorCount, entryCount, keyLength, kind = 8, 16, 24, 33
		nameLength, dimensions, columns          = 41, 50, 54
		tensorType, offset                       = 70, 74
	)
	set := func(at int, n uint64, width int) func([]byte) []byte {
		return func(b []byte) []byte {
			part := binary.LittleEndian.AppendUint64(nil, n)
			copy(b[at:at+width], part)
			return b
		}
	}
	for name, c := range map[string]struct {
		damage func([]byte) []byte
		want   string
	}{
		"Empty":        {func([]byte) []byte { return nil }, "not a GGUF file"},
		"Magic":        {set(0, 0, 4), "not a GGUF file"},
		"BigEndian":    {set(4, 3<<24, 4), "big-endian"},
		"OldVersion":   {set(4, 1, 4), "version 1 is not supported"},
		"ManyTensors":  {set(tensorCount, 1<<40, 8), "tensors and"},
		"ManyEntries":  {set(entryCount, 1<<62, 8), "do not fit"},
		"LongKey":      {set(keyLength, 1<<63, 8), "byte 32: a metadata key has 9223372036854775808 bytes"},
		"KindUnknown":  {set(kind, 77, 4), "k has the unknown type 77"},
		"LongName":     {set(nameLength, 1<<20, 8), "the name of a tensor"},
		"Dimensions":   {set(dimensions, 5, 4), `tensor "t" has 5 dimensions`},
		"ZeroColumns":  {set(columns, 0, 8), "dimension 0"},
		"HugeColumns":  {set(columns, 1<<40, 8), "dimension 1099511627776"},
		"MoreColumns":  {set(columns, 1<<20, 8), `tensor "t": bytes 96 to`},
		"TypeUnknown":  {set(tensorType, 99, 4), "unknown type 99"},
		"TypeOfBlocks": {set(tensorType, 8, 4), "q8_0 has blocks of 32"},
		"OffsetWrong":  {set(offset, 32, 8), `tensor "t" is at offset 32`},
		"Truncated":    {func(b []byte) []byte { return b[:100] }, `tensor "t": bytes 96 to 120 are outside the file, which ends at 100`},
	} {
		_, err := gguf.Parse("f.gguf", c.damage(small(t)))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "f.gguf") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := gguf.Parse("f.gguf", small(t)); err != nil {
		t.Errorf("the whole file: %v", err)
	}
}

// Whatever is read can be written, and reads the same.
func FuzzParse(f *testing.F) {
	_, content, _ := loadReference(f)
	f.Add(content[:1024])
	f.Add(small(f))
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := gguf.Parse("f.gguf", content)
		if err != nil {
			return
		}
		for _, name := range file.Names() {
			tensor, _ := file.Tensor(name)
			if values, err := tensor.Floats(); err == nil && len(values) != tensor.Elements() {
				t.Errorf("%s has %d values of %d", name, len(values), tensor.Elements())
			}
		}
	})
}
