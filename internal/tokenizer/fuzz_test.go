package tokenizer_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/tokenizer"
)

// FuzzEncode checks what must hold for every text.
func FuzzEncode(f *testing.F) {
	tok := load(f, cutDir)
	f.Add("Hello  world\r\n'S <|endoftext|>e\u0301\xff")
	f.Fuzz(func(t *testing.T, text string) {
		valid := tokenizer.ToValidUTF8(text)
		if strings.ToValidUTF8(valid, "") != valid {
			t.Fatalf("ToValidUTF8 made %q", valid)
		}
		for _, encode := range []func(string) []int32{tok.Encode, tok.EncodeOrdinary} {
			ids := encode(text)
			if !slices.Equal(ids, encode(valid)) {
				t.Fatalf("%q and its valid form have different ids", text)
			}
			decoded := tok.Decode(ids)
			if again := encode(decoded); !slices.Equal(ids, again) {
				t.Fatalf("%+q became %v, decoded to %+q, which became %v", text, ids, decoded, again)
			}
			for _, id := range ids {
				if tok.TokenBytes(id) == nil {
					t.Fatalf("id %d of %+q is not in the vocabulary", id, text)
				}
			}
		}
	})
}

// FuzzTokenizerJSON looks for files that crash, or that load but cannot encode.
func FuzzTokenizerJSON(f *testing.F) {
	small, err := os.ReadFile(filepath.Join("testdata", "smallest.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small, []byte(`{"added_tokens_decoder": {"259": {"content": "<x>", "special": true}}}`))
	f.Fuzz(func(t *testing.T, data, config []byte) {
		tok, err := tokenizer.Parse("dir", tokenizer.Files{Tokenizer: data, Config: config})
		if err != nil {
			return
		}
		const text = "the <|endoftext|> e\u0301 \xff"
		for _, id := range tok.Encode(text) {
			if id < 0 || int(id) >= tok.VocabSize() {
				t.Fatalf("id %d of %d", id, tok.VocabSize())
			}
		}
		if got := tok.Decode(tok.EncodeOrdinary("plain text")); got != "plain text" {
			t.Fatalf("came back as %q", got)
		}
	})
}
