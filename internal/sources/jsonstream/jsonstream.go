// Package jsonstream reads JSON exports that may be larger than memory, and damaged.
//
// In: a reader. Out: keys and values, in order; a value that is small enough to be in memory comes as its bytes, which Fields,
// Elements and String take apart. It must not know any export's format.
//
// A damaged element of an array costs itself: the Scanner looks for the next object that begins with the same keys as the elements
// before it, or with those of an enclosing array's elements, and goes on there.
package jsonstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	bufferSize = 1 << 20
	deepest    = 1000 // levels of a value
	mostDamage = 1000 // damaged spots of one stream
)

// ErrLimit matches the errors of values beyond a limit.
var ErrLimit = errors.New("the export is beyond a limit")

// Damage is an error of the content at a line, or a limit that it is beyond.
type Damage struct {
	Line int
	Err  error
}

func (d *Damage) Error() string { return fmt.Sprintf("line %d: %v", d.Line, d.Err) }

// Unwrap returns what is wrong.
func (d *Damage) Unwrap() error { return d.Err }

// unwind goes on with another element of an enclosing array.
type unwind struct{ level int }

func (u unwind) Error() string { return "the rest of the element is damaged" }

// Scanner reads a document from its beginning to its end.
type Scanner struct {
	in      io.Reader
	most    int // bytes of a value
	buf     []byte
	pos     int // of the next byte in buf
	mark    int // buf is kept from here; -1 for none
	ended   bool
	failed  error
	lines   int // line breaks before buf
	damages int
	depth   int // of what is skipped
	levels  []level
	damaged func(*Damage)
}

// level is an array that is being read.
type level struct{ form string } // how its elements begin

// New returns a scanner of a stream whose values, as far as they must be in memory, have at most so many bytes. It calls damaged,
// unless that is nil, for damaged elements of arrays that it passes over.
func New(in io.Reader, most int, damaged func(*Damage)) *Scanner {
	s := &Scanner{in: in, most: most, mark: -1, damaged: damaged}
	if s.more(3) && bytes.HasPrefix(s.buf, []byte("\uFEFF")) {
		s.pos = len("\uFEFF")
	}
	return s
}

// Line returns the number of the current line, from 1.
func (s *Scanner) Line() int { return s.lineOf(s.pos) }

func (s *Scanner) lineOf(pos int) int { return 1 + s.lines + bytes.Count(s.buf[:pos], []byte{'\n'}) }

// wrong returns the error of the content at the current position.
func (s *Scanner) wrong(format string, args ...any) error {
	return &Damage{s.Line(), fmt.Errorf(format, args...)}
}

// more reports whether there are n more bytes, or reads as many as there are.
func (s *Scanner) more(n int) bool {
	for len(s.buf)-s.pos < n && !s.ended {
		s.fill()
	}
	return len(s.buf)-s.pos >= n
}

// fill reads more of the stream behind what is in buf.
func (s *Scanner) fill() {
	from := s.pos
	if s.mark >= 0 {
		from = s.mark
	}
	if from > 0 && (from > len(s.buf)/2 || len(s.buf) == cap(s.buf)) {
		s.lines += bytes.Count(s.buf[:from], []byte{'\n'})
		s.buf = s.buf[:copy(s.buf, s.buf[from:])]
		s.pos -= from
		if s.mark >= 0 {
			s.mark = 0
		}
	}
	if len(s.buf) == cap(s.buf) {
		grown := make([]byte, len(s.buf), max(bufferSize, 2*cap(s.buf)))
		copy(grown, s.buf)
		s.buf = grown
	}
	n, err := s.in.Read(s.buf[len(s.buf):cap(s.buf)])
	s.buf = s.buf[:len(s.buf)+n]
	if err != nil {
		s.ended = true
		if !errors.Is(err, io.EOF) {
			s.failed = err
		}
	}
}

// end returns the error of a stream that ends in the middle of its content.
func (s *Scanner) end() error {
	if s.failed != nil {
		return s.failed
	}
	return io.ErrUnexpectedEOF
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// Peek returns the first byte of the next token.
func (s *Scanner) Peek() (byte, error) {
	for {
		for ; s.pos < len(s.buf); s.pos++ {
			if c := s.buf[s.pos]; !isSpace(c) {
				return c, nil
			}
		}
		if !s.more(1) {
			return 0, s.end()
		}
	}
}

// take takes a byte that must be next.
func (s *Scanner) take(want byte) error {
	c, err := s.Peek()
	if err != nil {
		return err
	}
	if c != want {
		return s.wrong("there is %s where a %c should be", printable(c), want)
	}
	s.pos++
	return nil
}

func printable(c byte) string {
	if c > ' ' && c < 0x7f {
		return string(rune(c))
	}
	return fmt.Sprintf("the byte %#02x", c)
}

// Object calls field for every key of an object. The field must read the value.
func (s *Scanner) Object(field func(key string) error) error {
	if err := s.take('{'); err != nil {
		return err
	}
	if c, err := s.Peek(); err != nil || c == '}' {
		s.pos++
		return err
	}
	for {
		if c, err := s.Peek(); err == nil && c != '"' {
			return s.wrong("there is %s where a key should be", printable(c))
		}
		raw, err := s.Value()
		if err != nil {
			return err
		}
		key, _, err := String(raw)
		if err != nil {
			return s.wrong("%w", err)
		}
		if err := s.take(':'); err != nil {
			return err
		}
		if err := field(key); err != nil {
			return err
		}
		if c, err := s.Peek(); err != nil || c == '}' {
			s.pos++
			return err
		}
		if err := s.take(','); err != nil {
			return err
		}
	}
}

// Array calls element for every element of an array, which it must read. A damaged element costs itself.
func (s *Scanner) Array(element func() error) error {
	if err := s.take('['); err != nil {
		return err
	}
	at := len(s.levels)
	s.levels = append(s.levels, level{})
	defer func() { s.levels = s.levels[:at] }()
	for {
		c, err := s.Peek()
		if err != nil {
			return err
		}
		switch c {
		case ']':
			s.pos++
			return nil
		case ',':
			s.pos++
			continue
		}
		s.learn(at)
		err = s.element(element, at)
		if to := (unwind{}); errors.As(err, &to) && to.level == at {
			err = nil
		}
		if err != nil {
			return err
		}
	}
}

// element reads an element of the array at a level, and what separates it from the next.
func (s *Scanner) element(element func() error, at int) error {
	err := element()
	if err == nil {
		var c byte
		if c, err = s.Peek(); err == nil && c != ',' && c != ']' {
			err = s.wrong("there is %s where a , or ] should be", printable(c))
		}
	}
	var damage *Damage
	if !errors.As(err, &damage) || errors.Is(err, ErrLimit) {
		return err
	}
	s.levels = s.levels[:at+1]
	return s.resume(damage)
}

// Value returns the bytes of the next value. They are valid until the next call.
func (s *Scanner) Value() ([]byte, error) {
	if _, err := s.Peek(); err != nil {
		return nil, err
	}
	s.mark = s.pos
	err := s.pass()
	if err != nil {
		s.pos, s.mark = s.mark, -1
		return nil, err
	}
	raw := s.buf[s.mark:s.pos]
	s.mark = -1
	return raw, nil
}

// Reject gives a value back that Value returned last, because of what is wrong in it.
func (s *Scanner) Reject(raw []byte, err error) error {
	s.pos -= len(raw)
	return &Damage{s.Line(), err}
}

// pass moves behind the next value, which stays in the buffer from mark.
func (s *Scanner) pass() error {
	depth := 0
	for {
		if s.pos >= len(s.buf) && !s.grow() {
			return s.stuck()
		}
		switch c := s.buf[s.pos]; c {
		case '"':
			if err := s.passString(); err != nil {
				return err
			}
		case '{', '[':
			s.pos++
			if depth++; depth > deepest {
				return s.wrong("%w: its values are nested deeper than %d levels", ErrLimit, deepest)
			}
		case '}', ']':
			s.pos++
			depth--
		case ',', ':', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return s.wrong("there is %s where a value should be", printable(c))
			}
			s.pos++
			continue
		default:
			if err := s.passWord(); err != nil {
				return err
			}
		}
		if depth <= 0 {
			return nil
		}
	}
}

// grow reads more of a value, as far as its limit allows.
func (s *Scanner) grow() bool {
	if s.mark >= 0 && s.pos-s.mark > s.most {
		return false
	}
	return s.more(1)
}

// stuck returns why a value has no end.
func (s *Scanner) stuck() error {
	if _, found := s.find(s.mark + 1); found && s.failed == nil {
		return &Damage{s.lineOf(s.mark), errors.New("a message has no end")}
	}
	if s.ended {
		return s.end()
	}
	return &Damage{s.lineOf(s.mark), fmt.Errorf("%w: a message or another value is longer than %d MiB", ErrLimit, s.most>>20)}
}

// passString moves behind a string. Line breaks in one mean that its end is missing.
func (s *Scanner) passString() error {
	s.pos++
	for {
		rest := s.buf[s.pos:]
		n := 0
		for n < len(rest) && rest[n] != '"' && rest[n] != '\\' && rest[n] != '\n' {
			n++
		}
		s.pos += n
		if n == len(rest) {
			if !s.grow() {
				return s.stuck()
			}
			continue
		}
		switch rest[n] {
		case '"':
			s.pos++
			return nil
		case '\n':
			return s.wrong("a text has no end")
		}
		for len(s.buf)-s.pos < 2 {
			if !s.growBy(2) {
				return s.stuck()
			}
		}
		s.pos += 2
	}
}

func (s *Scanner) growBy(n int) bool {
	if s.mark >= 0 && s.pos-s.mark > s.most {
		return false
	}
	return s.more(n)
}

// passWord moves behind a number, true, false or null.
func (s *Scanner) passWord() error {
	begin := s.pos
	for {
		for s.pos < len(s.buf) && isWord(s.buf[s.pos]) {
			s.pos++
		}
		if s.pos < len(s.buf) {
			break
		}
		if !s.grow() {
			if s.ended && s.pos > begin && s.failed == nil {
				return nil // a document may be a number
			}
			return s.stuck()
		}
	}
	if s.pos == begin {
		return s.wrong("there is %s where a value should be", printable(s.buf[s.pos]))
	}
	return nil
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.'
}

// Skip passes over a value of any size.
func (s *Scanner) Skip() error {
	c, err := s.Peek()
	if err != nil {
		return err
	}
	switch c {
	case '{':
		return s.deeper(func() error { return s.Object(func(string) error { return s.Skip() }) })
	case '[':
		return s.deeper(s.skipArray)
	}
	_, err = s.Value()
	return err
}

// skipArray passes over an array whose elements are of no interest, damaged or not.
func (s *Scanner) skipArray() error {
	if err := s.take('['); err != nil {
		return err
	}
	for {
		c, err := s.Peek()
		if err != nil {
			return err
		}
		switch c {
		case ']':
			s.pos++
			return nil
		case ',':
			s.pos++
			continue
		}
		if err := s.Skip(); err != nil {
			return err
		}
	}
}

// deeper limits the nesting of what is skipped.
func (s *Scanner) deeper(read func() error) error {
	if s.depth++; s.depth > deepest {
		return s.wrong("%w: its values are nested deeper than %d levels", ErrLimit, deepest)
	}
	err := read()
	s.depth--
	return err
}
