package htmlstream

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/net/html"
)

// documents hold every form that the scanner reads itself, and what it leaves to the general tokenizer.
var documents = []string{
	"<!DOCTYPE html>\n<html><head><title>a <b> c</title><script>if (a<b) '</p>'</script></head>\n<body><!-- x --><p class=\"m n\" id='1'>a &amp; b\r\nc<br/>d</p></body></html>",
	"<p a=\"1\" a='2' B=3 c>x</P ><a href=\"?a=1&amp;b=2\">y</a><img src=x/><img src=\"x\"/><br / ><p a=\"1\"b=\"2\">",
	"a < b <3 </ p></><//><?xml?><![CDATA[x]]><p\n\tq:r-s=\"\u00e4\r\x00\">\x00</p x=\"1\"><",
	"<textarea>\n</textarea><title/>x<plaintext>a</plaintext>", "<p a=\"x", "<p a=", "<p", "</p", "<!--", "&", "", "<svg:path d='M 0'></svg:path><x1>", "<style>a</styles></style><noscript><p></noscript>",
}

// tokens returns what is read of a document.
func tokens(document io.Reader) (list []string) {
	s := newScanner(document, 1<<20)
	for {
		kind := s.scan()
		if kind == html.ErrorToken {
			return append(list, s.err.Error())
		}
		one := fmt.Sprintf("%v %d on %d", kind, s.size(), s.lineOf())
		switch kind {
		case html.TextToken:
			one += fmt.Sprintf(" %q", s.words())
		case html.EndTagToken:
			one += " " + string(s.name)
		case html.StartTagToken, html.SelfClosingTagToken:
			one += " " + string(s.name)
			for _, a := range s.attrs {
				one += fmt.Sprintf(" %q=%q", a.key, a.value)
			}
		}
		list = append(list, one)
	}
}

// generalTokens returns what the general tokenizer reads.
func generalTokens(document string) (list []string) {
	z := html.NewTokenizer(strings.NewReader(document))
	for line := 1; ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return append(list, z.Err().Error())
		}
		one := fmt.Sprintf("%v %d on %d", kind, len(z.Raw()), line)
		line += strings.Count(string(z.Raw()), "\n")
		switch kind {
		case html.TextToken:
			one += fmt.Sprintf(" %q", z.Text())
		case html.EndTagToken, html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			one += " " + string(name)
			for more && kind != html.EndTagToken {
				var key, value []byte
				key, value, more = z.TagAttr()
				one += fmt.Sprintf(" %q=%q", key, value)
			}
		}
		list = append(list, one)
	}
}

func FuzzScanner(f *testing.F) {
	for _, document := range documents {
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document string) {
		want := generalTokens(document)
		if got := tokens(strings.NewReader(document)); !slices.Equal(got, want) {
			t.Errorf("%q is\n%q, want\n%q", document, got, want)
		}
	})
}

// A token is the same wherever the file is cut into pieces, and however large it is.
func TestScanner_ReadsInPieces(t *testing.T) {
	t.Parallel()
	for _, filler := range []int{0, readAhead - 100, readAhead - 30, readAhead - 3, readAhead, 3 * readAhead} {
		for _, document := range documents {
			document = strings.Repeat("<p>", 10) + strings.Repeat("x", filler) + document
			want := generalTokens(document)
			for name, in := range map[string]io.Reader{"whole": strings.NewReader(document), "halves": iotest.HalfReader(strings.NewReader(document)), "late": iotest.DataErrReader(strings.NewReader(document))} {
				if got := tokens(in); !slices.Equal(got, want) {
					t.Errorf("%s, %d before %.100q: %.2000q, want %.2000q", name, filler, document[30+filler:], got, want)
				}
			}
		}
	}
}

func TestScanner_Limit(t *testing.T) {
	t.Parallel()
	for _, document := range []string{strings.Repeat("x", 3<<20), "<p a=\"" + strings.Repeat("x", 3<<20), "<!--" + strings.Repeat("x", 3<<20)} {
		s := newScanner(strings.NewReader(document+"<p>"), 1<<18)
		for s.scan() != html.ErrorToken {
		}
		if s.err != html.ErrBufferExceeded || cap(s.buf) > 1<<20 {
			t.Errorf("%.10q is read: %v, with %d bytes", document, s.err, cap(s.buf))
		}
	}
}
