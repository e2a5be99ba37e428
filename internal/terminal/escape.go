// Package terminal shows text and progress. Names, messages, paths and model output may hold control characters that move the
// cursor, set the clipboard, or make a line read differently from what it says; Writer escapes them. Screen owns the last line of
// the terminal, where progress bars are. All numbers on it have one format.
//
// In: text of any origin, amounts done. Out: text with such characters as \u escapes, and live lines. It must not know: what the text
// is about.
package terminal

import (
	"fmt"
	"io"
	"sync"
	"unicode/utf8"
)

// Writer passes text on, with control characters, bidirectional overrides and invalid UTF-8 escaped. Line feeds and tabs stay.
// Inside a JSON string, an escape stands for the character that it replaces, so JSON keeps its value.
type Writer struct {
	mu      sync.Mutex
	out     io.Writer
	pending []byte // the beginning of a character whose rest has not been written yet
	escaped []byte
}

// NewWriter returns a Writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out} }

// Write implements io.Writer. It reports all of p as written unless the underlying writer fails.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := p
	if len(w.pending) > 0 {
		text = append(w.pending, p...)
		w.pending = nil
	}
	if rest := unfinished(text); rest > 0 {
		w.pending = append([]byte(nil), text[len(text)-rest:]...)
		text = text[:len(text)-rest]
	}
	if err := w.pass(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Underlying returns the writer that the text goes to, to ask for the size of a terminal.
func (w *Writer) Underlying() io.Writer { return w.out }

// Flush writes what is left of an unfinished character, escaped.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := w.pending
	w.pending = nil
	return w.pass(rest)
}

func (w *Writer) pass(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	w.escaped = AppendEscaped(w.escaped[:0], text)
	_, err := w.out.Write(w.escaped)
	return err
}

// unfinished returns how many bytes at the end of text are the beginning of a character.
func unfinished(text []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(text)); n++ {
		if b := text[len(text)-n]; utf8.RuneStart(b) {
			if !utf8.FullRune(text[len(text)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// AppendEscaped appends text to dst, with what could control a terminal as escapes.
func AppendEscaped(dst, text []byte) []byte {
	for len(text) > 0 {
		plain := 0
		for plain < len(text) && (0x20 <= text[plain] && text[plain] < 0x7f || text[plain] == '\n' || text[plain] == '\t') {
			plain++
		}
		if plain > 0 {
			dst, text = append(dst, text[:plain]...), text[plain:]
			continue
		}
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			dst = fmt.Appendf(dst, `\x%02x`, text[0])
		case controls(r):
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = append(dst, text[:n]...)
		}
		text = text[n:]
	}
	return dst
}

// Escape returns text with what could control a terminal as escapes.
func Escape(text string) string { return string(AppendEscaped(nil, []byte(text))) }

// controls reports whether a character controls a terminal or the order of other characters: C0 and C1 controls except line feed
// and tab, line and paragraph separators, and explicit embeddings, overrides and isolates. Marks such as U+200E are part of text.
func controls(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r < 0x20, 0x7f <= r && r < 0xa0:
		return true
	}
	return 0x2028 <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}
