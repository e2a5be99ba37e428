package telegram

import (
	"bufio"
	"bytes"
)

// mender repairs invalid output of Telegram Desktop: control characters written as \x0B, which JSON does not allow. Its
// output has the same lines.
type mender struct {
	in      *bufio.Reader
	escaped bool // the last byte was a backslash that begins an escape
	rest    []byte
}

func (m *mender) Read(p []byte) (n int, err error) {
	if len(m.rest) > 0 {
		n = copy(p, m.rest)
		m.rest = m.rest[n:]
		return n, nil
	}
	n, err = m.in.Read(p)
	if !m.escaped && bytes.IndexByte(p[:n], '\\') < 0 {
		return n, err
	}
	mended := make([]byte, 0, n+8)
	for _, c := range p[:n] {
		if m.escaped && c == 'x' {
			mended = append(mended, 'u', '0', '0')
		} else {
			mended = append(mended, c)
		}
		m.escaped = c == '\\' && !m.escaped
	}
	n = copy(p, mended)
	m.rest = mended[n:]
	return n, err
}
