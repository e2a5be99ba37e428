package generate

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"ventriloquist/internal/windows"
)

// MessageReader reads the text of a message while the model writes its line.
type MessageReader struct {
	as    string
	line  []byte // so far
	text  int    // offset of the text that was not returned yet; 0 until the text begins
	ended bool
}

// NewMessageReader returns a reader of the line that the model writes after the prefill of as.
func NewMessageReader(as string) *MessageReader { return &MessageReader{as: as} }

// Ended reports whether the text is complete.
func (r *MessageReader) Ended() bool { return r.ended }

// Add takes the bytes of the next token. It returns the text that they complete, and once, when the text begins, the message without
// its text.
func (r *MessageReader) Add(token []byte) (text []byte, begins *windows.Message) {
	r.line = append(r.line, token...)
	if r.text == 0 {
		at := bytes.Index(r.line, beforeText)
		if at < 0 {
			return nil, nil
		}
		r.text = at + len(beforeText)
		m, err := ParseContinuation(r.as, append(bytes.Clone(r.line[:r.text]), `"}`...))
		if err != nil {
			m = windows.Message{Name: r.as}
		}
		begins = &m
	}
	for !r.ended {
		n := r.next(&text)
		if n == 0 {
			break
		}
		r.text += n
	}
	return text, begins
}

// next decodes the next character of the text and returns its length in the line, 0 if it is incomplete.
func (r *MessageReader) next(text *[]byte) int {
	rest := r.line[r.text:]
	switch {
	case len(rest) == 0:
		return 0
	case rest[0] == '"':
		r.ended = true
		return 1
	case rest[0] != '\\':
		if !utf8.FullRune(rest) {
			return 0
		}
		_, n := utf8.DecodeRune(rest)
		*text = append(*text, rest[:n]...)
		return n
	}
	n := 2
	if len(rest) > 1 && rest[1] == 'u' {
		n = len(`\u0000`)
	}
	if len(rest) < n {
		return 0
	}
	// JSON's escapes are also Go's, except \/, which lines do not use.
	if c, _, _, err := strconv.UnquoteChar(string(rest[:n]), '"'); err == nil {
		*text = utf8.AppendRune(*text, c)
	}
	return n
}
