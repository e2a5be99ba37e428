package adapter_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/usererr"
)

func TestParsePart_FolderAndWeight(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"a", "run:2", "b:c"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]adapter.Part{
		"a":        {Dir: "a", Weight: 1},
		"a:0.5":    {Dir: "a", Weight: 0.5, Given: true},
		"a:-1e-2":  {Dir: "a", Weight: -0.01, Given: true},
		"run:2":    {Dir: "run:2", Weight: 1},
		"run:2:3":  {Dir: "run:2", Weight: 3, Given: true},
		"b:c:0":    {Dir: "b:c", Weight: 0, Given: true},
		"none:0.5": {Dir: "none", Weight: 0.5, Given: true},
		`C:\run`:   {Dir: `C:\run`, Weight: 1},
	} {
		if got, err := adapter.ParsePart(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"a:x", "a:", "a:NaN", "a:Inf", "a:1001", ":0.5"} {
		if part, err := adapter.ParsePart(text); err == nil {
			t.Errorf("%q was accepted as %+v", text, part)
		}
	}
	if _, err := adapter.ParseParts([]string{"a:0.5", "b:c"}); err == nil || !strings.Contains(usererr.Of(err), "b:c:0.5") {
		t.Errorf("an adapter without a weight: %v", err)
	}
}

func TestRequireOneOrigin_FingerprintsThenNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b adapter.Origin
		same bool
	}{
		{adapter.Origin{BaseModel: "x"}, adapter.Origin{BaseModel: "x"}, true},
		{adapter.Origin{BaseModel: "x"}, adapter.Origin{BaseModel: "y"}, false},
		{adapter.Origin{BaseModel: "x"}, adapter.Origin{}, true},
		{adapter.Origin{BaseModel: "x", Fingerprint: "1"}, adapter.Origin{BaseModel: "y", Fingerprint: "1"}, true},
		{adapter.Origin{BaseModel: "x", Fingerprint: "1"}, adapter.Origin{BaseModel: "x", Fingerprint: "2"}, false},
		{adapter.Origin{BaseModel: "x", Fingerprint: "1"}, adapter.Origin{BaseModel: "y"}, false},
	} {
		if err := adapter.RequireOneOrigin([]adapter.Origin{c.a, c.b}); (err == nil) != c.same {
			t.Errorf("%+v and %+v: %v", c.a, c.b, err)
		}
	}
}

func open(t *testing.T, name string, weight float64) adapter.Term {
	t.Helper()
	a, err := adapter.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return adapter.Term{Part: adapter.Part{Dir: name, Weight: weight}, Adapter: a}
}

// Without its base model, an adapter is read as with it.
func TestOpen_EqualsLoad(t *testing.T) {
	t.Parallel()
	for name := range loadCases(t).Accepted {
		loaded, err := adapter.Load(filepath.Join("testdata", name), base(t))
		if err != nil {
			t.Fatal(err)
		}
		opened := open(t, name, 1).Adapter
		got, want := sums(opened), sums(loaded)
		for module, sum := range want {
			if got[module] != sum {
				t.Errorf("%s: %s differs", name, module)
			}
		}
		if len(got) != len(want) || opened.Scale() != loaded.Scale() {
			t.Errorf("%s: %d matrices, want %d; scale %g, want %g", name, len(got), len(want), opened.Scale(), loaded.Scale())
		}
	}
}

// A sum of adapters that leave layers out, and one of adapters with patterns, load with their base model.
func TestSum_LoadsWithItsBase(t *testing.T) {
	t.Parallel()
	for _, terms := range [][]adapter.Term{
		{open(t, "all", 1), open(t, "all", 1)},
		{open(t, "first-layer", 0.5), open(t, "some-layers", 2)},
		{open(t, "first-layer", 0.5), open(t, "first-layer", 0.5)}, // the second layer is in neither
		{open(t, "pattern-f16", 1), open(t, "rank-pattern", -1)},
		{open(t, "lookahead", 1), open(t, "all-linear", 1)},
	} {
		sum, err := adapter.Sum(terms)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "sum")
		if err := atomicfile.WriteDir(dir, sum.WriteFiles); err != nil {
			t.Fatal(err)
		}
		loaded, err := adapter.Load(dir, base(t))
		if err != nil {
			t.Errorf("%s and %s: %v", terms[0].Dir, terms[1].Dir, err)
			continue
		}
		got, want := sums(loaded), sums(sum)
		for module, sum := range want {
			if got[module] != sum {
				t.Errorf("%s and %s: %s differs", terms[0].Dir, terms[1].Dir, module)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s and %s: %d matrices, want %d", terms[0].Dir, terms[1].Dir, len(got), len(want))
		}
	}
}

// Terms with equal factors keep their values bit for bit.
func TestSum_EqualFactorsAreNotRounded(t *testing.T) {
	t.Parallel()
	a := open(t, "all", 0.3)
	sum, err := adapter.Sum([]adapter.Term{a, open(t, "all", 0.3)})
	if err != nil {
		t.Fatal(err)
	}
	pair, own := sum.Layers[1][2], a.Adapter.Layers[1][2]
	for row := range pair.Out {
		whole, half := pair.B[row*8:row*8+8], own.B[row*4:row*4+4]
		if !slices.Equal(whole[:4], half) || !slices.Equal(whole[4:], half) {
			t.Fatalf("row %d: %v, want %v twice", row, whole, half)
		}
	}
}

func TestSum_Refuses(t *testing.T) {
	t.Parallel()
	narrow := base(t)
	narrow.HiddenSize = 4
	small, err := adapter.New(narrow, options(t, "q"), 1)
	if err != nil {
		t.Fatal(err)
	}
	shallow := base(t)
	shallow.Layers = 1
	short, err := adapter.New(shallow, options(t, "all"), 1)
	if err != nil {
		t.Fatal(err)
	}
	for want, other := range map[string]adapter.Term{
		"q_proj maps 8 values": {Part: adapter.Part{Dir: "small", Weight: 1}, Adapter: small},
		"one has 2 layers":     {Part: adapter.Part{Dir: "short", Weight: 1}, Adapter: short},
	} {
		if _, err := adapter.Sum([]adapter.Term{open(t, "all", 1), other}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := adapter.Sum([]adapter.Term{open(t, "all", 1e39)}); err == nil {
		t.Error("a scale beyond float32 was accepted")
	}
}
