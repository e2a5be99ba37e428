package typedstream

import (
	"bytes"
	"unicode/utf8"
)

// Scan finds the text of an archive that cannot be decoded: the first raw string after the type "+", which in a message
// is its text. It never returns a partial text.
func Scan(data []byte) (text string, found bool) {
	start := bytes.Index(data, []byte{1, '+'})
	if start < 0 {
		return "", false
	}
	s := stream{data: data, pos: start + 2}
	if raw, err := s.raw(); err == nil && utf8.Valid(raw) {
		if next, err := s.peek(); err != nil || next == tagEnd {
			return string(raw), true
		}
	}
	// The length or the text is damaged: the text runs into the end of its object and the start of the next data.
	rest := data[start+2:]
	end := bytes.Index(rest, []byte{tagEnd, tagNew})
	if end < 0 {
		return "", false
	}
	rest = rest[min(lengthSize(rest), end):end]
	return string(bytes.ToValidUTF8(rest, []byte("\uFFFD"))), true
}

// lengthSize returns how many bytes the length before a raw string takes.
func lengthSize(b []byte) int {
	switch b[0] {
	case tagInt16:
		return 3
	case tagInt32:
		return 5
	case tagInt64:
		return 9
	}
	return 1
}
