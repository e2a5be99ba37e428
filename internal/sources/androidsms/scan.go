package androidsms

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// scanner reads the elements of a backup. The app's XML is not quite XML: it writes characters as two halves, and values may be of any
// size, of which the contents of files are passed over. A backup that is damaged is read on from the next message.
type scanner struct {
	in     io.Reader
	buf    []byte
	pos    int // of the next byte in buf
	mark   int // of the current element; buf is kept from here; -1 for none
	ended  bool
	failed error
	offset int64 // of buf in the stream
	lines  int   // line breaks before buf
	begun  int64 // offset at which the current message began, moved on by what is passed over

	name     string            // of the current element
	values   map[string]string // its attributes that matter
	depth    int
	replaced bool // something in values is no character
}

func newScanner(in io.Reader) *scanner { return &scanner{in: in, mark: -1} }

const bufferSize = 1 << 20

// line returns the number of the current line.
func (s *scanner) line() int { return 1 + s.lines + bytes.Count(s.buf[:s.pos], []byte{'\n'}) }

// at returns the offset of the next byte.
func (s *scanner) at() int64 { return s.offset + int64(s.pos) }

// reset begins another message, whose size counts.
func (s *scanner) reset() { s.begun = s.at() }

// fill reads more, and reports whether there is more.
func (s *scanner) fill() bool {
	if s.ended {
		return false
	}
	from := s.pos
	if s.mark >= 0 {
		from = s.mark
	}
	if from > 0 && (from > len(s.buf)/2 || len(s.buf) == cap(s.buf)) {
		s.lines += bytes.Count(s.buf[:from], []byte{'\n'})
		s.offset += int64(from)
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
	return n > 0 || !s.ended
}

// need reads up to n bytes ahead.
func (s *scanner) need(n int) {
	for len(s.buf)-s.pos < n && s.fill() {
	}
}

// more reports whether there is another byte; a message may only be so long.
func (s *scanner) more() (bool, error) {
	for s.pos >= len(s.buf) {
		if s.at()-s.begun > longestMessage {
			return false, fmt.Errorf("%w: a message is longer than %d MiB without its files", errLimit, longestMessage>>20)
		}
		if !s.fill() && s.pos >= len(s.buf) {
			return false, s.failed
		}
	}
	return true, nil
}

// errEnd is the error of a backup without its end.
var errEnd = damageError{io.ErrUnexpectedEOF}

// must is more for what must be there.
func (s *scanner) must() error {
	more, err := s.more()
	if err == nil && !more {
		err = errEnd
	}
	return err
}

func wrong(format string, args ...any) error { return damageError{fmt.Errorf(format, args...)} }

// next moves to the next element, and reports whether one begins or ends there. An element without content does both: closed reports
// that. The error is io.EOF at the end.
func (s *scanner) next() (begins, closed bool, err error) {
	for {
		s.mark = -1
		if found, err := s.toMarkup(); err != nil || !found {
			if err == nil && s.depth > 0 {
				err = errEnd
			} else if err == nil {
				err = io.EOF
			}
			return false, false, err
		}
		s.mark = s.pos
		s.need(len("<!ENTITY"))
		rest := s.buf[s.pos:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			err = s.pass("-->")
		case bytes.HasPrefix(rest, []byte("<![")):
			err = s.pass("]]>")
		case bytes.HasPrefix(rest, []byte("<!ENTITY")):
			err = errEntities
		case bytes.HasPrefix(rest, []byte("<!DOCTYPE")):
			s.pos += len("<!DOCTYPE") // entities may be declared in it
		case bytes.HasPrefix(rest, []byte("<?")), bytes.HasPrefix(rest, []byte("<!")):
			err = s.pass(">")
		case bytes.HasPrefix(rest, []byte("</")):
			s.pos += 2
			s.name, err = s.word()
			if err == nil {
				err = s.pass(">")
			}
			s.depth = max(0, s.depth-1)
			return false, false, err
		default:
			closed, err = s.begin()
			return true, closed, err
		}
		if err != nil {
			return false, false, err
		}
	}
}

// toMarkup moves to the next <.
func (s *scanner) toMarkup() (found bool, err error) {
	for {
		if n := bytes.IndexByte(s.buf[s.pos:], '<'); n >= 0 {
			s.pos += n
			return true, nil
		}
		s.pos = len(s.buf)
		if more, err := s.more(); !more {
			return false, err
		}
	}
}

// pass moves behind a text that ends what is not read. It is not kept.
func (s *scanner) pass(end string) error {
	s.mark = -1
	for {
		s.need(len(end))
		if n := bytes.Index(s.buf[s.pos:], []byte(end)); n >= 0 {
			s.pos += n + len(end)
			return nil
		}
		s.pos = max(s.pos, len(s.buf)-len(end)+1)
		if err := s.beyond(); err != nil {
			return err
		}
	}
}

// beyond reads more behind what is in the buffer, as far as the limit allows.
func (s *scanner) beyond() error {
	if s.at()-s.begun > longestMessage {
		return fmt.Errorf("%w: a message is longer than %d MiB without its files", errLimit, longestMessage>>20)
	}
	if !s.fill() {
		if s.failed != nil {
			return s.failed
		}
		return errEnd
	}
	return nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// isName reports whether a byte may be in the name of an element or an attribute.
func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == ':' || c == '.' || c >= 0x80
}

// word reads a name.
func (s *scanner) word() (string, error) {
	begin := s.at()
	for {
		if err := s.must(); err != nil {
			return "", err
		}
		if c := s.buf[s.pos]; !isName(c) {
			break
		}
		s.pos++
	}
	return string(s.buf[int(begin-s.offset):s.pos]), nil
}

// spaces passes over white space, and returns the next byte.
func (s *scanner) spaces() (byte, error) {
	for {
		if err := s.must(); err != nil {
			return 0, err
		}
		if c := s.buf[s.pos]; !isSpace(c) {
			return c, nil
		}
		s.pos++
	}
}

// begin reads the beginning of an element with its attributes.
func (s *scanner) begin() (closed bool, err error) {
	s.pos++
	if s.name, err = s.word(); err != nil {
		return false, err
	}
	if s.name == "" {
		return false, wrong("there is %.10q where an element should begin", s.buf[s.mark:])
	}
	s.values = make(map[string]string, 8)
	for {
		c, err := s.spaces()
		if err != nil {
			return false, err
		}
		switch {
		case c == '>':
			s.pos++
			s.depth++
			return false, nil
		case c == '/':
			s.pos++
			if c, err = s.spaces(); err != nil || c != '>' {
				return false, errors.Join(err, wrong("there is a / in <%s", s.name))
			}
			s.pos++
			return true, nil
		}
		if err := s.attribute(); err != nil {
			return false, err
		}
	}
}

// attribute reads a name and a value.
func (s *scanner) attribute() error {
	name, err := s.word()
	if err != nil {
		return err
	}
	for _, want := range []byte{'=', 0} {
		c, err := s.spaces()
		if err != nil {
			return err
		}
		if name == "" || want != 0 && c != want || want == 0 && c != '"' && c != '\'' {
			return wrong("there is %q where an attribute of <%s should be", c, s.name)
		}
		s.pos++
	}
	quote := s.buf[s.pos-1]
	if name == "data" {
		return s.file(quote)
	}
	begin := s.at()
	for {
		rest := s.buf[s.pos:]
		n := 0
		for n < len(rest) && rest[n] != quote && rest[n] != '<' {
			n++
		}
		if s.pos += n; n < len(rest) {
			break
		}
		if err := s.must(); err != nil {
			return err
		}
	}
	if s.buf[s.pos] == '<' {
		return wrong("the attribute %s of <%s has no end", name, s.name)
	}
	if matters(name) {
		text, replaced := characters(s.buf[int(begin-s.offset):s.pos])
		if s.replaced = s.replaced || replaced; text != "null" { // the app writes it for missing values
			s.values[name] = text
		}
	}
	s.pos++
	return nil
}

// matters reports whether an attribute is read.
func matters(name string) bool {
	switch name {
	case "count", "address", "date", "type", "body", "contact_name", "msg_box", "sub", "ct", "text", "cl", "name", "fn", "cid":
		return true
	}
	return false
}

// file passes over the content of a file; the value is its place.
func (s *scanner) file(quote byte) error {
	from := s.at()
	for {
		if n := bytes.IndexByte(s.buf[s.pos:], quote); n >= 0 {
			s.pos += n
			break
		}
		s.begun += int64(len(s.buf) - s.pos)
		s.pos = len(s.buf)
		s.mark = -1 // it is not kept
		if !s.fill() && s.pos >= len(s.buf) {
			return errors.Join(s.failed, errEnd)
		}
	}
	length := s.at() - from
	s.begun += length
	s.values["data"] = fmt.Sprintf("%d-%d", from, length)
	s.pos++
	return nil
}

// resume moves to the next message behind damage, and reports whether there is one.
func (s *scanner) resume() bool {
	if s.mark >= 0 {
		s.pos = s.mark
	}
	s.mark = -1
	s.depth = 1
	s.pos = min(s.pos+1, len(s.buf))
	for {
		s.need(len("<sms "))
		for from := s.pos; ; {
			n := bytes.Index(s.buf[from:], []byte("ms "))
			if n < 0 {
				break
			}
			if at := from + n - 2; at >= s.pos && s.buf[at] == '<' && (s.buf[at+1] == 's' || s.buf[at+1] == 'm') {
				s.pos = at
				s.reset()
				return true
			}
			from += n + 1
		}
		s.pos = max(s.pos, len(s.buf)-len("<sms ")+1)
		if !s.fill() {
			return false
		}
	}
}

// canResume reports whether what follows the current element can be read.
func (s *scanner) canResume() bool { return s.failed == nil }

// isMessage reports whether the current element is a message.
func (s *scanner) isMessage() bool {
	return s.mark >= 0 && (bytes.HasPrefix(s.buf[s.mark:], []byte("<sms ")) || bytes.HasPrefix(s.buf[s.mark:], []byte("<mms ")))
}
