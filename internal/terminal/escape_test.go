package terminal_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"ventriloquist/internal/terminal"
)

func TestEscape_LeavesTextAndEscapesControls(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain\ttext\n": "plain\ttext\n",
		"Zoë 👩‍👩‍👧 שלום 你好\u200e": "Zoë 👩‍👩‍👧 שלום 你好\u200e",
		"\x1b]52;c;cm0=\a":    `\u001b]52;c;cm0=\u0007`,
		"a\rb":                `a\u000db`,
		"\u009b31m":           `\u009b31m`,
		"\u202egnp.exe\u2069": `\u202egnp.exe\u2069`,
		"\xff\xc3":            `\xff\xc3`,
		"\x7f":                `\u007f`,
	} {
		if got := terminal.Escape(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestWriter_KeepsTheValueOfJSON(t *testing.T) {
	t.Parallel()
	text := "\x00\x1b[2J \u0085\u009b\u2028\u202e\u2066 \x7f é"
	var out bytes.Buffer
	if err := json.NewEncoder(terminal.NewWriter(&out)).Encode(text); err != nil {
		t.Fatal(err)
	}
	var back string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != text {
		t.Errorf("%q (%v) came back from %s, want %q", back, err, out.Bytes(), text)
	}
}

// However it is cut into writes, the same comes out.
func FuzzWriter(f *testing.F) {
	f.Add([]byte("a\u202eé👩\xff"), 2)
	f.Add([]byte("\xf0\x9f"), 1)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		cut = min(max(cut, 0), len(text))
		var out bytes.Buffer
		w := terminal.NewWriter(&out)
		for _, part := range [][]byte{text[:cut], text[cut:]} {
			if n, err := w.Write(part); err != nil || n != len(part) {
				t.Fatalf("wrote %d of %d: %v", n, len(part), err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if want := terminal.Escape(string(text)); out.String() != want {
			t.Errorf("%q cut at %d gives %q, want %q", text, cut, out.String(), want)
		}
		for _, r := range out.String() {
			if r == utf8.RuneError || r < 0x20 && r != '\n' && r != '\t' {
				if !bytes.ContainsRune(text, utf8.RuneError) {
					t.Errorf("%q came through", r)
				}
			}
		}
	})
}
