package typedstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The tags of the format. 0x80 to 0x91 are reserved; everything else is a small integer.
const (
	tagInt16 = 0x81
	tagInt32 = 0x82
	tagFloat = 0x83
	tagNew   = 0x84
	tagNil   = 0x85
	tagEnd   = 0x86
	tagInt64 = 0x87

	firstTag = 0x80
	lastTag  = 0x91
	refBase  = 110 // reference n is written as the integer n - 110
)

var header = []byte("\x04\x0bstreamtyped\x81\xe8\x03")

var errShort = errors.New("the archive ends too early")

// stream reads the primitives of an archive.
type stream struct {
	data    []byte
	pos     int
	strings [][]byte // type encodings and class names, by number
}

func (s *stream) fail(format string, args ...any) error {
	return fmt.Errorf("byte %d: %s", s.pos, fmt.Sprintf(format, args...))
}

func (s *stream) peek() (byte, error) {
	if s.pos >= len(s.data) {
		return 0, errShort
	}
	return s.data[s.pos], nil
}

func (s *stream) take(n int) ([]byte, error) {
	if n < 0 || n > len(s.data)-s.pos {
		return nil, errShort
	}
	b := s.data[s.pos : s.pos+n]
	s.pos += n
	return b, nil
}

func (s *stream) int() (int64, error) {
	b, err := s.peek()
	if err != nil {
		return 0, err
	}
	if b < firstTag || b > lastTag {
		s.pos++
		return int64(int8(b)), nil
	}
	size := 0
	switch b {
	case tagInt16:
		size = 2
	case tagInt32:
		size = 4
	case tagInt64:
		size = 8
	default:
		return 0, s.fail("%#x is no integer", b)
	}
	s.pos++
	raw, err := s.take(size)
	if err != nil {
		return 0, err
	}
	switch size {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(raw))), nil
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(raw))), nil
	}
	return int64(binary.LittleEndian.Uint64(raw)), nil
}

// unsigned undoes the sign of a length or count that was written in two bytes.
func (s *stream) unsigned() (int64, error) {
	at := s.pos
	n, err := s.int()
	if err == nil && n < 0 {
		switch s.data[at] {
		case tagInt16:
			n &= math.MaxUint16
		case tagInt32:
			n &= math.MaxUint32
		}
	}
	return n, err
}

// float reads a float of size 4 or 8; integral values are stored as integers.
func (s *stream) float(size int) (float64, error) {
	b, err := s.peek()
	if err != nil {
		return 0, err
	}
	if b != tagFloat {
		n, err := s.int()
		return float64(n), err
	}
	s.pos++
	raw, err := s.take(size)
	if err != nil {
		return 0, err
	}
	if size == 4 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))), nil
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(raw)), nil
}

func (s *stream) raw() ([]byte, error) {
	n, err := s.unsigned()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > int64(len(s.data)) {
		return nil, errShort
	}
	return s.take(int(n))
}

// reference reads an index into a table of the given size.
func (s *stream) reference(size int) (int, error) {
	n, err := s.int()
	if err != nil {
		return 0, err
	}
	if n += refBase; n < 0 || n >= int64(size) {
		return 0, s.fail("reference to %d, of %d so far", n, size)
	}
	return int(n), nil
}

// shared reads a type encoding or a class name, or nil.
func (s *stream) shared() ([]byte, error) {
	b, err := s.peek()
	if err != nil {
		return nil, err
	}
	switch b {
	case tagNil:
		s.pos++
		return nil, nil
	case tagNew:
		s.pos++
		text, err := s.raw()
		if err == nil {
			s.strings = append(s.strings, text)
		}
		return text, err
	}
	n, err := s.reference(len(s.strings))
	if err != nil {
		return nil, err
	}
	return s.strings[n], nil
}

// nextType splits the first type off a type encoding: one character, or an array or struct in brackets.
func nextType(types []byte) (one, rest []byte, err error) {
	if types[0] != '[' && types[0] != '{' {
		return types[:1], types[1:], nil
	}
	depth := 0
	for i, c := range types {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return types[:i+1], types[i+1:], nil
			}
		}
	}
	return nil, nil, fmt.Errorf("type %q does not end", types)
}

// arrayType returns the count and the element type of an encoding such as "[12c]".
func arrayType(t []byte) (count int, element []byte, err error) {
	inner := t[1 : len(t)-1]
	for len(inner) > 0 && inner[0] >= '0' && inner[0] <= '9' {
		count = count*10 + int(inner[0]-'0')
		if count > math.MaxInt32 {
			return 0, nil, fmt.Errorf("type %q is too large", t)
		}
		inner = inner[1:]
	}
	if len(inner) == 0 {
		return 0, nil, fmt.Errorf("type %q has no element", t)
	}
	return count, inner, nil
}

// structFields returns the field types of an encoding such as "{name=ab}".
func structFields(t []byte) []byte {
	inner := t[1 : len(t)-1]
	if i := bytes.IndexByte(inner, '='); i >= 0 {
		return inner[i+1:]
	}
	return nil
}
