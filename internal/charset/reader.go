// Package charset reads texts from anywhere as UTF-8: editors and spreadsheets save files in the encoding of their country.
//
// In: a reader. Out: its text in UTF-8, and the name of the encoding if it had to be guessed. It must not know what the text is.
//
// UTF-16 is recognized at the beginning. Any other text counts as UTF-8 until the first bytes that are none. If little before and
// after them is UTF-8 either, the encoding in which the letters make words of some language is taken (detect.go, alphabets.go).
package charset

import (
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

const (
	small = 4 << 10  // of the first buffer: an export may have 100,000 files
	usual = 32 << 10 // of the buffers behind it
	// sampleSize is how many bytes are examined from the first ones on that are not UTF-8.
	sampleSize = 64 << 10
	bomUTF8    = "\uFEFF"
)

// Reader is a text as UTF-8, without a byte order mark. Bytes that are no characters stay.
type Reader struct {
	in      io.Reader
	decoded io.Reader // of a text in another encoding than UTF-8, from some place on
	buf     []byte
	pos     int // of the next byte in buf
	checked int // buf is UTF-8 up to here
	err     error
	begun   bool
	settled bool // it is UTF-8, or damaged beyond help
	words   int  // words in UTF-8 beyond ASCII
	name    string
	marked  bool
}

// NewReader returns a reader of in.
func NewReader(in io.Reader) *Reader { return &Reader{in: in} }

// Encoding returns the name of the encoding that the letters read so far were guessed to be in, "" for none.
func (r *Reader) Encoding() string { return r.name }

// Transformed reports whether the bytes passed on may be others than those read.
func (r *Reader) Transformed() bool { return r.decoded != nil || r.marked }

// Read reads UTF-8.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !r.begun {
		r.begin()
	}
	for r.decoded == nil && r.pos == r.checked {
		switch {
		case r.settled && r.pos == len(r.buf):
			if r.err != nil {
				return 0, r.err
			}
			return r.in.Read(p)
		case r.settled:
			r.checked = len(r.buf)
		default:
			if err := r.check(); err != nil {
				return 0, err
			}
		}
	}
	if r.decoded != nil {
		return r.decoded.Read(p)
	}
	n := copy(p, r.buf[r.pos:r.checked])
	r.pos += n
	return n, nil
}

// fill reads until the buffer holds so many unread bytes, or the text ends.
func (r *Reader) fill(n int) {
	if r.pos > 0 {
		r.buf = r.buf[:copy(r.buf, r.buf[r.pos:])]
		r.checked -= r.pos
		r.pos = 0
	}
	if cap(r.buf) < n && r.err == nil {
		r.buf = append(make([]byte, 0, n), r.buf...)
	}
	for len(r.buf) < n && r.err == nil {
		var got int
		got, r.err = r.in.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+got]
	}
}

// begin recognizes UTF-16, and takes the byte order mark.
func (r *Reader) begin() {
	r.begun = true
	r.fill(small)
	if order, found := utf16Order(r.buf[:min(len(r.buf), examined)]); found {
		r.marked = true
		r.decode(unicode.UTF16(order, unicode.UseBOM))
		return
	}
	if bytes.HasPrefix(r.buf, []byte(bomUTF8)) {
		r.pos, r.checked, r.marked = len(bomUTF8), len(bomUTF8), true
	}
}

// decode takes what has not been read yet in an encoding.
func (r *Reader) decode(e encoding.Encoding) {
	rest := io.MultiReader(bytes.NewReader(r.buf[r.pos:]), r.in)
	if r.err != nil {
		rest = io.MultiReader(bytes.NewReader(r.buf[r.pos:]), failing{r.err})
	}
	r.decoded = transform.NewReader(rest, e.NewDecoder())
}

// failing is a reader that has ended.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// enough is how many words in UTF-8 show that a text is in UTF-8.
const enough = 1000

// check finds out how far the text is UTF-8, and decides what the rest is where it is not.
func (r *Reader) check() error {
	if r.pos == len(r.buf) {
		r.fill(usual)
		if len(r.buf) == 0 {
			return r.err
		}
	}
	valid, words := validPrefix(r.buf[r.checked:])
	r.words += words
	if r.checked += valid; r.words >= enough {
		r.settled = true
		return nil
	}
	if valid > 0 {
		return nil
	}
	if r.fill(utf8.UTFMax); !utf8.FullRune(r.buf) && r.err != nil || utf8.FullRune(r.buf) {
		r.guess()
	}
	return nil
}

// guess decides about a text whose next bytes are not UTF-8.
func (r *Reader) guess() {
	r.fill(sampleSize)
	sample := r.buf[:min(len(r.buf), sampleSize)]
	if valid, wrong := count(sample); r.words+valid < wrong {
		if e, name := detect(sample); e != nil {
			r.name = name
			r.decode(e)
			return
		}
	}
	r.settled = true
}

// beyondASCII are the bits that are set in eight bytes beyond ASCII.
const beyondASCII = 0x8080808080808080

// validPrefix returns how much of a text is UTF-8, and how many words of that are beyond ASCII.
func validPrefix(text []byte) (size, words int) {
	within := false
	for size < len(text) {
		if text[size] < utf8.RuneSelf {
			within = false
			for size++; size+8 <= len(text) && binary.LittleEndian.Uint64(text[size:])&beyondASCII == 0; {
				size += 8
			}
			continue
		}
		c, width := utf8.DecodeRune(text[size:])
		if c == utf8.RuneError && width <= 1 {
			break
		}
		size += width
		if !within {
			words++
		}
		within = true
	}
	return size, words
}

// count counts the words beyond ASCII, adjacent characters, that are UTF-8, and those that are not.
func count(text []byte) (valid, wrong int) {
	for i := 0; i < len(text); i++ {
		from := i
		for i < len(text) && text[i] >= utf8.RuneSelf {
			i++
		}
		switch {
		case i == from:
		case utf8.Valid(text[from:i]):
			valid++
		default:
			wrong++
		}
	}
	return valid, wrong
}

// examined is how many bytes UTF-16 is recognized by.
const examined = 512

// IsUTF16 reports whether a file with this beginning is in UTF-16.
func IsUTF16(head []byte) bool {
	_, found := utf16Order(head[:min(len(head), examined)])
	return found
}

// utf16Order recognizes UTF-16 by its byte order mark, or by the zero bytes of its ASCII characters.
func utf16Order(head []byte) (order unicode.Endianness, found bool) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return unicode.LittleEndian, true
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.BigEndian, true
	}
	const least = 16
	if head = head[:len(head)&^1]; len(head) < least {
		return order, false
	}
	var zeros [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i%2]++
		}
	}
	const (
		share = 4 // every fourth character at least is ASCII: digits and spaces
		rare  = 8 // other characters with a zero byte are fewer by this factor
	)
	switch half := len(head) / 2; {
	case rare*zeros[0] <= zeros[1] && share*zeros[1] > half:
		return unicode.LittleEndian, true
	case rare*zeros[1] <= zeros[0] && share*zeros[0] > half:
		return unicode.BigEndian, true
	}
	return order, false
}

// Decode returns bytes of a text as UTF-8, and the name of the encoding if it was guessed.
func Decode(text []byte) (decoded, encoding string) {
	r := NewReader(bytes.NewReader(text))
	out, err := io.ReadAll(r)
	if err != nil {
		return string(text), ""
	}
	return string(out), r.name
}

// DecodeAs is Decode for a text that names its encoding, such as ISO-8859-1. A name that is unknown is ignored, and so is one that is
// wrong because the text is in UTF-8.
func DecodeAs(text []byte, name string) string {
	if e, err := htmlindex.Get(name); err == nil && !utf8.Valid(text) {
		if out, err := e.NewDecoder().Bytes(text); err == nil {
			return string(out)
		}
	}
	decoded, _ := Decode(text)
	return decoded
}
