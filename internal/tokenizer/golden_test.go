package tokenizer_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ventriloquist/internal/tokenizer"
)

// The tokenizer in testdata is cut from Qwen3's. The whole file is next to the checkout or absent.
const (
	cutDir  = "testdata/cut"
	fullDir = "../../../shared/tokenizer/qwen3"
)

func load(t testing.TB, dir string) *tokenizer.Tokenizer {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	config, _ := os.ReadFile(filepath.Join(dir, "tokenizer_config.json")) // optional
	tok, err := tokenizer.Parse(dir, tokenizer.Files{Tokenizer: content, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func loadFull(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	if _, err := os.Stat(fullDir); err != nil {
		t.Skipf("no Qwen3 tokenizer.json in %s", fullDir)
	}
	return load(t, fullDir)
}

// goldens calls check with each line of a file written by scripts/make_tokenizer_goldens.py.
func goldens[T any](t *testing.T, name string, check func(line int, golden T)) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(unzipped)
	line := 0
	for decoder.More() {
		var golden T
		if err := decoder.Decode(&golden); err != nil {
			t.Fatal(err)
		}
		line++
		check(line, golden)
	}
	if line < 50 {
		t.Fatalf("%s has only %d lines", name, line)
	}
}

type textGolden struct {
	Text                string
	IDs, Ordinary, Full []int32
}

func checkIDs(t *testing.T, what, text string, got, want []int32) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s of %+q:\n got %v\nwant %v", what, text, got, want)
	}
}

func TestEncode_MatchesHuggingFace(t *testing.T) {
	t.Parallel()
	tok := load(t, cutDir)
	goldens(t, "texts.jsonl.gz", func(_ int, g textGolden) {
		checkIDs(t, "Encode", g.Text, tok.Encode(g.Text), g.IDs)
	})
}

func TestEncodeOrdinary_MatchesHuggingFaceWithoutAddedTokens(t *testing.T) {
	t.Parallel()
	tok := load(t, cutDir)
	differ := 0
	goldens(t, "texts.jsonl.gz", func(_ int, g textGolden) {
		checkIDs(t, "EncodeOrdinary", g.Text, tok.EncodeOrdinary(g.Text), g.Ordinary)
		if !slices.Equal(g.IDs, g.Ordinary) {
			differ++
		}
	})
	if differ < 50 {
		t.Errorf("only %d texts hold an added token", differ)
	}
}

func TestEncode_MatchesHuggingFaceOnTheWholeFile(t *testing.T) {
	t.Parallel()
	tok := loadFull(t)
	goldens(t, "texts.jsonl.gz", func(_ int, g textGolden) {
		checkIDs(t, "Encode", g.Text, tok.Encode(g.Text), g.Full)
	})
}

// The cases of llama.cpp's vocabulary tests, one subtest each.
func TestEncode_LlamaCppCases(t *testing.T) {
	t.Parallel()
	tok := loadFull(t)
	texts, err := os.ReadFile("testdata/llama.cpp/qwen2.inp")
	if err != nil {
		t.Fatal(err)
	}
	ids, err := os.ReadFile("testdata/llama.cpp/qwen2.out")
	if err != nil {
		t.Fatal(err)
	}
	cases := strings.Split(strings.TrimSuffix(string(texts), "\n__ggml_vocab_test__\n"), "\n__ggml_vocab_test__\n")
	lines := strings.Split(strings.TrimSuffix(string(ids), "\n"), "\n")
	if len(cases) != 46 || len(lines) != 46 {
		t.Fatalf("%d texts and %d lines of ids", len(cases), len(lines))
	}
	for i, text := range cases {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			var want []int32
			for _, field := range strings.Fields(lines[i]) {
				id, err := strconv.ParseInt(field, 10, 32)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, int32(id))
			}
			checkIDs(t, "Encode", text, tok.Encode(text), want)
		})
	}
}

func TestDecode_MatchesHuggingFace(t *testing.T) {
	t.Parallel()
	tok := load(t, cutDir)
	goldens(t, "decode.jsonl.gz", func(_ int, g struct {
		IDs  []int32
		Text string
	}) {
		if got := tok.Decode(g.IDs); got != g.Text {
			t.Errorf("Decode(%v) = %+q, want %+q", g.IDs, got, g.Text)
		}
	})
}

// withAddedTokens returns the cut tokenizer.json with other added tokens.
func withAddedTokens(t *testing.T, added json.RawMessage) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(cutDir, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	var definition map[string]json.RawMessage
	if err := json.Unmarshal(data, &definition); err != nil {
		t.Fatal(err)
	}
	definition["added_tokens"] = added
	data, err = json.Marshal(definition)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEncode_AddedTokenFlags(t *testing.T) {
	t.Parallel()
	goldens(t, "added.jsonl.gz", func(line int, g struct {
		Added json.RawMessage `json:"added_tokens"`
		Cases [][3]json.RawMessage
	}) {
		tok, err := tokenizer.Parse("", tokenizer.Files{Tokenizer: withAddedTokens(t, g.Added)})
		if err != nil {
			t.Fatalf("line %d: %v", line, err)
		}
		for _, c := range g.Cases {
			var text, decoded string
			var want []int32
			for i, into := range []any{&text, &want, &decoded} {
				if err := json.Unmarshal(c[i], into); err != nil {
					t.Fatal(err)
				}
			}
			checkIDs(t, "Encode with "+string(g.Added), text, tok.Encode(text), want)
			if got := tok.Decode(want); got != decoded {
				t.Errorf("Decode(%v) = %+q, want %+q with %s", want, got, decoded, g.Added)
			}
		}
	})
}
