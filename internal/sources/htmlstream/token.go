package htmlstream

import (
	"bytes"

	"golang.org/x/net/html"
)

// What is known of a token whose end is not found.
const (
	cutOff  = 0  // more must be read
	unusual = -1 // the general tokenizer must read it
)

// usual reads the token at the beginning of b, and returns its length, or one of the constants above.
func (s *scanner) usual(b []byte) (end int, kind html.TokenType) {
	if end := textEnd(b); end != 0 {
		s.spoken = nil
		if end > 0 {
			s.text = b[:end]
		}
		return max(end, cutOff), html.TextToken
	}
	switch c := b[1]; {
	case c == '/':
		return s.endTag(b), html.EndTagToken
	case isSmall(c):
		return s.startTag(b)
	}
	return unusual, html.ErrorToken
}

// textEnd returns the length of the text before the first tag, -1 if there is no tag in b.
func textEnd(b []byte) int {
	for from := 0; ; {
		at := bytes.IndexByte(b[from:], '<')
		if at < 0 || from+at+1 == len(b) {
			return -1
		}
		at += from
		switch c := b[at+1]; {
		case isSmall(c), c == '/', c == '!', c == '?', c >= 'A' && c <= 'Z':
			return at
		}
		from = at + 1
	}
}

// endTag reads an end tag.
func (s *scanner) endTag(b []byte) int {
	i := nameEnd(b, 2)
	switch {
	case i == len(b):
		return cutOff
	case !isSmall(b[2]) || b[i] != '>':
		return unusual
	}
	s.name = b[2:i]
	return i + 1
}

// startTag reads a start tag.
func (s *scanner) startTag(b []byte) (end int, kind html.TokenType) {
	i := nameEnd(b, 1)
	s.name, s.attrs = b[1:i], s.attrs[:0]
	for {
		space := i
		for i < len(b) && isSpace(b[i]) {
			i++
		}
		switch {
		case i == len(b) || b[i] == '/' && i+1 == len(b):
			return cutOff, kind
		case isRaw(s.name):
			return unusual, kind
		case b[i] == '>':
			return i + 1, html.StartTagToken
		case b[i] == '/' && b[i+1] == '>':
			return i + 2, html.SelfClosingTagToken
		case i == space:
			return unusual, kind
		}
		if i = s.attr(b, i); i <= 0 {
			return i, kind
		}
	}
}

// attr reads an attribute at b[i], and returns where it ends, or one of the constants above.
func (s *scanner) attr(b []byte, i int) int {
	key := i
	i = nameEnd(b, i)
	switch {
	case i+1 >= len(b):
		return cutOff
	case i == key || b[i] != '=' || b[i+1] != '"' && b[i+1] != '\'':
		return unusual
	}
	a := attr{key: b[key:i]}
	quote := b[i+1]
	i += 2
	for value := i; i < len(b); i++ {
		switch b[i] {
		case quote:
			a.value = b[value:i]
			s.add(a)
			return i + 1
		case '&', '\r', 0:
			return unusual
		}
	}
	return cutOff
}

// add adds an attribute, unless there is one of the same name.
func (s *scanner) add(a attr) {
	for _, other := range s.attrs {
		if bytes.Equal(other.key, a.key) {
			return
		}
	}
	s.attrs = append(s.attrs, a)
}

// nameEnd returns where the name that begins at b[i] ends.
func nameEnd(b []byte, i int) int {
	for i < len(b) && (isSmall(b[i]) || b[i] >= '0' && b[i] <= '9' || b[i] == '-' || b[i] == '_' || b[i] == ':') {
		i++
	}
	return i
}

func isSmall(c byte) bool { return c >= 'a' && c <= 'z' }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' }
