package generate

import (
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/tokenizer"
)

// qwen returns the tokenizer of Qwen3, if it is next to the repository, and the size of Qwen3's vocabulary.
func qwen(t testing.TB) (*tokenizer.Tokenizer, int) {
	dir := filepath.Join("..", "..", "..", "shared", "tokenizer", "qwen3")
	content, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		t.Skipf("no tokenizer of Qwen3: %v", err)
	}
	config, _ := os.ReadFile(filepath.Join(dir, "tokenizer_config.json")) // optional
	tok, err := tokenizer.Parse(dir, tokenizer.Files{Tokenizer: content, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	return tok, 151936
}

// Every state can be left, no added token is ever allowed, and the shortest message has the right number of Qwen's tokens.
func TestGrammar_Qwen(t *testing.T) {
	t.Parallel()
	tok, size := qwen(t)
	g := NewGrammar(tok, size)
	for s := range lineGrammar.next {
		c := g.from(state(s))
		if len(c.ids) == 0 && state(s) != endState {
			t.Errorf("no token leaves state %d", s)
		}
		for _, id := range c.ids {
			if tok.IsAdded(id) {
				t.Fatalf("the added token %d is allowed in state %d", id, s)
			}
		}
	}
	shortest, _ := g.lengths()
	own := len(tok.EncodeOrdinary(`delta": "<1m", "reply_to": null, "content_type": "text", "text": "a"}` + "\n"))
	if shortest[startState] > own || shortest[startState] < own/2 {
		t.Errorf("the shortest message is %d tokens, Qwen's own has %d", shortest[startState], own)
	}
}

func BenchmarkNewGrammar_Qwen(b *testing.B) {
	tok, size := qwen(b)
	for b.Loop() {
		NewGrammar(tok, size).lengths()
	}
}

// BenchmarkAllowed_Qwen measures the mask inside a text: nearly all tokens, with and without a limit in reach.
func BenchmarkAllowed_Qwen(b *testing.B) {
	tok, size := qwen(b)
	g := NewGrammar(tok, size)
	for _, c := range []struct {
		name string
		left int
	}{{"Far", 1000}, {"Near", 3}} {
		b.Run(c.name, func(b *testing.B) {
			l, err := g.newLine(0, 1000)
			if err != nil {
				b.Fatal(err)
			}
			for _, text := range []byte(`delta": "<1m", "reply_to": null, "content_type": "text", "text": "ab`) {
				l.state = lineGrammar.step(l.state, text)
			}
			l.produced = 1000 - c.left
			for b.Loop() {
				if allowed := l.allowed(); len(allowed.ids) < 100000 {
					b.Fatal(len(allowed.ids))
				}
			}
		})
	}
}
