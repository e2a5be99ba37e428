package androidsms

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// mender returns the intended XML with the same lines: it joins halves of characters, replaces characters that XML does
// not allow by U+FFFD, and leaves out the contents of files.
type mender struct {
	in   *bufio.Reader
	at   int64  // how much of in was read
	rest []byte // mended but not yet returned
	buf  []byte
	err  error

	inTag bool
	quote byte   // ends the current attribute; 0 outside
	name  []byte // of the attribute, from the last white space
}

func newMender(in io.Reader) *mender {
	return &mender{in: bufio.NewReaderSize(in, 1<<20)}
}

func (m *mender) Read(p []byte) (int, error) {
	for len(m.rest) == 0 {
		if m.err != nil {
			return 0, m.err
		}
		m.mend()
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

// enough is how many bytes are mended at a time.
const enough = 32 << 10

// mend fills rest.
func (m *mender) mend() {
	m.buf = m.buf[:0]
	for len(m.buf) < enough && m.err == nil {
		m.plain()
		if m.err == nil {
			m.special()
		}
	}
	m.rest = m.buf
}

// isPlain reports whether a byte is ordinary text that begins no markup.
var isPlain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = !bytes.ContainsRune([]byte(`&"'<>= `), c) && c != 0x7f
	}
	for _, c := range "\t\r\n" {
		table[c] = true
	}
	return table
}()

// plain takes bytes up to the next one that needs a closer look.
func (m *mender) plain() {
	for {
		buffered, err := m.in.Peek(max(1, min(m.in.Buffered(), enough)))
		if len(buffered) == 0 {
			m.err = err
			return
		}
		n := 0
		for n < len(buffered) && isPlain[buffered[n]] {
			n++
		}
		m.buf = append(m.buf, buffered[:n]...)
		if m.inTag && m.quote == 0 && len(m.name) < longestName {
			m.name = append(m.name, buffered[:n]...)
		}
		m.discard(n)
		if n < len(buffered) || len(m.buf) >= enough {
			return
		}
	}
}

// longestName is longer than the name of any attribute that matters.
const longestName = 16

// special takes a reference, a markup character, or a non-ASCII character, if one is next.
func (m *mender) special() {
	next, _ := m.in.Peek(1)
	if len(next) == 0 || isPlain[next[0]] {
		return
	}
	switch c := next[0]; c {
	case '&':
		m.reference()
	case '"', '\'', '<', '>', '=', ' ':
		m.mark(c)
	default:
		c, size, err := m.in.ReadRune()
		m.at += int64(size)
		if m.err = err; err == nil {
			m.buf = utf8.AppendRune(m.buf, legal(c))
		}
	}
}

// mark takes the characters that begin or end tags, names and values. The app quotes a value with ' if it contains a ".
func (m *mender) mark(c byte) {
	if ahead, _ := m.in.Peek(len(comment)); m.quote == 0 && string(ahead) == comment {
		m.skipComment()
		return
	}
	m.discard(1)
	m.buf = append(m.buf, c)
	switch {
	case m.quote == c:
		m.quote, m.name = 0, m.name[:0]
	case m.quote != 0:
	case c == '<', c == '>':
		m.inTag = c == '<'
	case c == ' ':
		m.name = m.name[:0]
	case c != '=' && m.inTag:
		if string(bytes.TrimSpace(m.name)) == "data" {
			m.skipFile(c)
		} else {
			m.quote = c
		}
	}
}

// comment skips a comment; an apostrophe in it quotes nothing.
const comment = "<!--"

func (m *mender) skipComment() {
	var last []byte
	for !bytes.HasSuffix(last, []byte("-->")) {
		c, err := m.in.ReadByte()
		if m.err = err; err != nil {
			return
		}
		m.at++
		if c == '\n' {
			m.buf = append(m.buf, c)
		}
		if last = append(last, c); len(last) > 8 {
			last = append(last[:0], last[len(last)-3:]...)
		}
	}
}

// skipFile skips the content of a file, up to the closing quote, and returns its place instead.
func (m *mender) skipFile(quote byte) {
	from := m.at
	for {
		part, err := m.in.ReadSlice(quote)
		m.at += int64(len(part))
		if err == bufio.ErrBufferFull {
			continue
		}
		if m.err = err; err == nil {
			m.buf = fmt.Appendf(m.buf, "%d-%d", from, m.at-1-from)
			m.buf = append(m.buf, quote)
		}
		return
	}
}

func (m *mender) discard(n int) {
	m.in.Discard(n)
	m.at += int64(n)
}

// legal returns a character that XML allows, or U+FFFD.
func legal(c rune) rune {
	if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF || utf16.IsSurrogate(c) || c > utf8.MaxRune {
		return utf8.RuneError
	}
	return c
}

// reference takes a character reference, and the next one too if both are halves of one character.
func (m *mender) reference() {
	c, size := m.peekReference(0)
	if size == 0 {
		m.discard(1)
		m.buf = append(m.buf, '&')
		return
	}
	if utf16.IsSurrogate(c) {
		if low, more := m.peekReference(size); more > 0 {
			if joined := utf16.DecodeRune(c, low); joined != utf8.RuneError {
				m.discard(size + more)
				m.buf = utf8.AppendRune(m.buf, joined)
				return
			}
		}
	}
	m.discard(size)
	switch c = legal(c); c {
	case '\n', '\r', '\t', '"', '&', '<', '>', '\'':
		m.buf = append(m.buf, "&#"+strconv.Itoa(int(c))+";"...)
	default:
		m.buf = utf8.AppendRune(m.buf, c)
	}
}

// longestReference is longer than any character reference.
const longestReference = 12

// peekReference reads &#128512; or &#x1F600; at an offset, without taking it. Its size is 0 if there is none.
func (m *mender) peekReference(at int) (c rune, size int) {
	ahead, _ := m.in.Peek(at + longestReference)
	if len(ahead) <= at {
		return 0, 0
	}
	text, found := bytes.CutPrefix(ahead[at:], []byte("&#"))
	end := bytes.IndexByte(text, ';')
	if !found || end <= 0 {
		return 0, 0
	}
	base, digits := 10, string(text[:end])
	if digits[0] == 'x' || digits[0] == 'X' {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > 1<<30 {
		return 0, 0
	}
	return rune(n), len("&#;") + end
}
