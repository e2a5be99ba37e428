package chat

import (
	"bytes"
	"io"
	"strconv"
	"unicode/utf8"

	"ventriloquist/internal/generate"
)

// stream prints a message while the model writes its line: the author as soon as the text begins, then the text.
type stream struct {
	out    io.Writer
	author string

	line  []byte // written by the model so far
	text  int    // offset in line of the text not printed yet; 0 until the text begins
	ended bool   // the text is complete
}

// beforeText ends what comes before the text. It occurs only there: inside a string its quotes would be escaped.
var beforeText = []byte(`, "text": "`)

// token receives the bytes of the next token.
func (s *stream) token(_ int, bytes []byte) {
	s.line = append(s.line, bytes...)
	if s.text == 0 && !s.begin() {
		return
	}
	var shown []byte
	for !s.ended {
		n := s.next(&shown)
		if n == 0 {
			break
		}
		s.text += n
	}
	io.WriteString(s.out, Printable(string(shown)))
}

// begin prints the author once everything before the text is complete.
func (s *stream) begin() bool {
	at := bytes.Index(s.line, beforeText)
	if at < 0 {
		return false
	}
	s.text = at + len(beforeText)
	m, err := generate.ParseContinuation(s.author, append(bytes.Clone(s.line[:s.text]), `"}`...))
	if err != nil {
		return false
	}
	io.WriteString(s.out, "  "+formatAuthor(&m)+": ")
	return true
}

// next decodes the next character of the text and returns its length in bytes, 0 if it is incomplete.
func (s *stream) next(shown *[]byte) int {
	rest := s.line[s.text:]
	switch {
	case len(rest) == 0:
		return 0
	case rest[0] == '"':
		s.ended = true
		return 1
	case rest[0] != '\\':
		if !utf8.FullRune(rest) {
			return 0
		}
		_, n := utf8.DecodeRune(rest)
		*shown = append(*shown, rest[:n]...)
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
	r, _, _, err := strconv.UnquoteChar(string(rest[:n]), '"')
	if err == nil {
		*shown = utf8.AppendRune(*shown, r)
	}
	return n
}

// end finishes the printed line, if one was begun.
func (s *stream) end() {
	if s.text > 0 {
		io.WriteString(s.out, "\n")
	}
}
