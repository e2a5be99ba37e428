package generate

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"unicode"

	"ventriloquist/internal/windows"
)

// accepts reports whether a continuation of the prefill is a whole line.
func accepts(text string) bool {
	s := startState
	for _, b := range []byte(text) {
		if s = lineGrammar.step(s, b); s == dead {
			return false
		}
	}
	return s == endState
}

// afterPrefill returns what the model must write for a message.
func afterPrefill(t testing.TB, m *windows.Message) string {
	t.Helper()
	text, ok := strings.CutPrefix(string(windows.AppendMessage(nil, m)), Prefill(m.Name))
	if !ok {
		t.Fatalf("the line of %+v does not begin with its prefill", m)
	}
	return text
}

// The lines were written by Python: json.dumps(ensure_ascii=False) of strings with every kind of character.
func TestGrammar_AcceptsPythonLines(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../windows/testdata/lines.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	lines := 0
	for in.Scan() {
		var golden struct {
			Message struct{ Name, Text, Reply_to string }
			Line    string
		}
		if err := json.Unmarshal(in.Bytes(), &golden); err != nil {
			t.Fatal(err)
		}
		line, err := hex.DecodeString(golden.Line)
		if err != nil {
			t.Fatal(err)
		}
		text, ok := strings.CutPrefix(string(line), Prefill(golden.Message.Name))
		if !ok {
			t.Fatalf("%q does not begin with the prefill %q", line, Prefill(golden.Message.Name))
		}
		breaks := strings.ContainsAny(golden.Message.Text+golden.Message.Reply_to, "\r\n")
		blank := strings.TrimFunc(golden.Message.Text, blankForPython) == ""
		if want := !breaks && !blank; accepts(text) != want {
			t.Errorf("accepts(%q) = %v", text, !want)
		} else if want {
			lines++
		}
	}
	if lines < 20 {
		t.Errorf("only %d lines were to be accepted", lines)
	}
}

func blankForPython(r rune) bool { return unicode.IsSpace(r) || r >= 0x1C && r <= 0x1F }

func TestGrammar_Rejects(t *testing.T) {
	t.Parallel()
	const good = `delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey"}` + "\n"
	if !accepts(good) {
		t.Fatalf("refuses %q", good)
	}
	text := func(s string) string { return strings.Replace(good, "hey", s, 1) }
	for _, c := range []struct{ name, text string }{
		{"NoNewline", strings.TrimSuffix(good, "\n")},
		{"MoreBehind", good + "{"},
		{"TwoNewlines", good + "\n"},
		{"OtherDelta", strings.Replace(good, "<1m", "<2m", 1)},
		{"AngleBrackets", strings.Replace(good, "<1m", "<1m>", 1)},
		{"OtherType", strings.Replace(good, `"text",`, `"sticker",`, 1)},
		{"OtherKey", strings.Replace(good, "reply_to", "replyto", 1)},
		{"NoSpace", strings.Replace(good, `": "`, `":"`, 1)},
		{"ReplyNumber", strings.Replace(good, "null", "1", 1)},
		{"EmptyText", text("")},
		{"BlankText", text("  ")},
		{"BlankTextOfEscapes", text(`\t\u000b\u001f`)},
		{"BlankTextOfUnicode", text("\u3000\u00A0\u2028")},
		{"RawTab", text("a\tb")},
		{"RawNewline", text("a\nb")},
		{"Newline", text(`a\nb`)},
		{"CarriageReturn", text(`a\rb`)},
		{"EscapedSlash", text(`a\/b`)},
		{"EscapedASCII", text(`\u0041`)},
		{"EscapedUnicode", text(`\u00e9`)},
		{"Surrogate", text(`\ud83d\ude00`)},
		{"UpperCaseHex", text(`\u001F`)},
		{"LongForm", text(`\u0009x`)},
		{"LoneContinuation", text("\x80")},
		{"Truncated", text("\xE2\x80")},
		{"Overlong", text("\xC0\xAF")},
		{"OverlongThree", text("\xE0\x80\xAF")},
		{"EncodedSurrogate", text("\xED\xA0\x80")},
		{"PastUnicode", text("\xF4\x90\x80\x80")},
		{"OpenEscape", text(`\`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if accepts(c.text) {
				t.Errorf("accepts %q", c.text)
			}
		})
	}
}

// Of messages with random characters, the grammar accepts exactly those that windows can hold.
func TestGrammar_AcceptsRenderedMessages(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("a\"\\/ \t\b\f\v\x00\x1f\x7fé\u00A0\u1680\u2000\u200B\u2028\u3000\u3001\uD7FF\uE000\uFFFD😀\U0010FFFF")
	word := func() string {
		var s strings.Builder
		for range random.IntN(4) {
			s.WriteRune(alphabet[random.IntN(len(alphabet))])
		}
		return s.String()
	}
	for range 20000 {
		m := windows.Message{Name: word(), Delta: windows.Deltas[random.IntN(len(windows.Deltas))],
			ContentType: windows.ContentTypes[random.IntN(len(windows.ContentTypes))], Text: word()}
		if random.IntN(2) == 0 {
			quote := word()
			m.ReplyTo = &quote
		}
		want := strings.TrimFunc(m.Text, blankForPython) != ""
		if text := afterPrefill(t, &m); accepts(text) != want {
			t.Fatalf("accepts(%q) = %v", text, !want)
		}
	}
}

// The walk over the sorted vocabulary accepts the same tokens as stepping through each token, in every state.
func TestTokenTrie_MatchesStepping(t *testing.T) {
	t.Parallel()
	tokenizer := newFakeTokenizer(likeQwen...)
	size := len(tokenizer.tokens) + 5
	g := NewGrammar(tokenizer, size)
	for s := range lineGrammar.next {
		got := g.from(state(s))
		n := 0
		for id := range int32(size) {
			to, text := state(s), tokenizer.TokenBytes(id)
			for _, b := range text {
				if to = lineGrammar.step(to, b); to == dead {
					break
				}
			}
			if len(text) == 0 || to == dead || tokenizer.IsAdded(id) {
				continue
			}
			if n >= len(got.ids) || got.ids[n] != id || got.next[n] != to {
				t.Fatalf("state %d: token %d %q is missing among the choices", s, id, text)
			}
			n++
		}
		if n != len(got.ids) {
			t.Fatalf("state %d: %d choices, want %d", s, len(got.ids), n)
		}
	}
}
