package tokenizer_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"ventriloquist/internal/tokenizer"
)

// Each invalid sequence is one U+FFFD, as in encoding.TextDecoder and Rust's from_utf8_lossy.
func TestToValidUTF8(t *testing.T) {
	t.Parallel()
	for broken, want := range map[string]string{
		"":                         "",
		"aé世😀":                     "aé世😀",
		"\xff":                     "\uFFFD",
		"a\x80\x80b":               "a\uFFFD\uFFFDb",
		"\xe4\xb8":                 "\uFFFD",                   // a cut character
		"\xe4\xb8x":                "\uFFFDx",                  //
		"\xf0\x9f\x98":             "\uFFFD",                   //
		"\xf0\x9f\x98\xf0":         "\uFFFD\uFFFD",             //
		"\xc0\xaf":                 "\uFFFD\uFFFD",             // overlong
		"\xe0\x80\xaf":             "\uFFFD\uFFFD\uFFFD",       //
		"\xed\xa0\x80":             "\uFFFD\uFFFD\uFFFD",       // a surrogate
		"\xf4\x90\x80\x80":         "\uFFFD\uFFFD\uFFFD\uFFFD", // beyond U+10FFFF
		"\xf1\x80\x80\xe1\x80\xc2": "\uFFFD\uFFFD\uFFFD",
	} {
		if got := tokenizer.ToValidUTF8(broken); got != want {
			t.Errorf("ToValidUTF8(%q) = %+q, want %+q", broken, got, want)
		}
	}
}

func TestEncode_InvalidUTF8IsReplacementCharacter(t *testing.T) {
	t.Parallel()
	tok := load(t, cutDir)
	checkIDs(t, "Encode", "a\xe4\xb8 b\xff", tok.Encode("a\xe4\xb8 b\xff"), tok.Encode("a\uFFFD b\uFFFD"))
	checkIDs(t, "EncodeOrdinary", "\x80", tok.EncodeOrdinary("\x80"), tok.EncodeOrdinary("\uFFFD"))
}

func TestDecode_SkipsUnknownIDs(t *testing.T) {
	t.Parallel()
	tok := load(t, cutDir)
	ids := tok.Encode("ab")
	ids = append(ids, -1, int32(tok.VocabSize()), 1<<30)
	if got := tok.Decode(ids); got != "ab" {
		t.Errorf("Decode(%v) = %q", ids, got)
	}
}

func TestTokenBytes_JoinToText(t *testing.T) {
	t.Parallel()
	tok := load(t, cutDir)
	const text = "a 😀 <|endoftext|>é\n"
	var joined []byte
	for _, id := range tok.Encode(text) {
		joined = append(joined, tok.TokenBytes(id)...)
	}
	if string(joined) != text {
		t.Errorf("the tokens' bytes are %q", joined)
	}
	for _, id := range []int32{-1, int32(tok.VocabSize())} {
		if b := tok.TokenBytes(id); b != nil {
			t.Errorf("TokenBytes(%d) = %q", id, b)
		}
	}
}

func TestTokenID(t *testing.T) {
	t.Parallel()
	tok := load(t, cutDir)
	end, ok := tok.TokenID("<|endoftext|>")
	if !ok || !tok.IsAdded(end) || string(tok.TokenBytes(end)) != "<|endoftext|>" {
		t.Errorf("<|endoftext|> is %d, %v, added %v", end, ok, tok.IsAdded(end))
	}
	the, ok := tok.TokenID("Ġthe")
	if !ok || tok.IsAdded(the) || string(tok.TokenBytes(the)) != " the" {
		t.Errorf("Ġthe is %d, %v, added %v", the, ok, tok.IsAdded(the))
	}
	if id, ok := tok.TokenID("no such token"); ok {
		t.Errorf("no such token is %d", id)
	}
}

func TestVocabSize_CountsAddedTokens(t *testing.T) {
	t.Parallel()
	tok := load(t, cutDir)
	last := int32(tok.VocabSize() - 1)
	if !tok.IsAdded(last) || tok.TokenBytes(last) == nil {
		t.Errorf("the last id, %d, is no added token", last)
	}
}

func TestParse_AddedTokensOfTokenizerConfig(t *testing.T) {
	t.Parallel()
	data := withAddedTokens(t, []byte(`[]`))
	size := func() string {
		tok, _ := tokenizer.Parse("", tokenizer.Files{Tokenizer: data})
		return strconv.Itoa(tok.VocabSize())
	}()
	config := `{"added_tokens_decoder": {"` + size + `": {"content": "<x>", "special": true}}, "model_max_length": 1e30}`
	tok, err := tokenizer.Parse("", tokenizer.Files{Tokenizer: data, Config: []byte(config)})
	if err != nil {
		t.Fatal(err)
	}
	if got := strconv.Itoa(int(tok.Encode("a<x>")[1])); got != size {
		t.Errorf("<x> became %s, not %s", got, size)
	}
	_, err = tokenizer.Parse("dir", tokenizer.Files{Tokenizer: data, Config: []byte(strings.Replace(config, size, "1", 1))})
	wantError(t, err, `dir/tokenizer_config.json: added_tokens_decoder: added token "<x>" has id 1`)
}

func TestParse_MergesAsStringsMatchPairs(t *testing.T) {
	t.Parallel()
	var definition map[string]any
	if err := json.Unmarshal([]byte(read(t, filepath.Join(cutDir, "tokenizer.json"))), &definition); err != nil {
		t.Fatal(err)
	}
	model := definition["model"].(map[string]any)
	lines := []string{"#version: 0.2"}
	for _, pair := range model["merges"].([]any) {
		lines = append(lines, pair.([]any)[0].(string)+" "+pair.([]any)[1].(string))
	}
	model["merges"] = lines
	data, err := json.Marshal(definition)
	if err != nil {
		t.Fatal(err)
	}
	old, err := tokenizer.Parse("", tokenizer.Files{Tokenizer: data})
	if err != nil {
		t.Fatal(err)
	}
	tok := load(t, cutDir)
	goldens(t, "texts.jsonl.gz", func(_ int, g textGolden) {
		checkIDs(t, "Encode", g.Text, old.Encode(g.Text), tok.Encode(g.Text))
	})
}

// Each case changes one thing in a valid file.
func TestParse_Rejects(t *testing.T) {
	t.Parallel()
	good := read(t, filepath.Join(cutDir, "tokenizer.json"))
	for name, c := range map[string]struct{ old, new, want string }{
		"Model":         {`"type":"BPE"`, `"type":"Unigram"`, `model.type "Unigram"`},
		"Dropout":       {`"dropout":null`, `"dropout":0.1`, `model.dropout 0.1`},
		"IgnoreMerges":  {`"ignore_merges":false`, `"ignore_merges":true`, `model.ignore_merges`},
		"Suffix":        {`"end_of_word_suffix":""`, `"end_of_word_suffix":"</w>"`, `"</w>"`},
		"Prefix":        {`"continuing_subword_prefix":""`, `"continuing_subword_prefix":"##"`, `"##"`},
		"Normalizer":    {`"NFC"`, `"NFKC"`, `normalizer "NFKC"`},
		"Pattern":       {`\\p{N}|`, `\\p{N}{1,3}|`, `{1,3}`},
		"Behavior":      {`"Isolated"`, `"Removed"`, `"Removed"`},
		"PreTokenizer":  {`"type":"Split"`, `"type":"Digits"`, `pre_tokenizer "Sequence"`},
		"PrefixSpace":   {`"add_prefix_space":false`, `"add_prefix_space":true`, `add_prefix_space`},
		"UseRegex":      {`"use_regex":false`, `"use_regex":true`, `use_regex`},
		"PostProcessor": {`"post_processor":{"type":"ByteLevel"`, `"post_processor":{"type":"TemplateProcessing"`, `"TemplateProcessing"`},
		"Decoder":       {`"decoder":{"type":"ByteLevel"`, `"decoder":{"type":"WordPiece"`, `decoder "WordPiece"`},
		"MissingByte":   {`"!":0,`, ``, `no token for byte 0x21`},
		"IDTwice":       {`"!":0,`, `"!":1,`, `id 1 belongs to both`},
		"TokenTwice":    {`"!":0,`, `"!":0,"!":5000,`, `listed twice`},
		"HugeID":        {`"!":0,`, `"!":4294967295,`, `number above`},
		"NegativeID":    {`"!":0,`, `"!":-1,`, `instead of an integer`},
		"MergeUnknown":  {`"merges":[["Ġ","Ġ"]`, `"merges":[["Ġ","QQQ"]`, `"QQQ" of merge 1`},
		"MergeResult":   {`"merges":[["Ġ","Ġ"]`, `"merges":[["!","Ġ"]`, `"!Ġ", made by merge 1`},
		"MergeOfThree":  {`"merges":[["Ġ","Ġ"]`, `"merges":[["Ġ","Ġ","Ġ"]`, `more than two tokens`},
		"MergeOfOne":    {`"merges":[["Ġ","Ġ"]`, `"merges":[["Ġ"]`, `fewer than two tokens`},
		"MergeString":   {`"merges":[["Ġ","Ġ"]`, `"merges":["ĠĠ"`, `merge "ĠĠ"`},
		"NoVocab":       {`"vocab":`, `"vocabulary":`, `no model with a vocab`},
		"AddedID":       {`"content":"<|endoftext|>"`, `"content":"!"`, `added token "!" has id`},
		"NotUTF8":       {`"!":0,`, "\"\xff\":0,", `not valid UTF-8`},
		"LoneSurrogate": {`"!":0,`, `"\ud800":0,`, `malformed escape`},
		"Truncated":     {good[len(good)/2:], ``, `the end of the file`},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(good, c.old, c.new, 1)
			if bad == good {
				t.Fatalf("the file has no %s", c.old)
			}
			_, err := tokenizer.Parse("dir", tokenizer.Files{Tokenizer: []byte(bad)})
			wantError(t, err, c.want)
		})
	}
	_, err := tokenizer.Parse("dir", tokenizer.Files{Tokenizer: []byte(good + "x")})
	wantError(t, err, "'x' after the end")
}

func TestParse_ErrorNamesFileAndLine(t *testing.T) {
	t.Parallel()
	_, err := tokenizer.Parse("dir", tokenizer.Files{Tokenizer: []byte("{\n\"model\": {\n!")})
	wantError(t, err, filepath.Join("dir", "tokenizer.json")+": line 3: found '!' instead of")
}

// Windows rely on this: the tokens of a line do not depend on its neighbors.
func TestEncodeOrdinary_LinesStandAlone(t *testing.T) {
	t.Parallel()
	tok := load(t, cutDir)
	rng := rand.New(rand.NewPCG(1, 2))
	var text string
	var lines []int32
	for range 300 {
		line := `{"text": "` + strings.Map(func(r rune) rune {
			if r < ' ' || r == utf8.RuneError {
				return 'x'
			}
			return r
		}, randomText(rng)) + "\"}\n"
		text += line
		lines = tok.AppendEncodeOrdinary(lines, line)
	}
	checkIDs(t, "EncodeOrdinary", text, tok.EncodeOrdinary(text), lines)
}

func TestEncodeOrdinary_DecodesToNFC(t *testing.T) {
	t.Parallel()
	tok := load(t, cutDir)
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		text := randomText(rng)
		if got, want := tok.Decode(tok.EncodeOrdinary(text)), norm.NFC.String(text); got != want {
			t.Fatalf("%+q came back as %+q, want %+q", text, got, want)
		}
	}
}

// randomText mixes characters that are in Unicode 12 and few marks: there x/text and Hugging Face agree.
func randomText(rng *rand.Rand) string {
	ranges := [][2]rune{{0x20, 0x7e}, {0x20, 0x7e}, {0xa0, 0x24f}, {0x300, 0x345}, {0x1100, 0x1112}, {0x1161, 0x1175}, {0x11a8, 0x11c2}, {0xac00, 0xd7a3}, {0x1e00, 0x1fff}, {0x4e00, 0x9fff}, {9, 13}, {0x1f600, 0x1f64f}}
	var text strings.Builder
	for range rng.IntN(40) {
		r := ranges[rng.IntN(len(ranges))]
		text.WriteRune(r[0] + rng.Int32N(r[1]-r[0]+1))
	}
	return text.String()
}

func TestTokenizer_IsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	tok := load(t, cutDir)
	var texts []textGolden
	goldens(t, "texts.jsonl.gz", func(_ int, g textGolden) { texts = append(texts, g) })
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range texts {
				g := texts[(i+w*len(texts)/4)%len(texts)]
				if !slices.Equal(tok.Encode(g.Text), g.IDs) {
					t.Errorf("wrong ids for %+q", g.Text)
				}
			}
		})
	}
	wg.Wait()
}

func TestAppendEncode_DoesNotAllocate(t *testing.T) {
	tok := load(t, cutDir)
	const text = `{"name": "Aidan", "delta": "<1m", "text": "don't <|endoftext|> café 😀"}` + "\n"
	ids := tok.Encode(text)
	if n := testing.AllocsPerRun(100, func() { ids = tok.AppendEncode(ids[:0], text) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("error %v, want one with %q", err, part)
	}
}
