package tiny_test

import (
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"slices"
	"testing"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/tiny"
	"ventriloquist/internal/tokenizer"
)

func TestFiles_FitTheRepository(t *testing.T) {
	t.Parallel()
	const limit = 12_000_000
	var total int64
	entries, err := fs.ReadDir(tiny.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > limit {
		t.Errorf("%d bytes are embedded, the limit is %d", total, limit)
	}
}

func TestFiles_AreAModel(t *testing.T) {
	t.Parallel()
	source, err := model.Resolve(model.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	m, err := source.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, spec := range model.RequiredTensors(m.Config) {
		view, err := m.Tensor(spec.Name)
		if err != nil {
			t.Fatal(err)
		}
		values, err := view.Floats()
		if err != nil {
			t.Fatal(err)
		}
		square := 0.0
		for _, v := range values {
			square += float64(v) * float64(v)
		}
		if rms := math.Sqrt(square / float64(len(values))); !(rms > 1e-3 && rms < 100) {
			t.Errorf("%s: root mean square %g", spec.Name, rms)
		}
	}
}

// The ids are those of Hugging Face's tokenizers for the embedded file.
func TestTokenizer_HasTheIDsOfHuggingFace(t *testing.T) {
	t.Parallel()
	read := func(name string) []byte {
		content, err := fs.ReadFile(tiny.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	tok, err := tokenizer.Parse(model.Tiny, tokenizer.Files{Tokenizer: read(model.TokenizerFile), Config: read(model.TokenizerConfigFile)})
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Text string
		IDs  []int32
	}
	if err := json.Unmarshal(golden, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if got := tok.Encode(c.Text); !slices.Equal(got, c.IDs) {
			t.Errorf("%q\n%v, want\n%v", c.Text, got, c.IDs)
		}
		if got := tok.Decode(c.IDs); got != c.Text {
			t.Errorf("%q became %q", c.Text, got)
		}
	}
}
