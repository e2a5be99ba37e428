package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A scanner reads JSON in one pass. It exists for speed: encoding/json takes most of a second for the 300,000 strings
// of a Qwen tokenizer.json. The strings it returns share memory with its input.
type scanner struct {
	data string
	at   int
}

// A syntaxError is the position and kind of a JSON error.
type syntaxError struct {
	line int
	msg  string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.msg) }

func (s *scanner) errorf(format string, args ...any) error {
	at := min(s.at, len(s.data))
	return &syntaxError{1 + strings.Count(s.data[:at], "\n"), fmt.Sprintf(format, args...)}
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.data) {
		switch b := s.data[s.at]; b {
		case ' ', '\n', '\r', '\t':
			s.at++
		default:
			return b
		}
	}
	return 0
}

func (s *scanner) expect(want byte) error {
	if got := s.peek(); got != want {
		return s.errorf("found %s instead of %q", s.found(), want)
	}
	s.at++
	return nil
}

// found describes what comes next, for errors.
func (s *scanner) found() string {
	if s.at >= len(s.data) {
		return "the end of the file"
	}
	r, _ := utf8.DecodeRuneInString(s.data[s.at:])
	return fmt.Sprintf("%q", r)
}

// object reads an object and calls member at each of its values; member must read the value.
func (s *scanner) object(member func(key string) error) error {
	return s.items('{', '}', func() error {
		key, err := s.string()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

// once returns an error if an object has a key for the second time.
func (s *scanner) once(seen map[string]bool, key string) error {
	if seen[key] {
		return s.errorf("%q is there twice", key)
	}
	seen[key] = true
	return nil
}

// array reads an array and calls element at each of its values; element must read the value.
func (s *scanner) array(element func() error) error { return s.items('[', ']', element) }

func (s *scanner) items(open, end byte, item func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	if s.peek() == end {
		s.at++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if s.peek() != ',' {
			return s.expect(end)
		}
		s.at++
	}
}

// integer reads an integer from 0 to limit.
func (s *scanner) integer(limit int64) (int64, error) {
	if b := s.peek(); b < '0' || b > '9' {
		return 0, s.errorf("found %s instead of an integer", s.found())
	}
	var n int64
	for s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '9' {
		n = n*10 + int64(s.data[s.at]-'0')
		if n > limit {
			return 0, s.errorf("number above %d", limit)
		}
		s.at++
	}
	return n, nil
}

// string reads a string.
func (s *scanner) string() (string, error) {
	if err := s.expect('"'); err != nil {
		return "", err
	}
	start := s.at
	for s.at < len(s.data) {
		switch b := s.data[s.at]; {
		case b == '"':
			s.at++
			return s.data[start : s.at-1], nil
		case b == '\\':
			return s.escaped(start)
		case b < ' ':
			return "", s.errorf("control character %q in a string", b)
		}
		s.at++
	}
	return "", s.errorf("the file ends inside a string")
}

// escaped reads the rest of a string that began at start and has its first escape at s.at.
func (s *scanner) escaped(start int) (string, error) {
	var text strings.Builder
	for s.at < len(s.data) {
		text.WriteString(s.data[start:s.at])
		switch s.data[s.at] {
		case '"':
			s.at++
			return text.String(), nil
		case '\\':
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			text.WriteRune(r)
		default:
			return "", s.errorf("control character %q in a string", s.data[s.at])
		}
		for start = s.at; s.at < len(s.data); s.at++ {
			if b := s.data[s.at]; b == '"' || b == '\\' || b < ' ' {
				break
			}
		}
	}
	return "", s.errorf("the file ends inside a string")
}

// escape reads an escape sequence, or the two of a surrogate pair.
func (s *scanner) escape() (rune, error) {
	if s.at+1 < len(s.data) {
		if i := strings.IndexByte(`"\/bfnrt`, s.data[s.at+1]); i >= 0 {
			s.at += 2
			return rune("\"\\/\b\f\n\r\t"[i]), nil
		}
	}
	r, ok := s.hexEscape()
	if ok && utf16.IsSurrogate(r) {
		low, lowOK := s.hexEscape()
		r = utf16.DecodeRune(r, low)
		ok = lowOK && r != utf8.RuneError
	}
	if !ok {
		return 0, s.errorf("malformed escape in a string")
	}
	return r, nil
}

// hexEscape reads \uXXXX.
func (s *scanner) hexEscape() (r rune, ok bool) {
	rest := s.data[s.at:]
	if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
		return 0, false
	}
	for _, b := range []byte(rest[2:6]) {
		digit := strings.IndexByte("0123456789abcdefABCDEF", b)
		if digit < 0 {
			return 0, false
		}
		if digit > 15 {
			digit -= 6
		}
		r = r<<4 | rune(digit)
	}
	s.at += 6
	return r, true
}

// value decodes any value into into, or skips it if into is nil. It is slow, and used for the small parts of the file.
func (s *scanner) value(into any) error {
	s.peek()
	decoder := json.NewDecoder(strings.NewReader(s.data[s.at:]))
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		return s.errorf("%v", err)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			return s.errorf("%v", err)
		}
	}
	s.at += int(decoder.InputOffset())
	return nil
}
