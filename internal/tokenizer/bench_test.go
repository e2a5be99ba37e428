package tokenizer_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"ventriloquist/internal/tokenizer"
)

const chatCorpus = "../../../shared/chats/ubuntu-irc/train.jsonl.gz"

// BenchmarkEncode measures one goroutine on the messages of the chat corpus, on the same messages as window lines, and on a
// file that scripts/bench_tokenizers.py names in the environment.
func BenchmarkEncode(b *testing.B) {
	b.Run("chat", func(b *testing.B) { benchmarkEncode(b, loadFull(b), chatTexts(b)) })
	b.Run("windows", func(b *testing.B) { benchmarkEncode(b, loadFull(b), asWindowLines(b, chatTexts(b))) })
	b.Run("given", func(b *testing.B) {
		dir, path := os.Getenv("BENCH_TOKENIZER"), os.Getenv("BENCH_TEXT")
		if dir == "" || path == "" {
			b.Skip("BENCH_TOKENIZER and BENCH_TEXT are not set")
		}
		benchmarkEncode(b, load(b, dir), read(b, path))
	})
}

func benchmarkEncode(b *testing.B, tok *tokenizer.Tokenizer, text string) {
	ids := tok.Encode(text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		ids = tok.AppendEncode(ids[:0], text)
	}
	b.ReportMetric(float64(len(ids)), "tokens")
}

func BenchmarkLoad(b *testing.B) {
	loadFull(b)
	for b.Loop() {
		load(b, fullDir)
	}
}

// chatTexts returns the messages of the chat corpus, one per line.
func chatTexts(b *testing.B) string {
	f, err := os.Open(chatCorpus)
	if err != nil {
		b.Skipf("no chat corpus in %s", chatCorpus)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	var texts strings.Builder
	messages := json.NewDecoder(unzipped)
	for {
		var message struct{ Text string }
		if err := messages.Decode(&message); err == io.EOF {
			return texts.String()
		} else if err != nil {
			b.Fatal(err)
		}
		texts.WriteString(message.Text + "\n")
	}
}

func asWindowLines(b *testing.B, texts string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for line := range strings.Lines(texts) {
		out.WriteString(`{"name": "Aidan", "delta": "<1m", "reply_to": null, "content_type": "text", "text": `)
		if err := encoder.Encode(strings.TrimSuffix(line, "\n")); err != nil {
			b.Fatal(err)
		}
		out.Truncate(out.Len() - 1)
		out.WriteString("}\n")
	}
	return out.String()
}
