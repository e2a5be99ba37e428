package htmlstream

import (
	"bytes"
	"io"

	"golang.org/x/net/html"
)

// scanner splits a document into tags and texts, exactly as golang.org/x/net/html does. It reads the usual forms itself, in a fraction
// of the time. What is unusual it leaves to that package: comments, scripts, capital letters, attributes without quotes or with
// entities, and the end of the file.
type scanner struct {
	in   io.Reader
	most int    // bytes of a tag or a text
	buf  []byte // what was read ahead
	err  error  // of in, behind buf
	from int    // of the token in buf
	next int    // of the token behind it

	line    int // at counted
	counted int // up to which line breaks are counted

	general *html.Tokenizer // is to read the next token, too: behind the tag of a script, what follows is no HTML
	ahead   int             // how much of buf it has read beyond next

	name   []byte // of a tag, in small letters
	attrs  []attr // of a start tag
	text   []byte // as it stands in the file
	spoken []byte // the text if the general tokenizer read it, else nil
}

// attr is an attribute, decoded.
type attr struct{ key, value []byte }

// readAhead is how much is read at once.
const readAhead = 64 << 10

func newScanner(in io.Reader, most int) *scanner {
	return &scanner{in: in, most: most, line: 1, buf: make([]byte, 0, readAhead)}
}

// scan returns the kind of the next token. Its name, attributes and text are valid until the next call.
func (s *scanner) scan() html.TokenType {
	s.from = s.next
	if s.general != nil {
		return s.leave()
	}
	for {
		end, kind := s.usual(s.buf[s.from:])
		switch {
		case end > 0:
			s.next = s.from + end
			return kind
		case end == unusual || s.err != nil || len(s.buf)-s.from > s.most:
			return s.leave()
		}
		s.fill()
	}
}

// size returns the bytes of the token.
func (s *scanner) size() int { return s.next - s.from }

// lineOf returns the line in which the token begins.
func (s *scanner) lineOf() int {
	s.line += bytes.Count(s.buf[s.counted:s.from], []byte{'\n'})
	s.counted = s.from
	return s.line
}

// words returns the text of the token, decoded.
func (s *scanner) words() []byte {
	text := s.text
	if s.spoken != nil {
		return s.spoken
	}
	if bytes.IndexByte(text, '\r') >= 0 {
		text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	}
	if bytes.IndexByte(text, '&') >= 0 {
		text = []byte(html.UnescapeString(string(text)))
	}
	return text
}

// fill reads on, up to the end of the buffer, which is enlarged if it is full.
func (s *scanner) fill() {
	s.lineOf()
	rest := s.buf[s.from:]
	s.counted, s.next = 0, s.next-s.from
	if len(rest) > cap(s.buf)/2 {
		s.buf = append(make([]byte, 0, 2*cap(s.buf)), rest...)
	} else {
		s.buf = append(s.buf[:0], rest...)
	}
	s.from = 0
	for len(s.buf) < cap(s.buf) && s.err == nil {
		var n int
		n, s.err = s.in.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
	}
}

// leave lets the general tokenizer read the token.
func (s *scanner) leave() html.TokenType {
	z := s.general
	if z == nil {
		z = html.NewTokenizer(unread{s})
		z.SetMaxBuf(s.most)
		s.ahead = 0
	}
	s.general = nil
	s.next = s.from
	kind := z.Next()
	s.next += len(z.Raw())
	s.ahead -= len(z.Raw())
	switch kind {
	case html.ErrorToken:
		s.err = z.Err()
	case html.TextToken:
		s.spoken = append([]byte{}, z.Text()...)
	case html.EndTagToken:
		s.name, _ = z.TagName()
	case html.StartTagToken, html.SelfClosingTagToken:
		var more bool
		s.name, more = z.TagName()
		s.attrs = s.attrs[:0]
		for more {
			var a attr
			a.key, a.value, more = z.TagAttr()
			s.attrs = append(s.attrs, a)
		}
	}
	if isTag := kind == html.StartTagToken || kind == html.SelfClosingTagToken; isTag && isRaw(s.name) || s.size() >= s.most { // the error comes next
		s.general = z
	}
	return kind
}

// unread is a reader of what the scanner did not take yet, for the general tokenizer.
type unread struct{ *scanner }

func (u unread) Read(p []byte) (int, error) {
	s := u.scanner
	if s.next+s.ahead == len(s.buf) && s.err == nil {
		s.fill()
	}
	if s.next+s.ahead == len(s.buf) {
		return 0, s.err
	}
	n := copy(p, s.buf[s.next+s.ahead:])
	s.ahead += n
	return n, nil
}

// isRaw reports whether the content of elements of this tag is no HTML.
func isRaw(tag []byte) bool {
	switch string(tag) {
	case "iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp":
		return true
	}
	return false
}
