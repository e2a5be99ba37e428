package privacy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// text is what the finders search: a text in which digits, letters and marks of full width are ASCII, spaces are plain, and
// invisible characters are gone. Positions are those of s, and the same in lower.
type text struct {
	s       string
	lower   string
	regions []string // of telephone numbers without a country code, the owner's first
	digits  int      // number of digits
	long    bool     // whether a word may be a key
	token   bool     // whether letters, digits, dashes and underscores in a row may be a key
	words   []hit    // words that introduce private values
	urls    [][]int
	phones  []span

	from, to []int32 // of each byte of s, where its character stands in the original; nil: at the same place
}

// newText prepares a text.
func newText(original string, regions []string) *text {
	t := &text{regions: regions}
	t.fold(original)
	t.lower = lowered(t.s)
	for i := range len(t.s) {
		if c := t.s[i]; c >= '0' && c <= '9' {
			t.digits++
		}
	}
	t.long = hasLongWord(t.s)
	t.token = t.long && hasToken(t.s)
	t.words = lexicon().find(t.lower)
	if strings.Contains(t.s, "://") || strings.Contains(t.lower, "www.") {
		t.urls = url.Get().FindAllStringIndex(t.s, -1)
	}
	return t
}

// original returns the position in the original text of a part of s.
func (t *text) original(start, end int) (int, int) {
	if t.from == nil || start >= end {
		return start, end
	}
	return int(t.from[start]), int(t.to[end-1])
}

// fold sets s, and from and to if it differs from the original.
func (t *text) fold(original string) {
	t.s = original
	first := -1
	for i, c := range original {
		if c >= utf8.RuneSelf && folded(c) != c {
			first = i
			break
		}
	}
	if first < 0 {
		return
	}
	var out strings.Builder
	for i := 0; i < len(original); {
		c, size := utf8.DecodeRuneInString(original[i:])
		before := out.Len()
		if f := folded(c); c == utf8.RuneError && size == 1 {
			out.WriteByte(original[i])
		} else if f >= 0 {
			out.WriteRune(f)
		}
		for range out.Len() - before {
			t.from, t.to = append(t.from, int32(i)), append(t.to, int32(i+size))
		}
		i += size
	}
	t.s = out.String()
}

// folded returns the plain form of a character, -1 for one that cannot be seen.
func folded(c rune) rune {
	switch {
	case c < 0xa0:
		return c
	case c >= 0xff01 && c <= 0xff5e: // full width
		return c - 0xff01 + '!'
	case c == 0xa0 || c >= 0x2000 && c <= 0x200a || c == 0x202f || c == 0x205f || c == 0x3000:
		return ' '
	case c == 0x2010 || c == 0x2011 || c == 0x2012 || c == 0x2212:
		return '-'
	case c >= 0x200b && c <= 0x200f || c >= 0x202a && c <= 0x202e || c >= 0x2060 && c <= 0x2069 || c == 0xfeff || c == 0xad:
		return -1
	case unicode.IsDigit(c):
		for _, r := range unicode.Nd.R16 {
			if uint32(c) >= uint32(r.Lo) && uint32(c) <= uint32(r.Hi) {
				return '0' + (c-rune(r.Lo))%10
			}
		}
		for _, r := range unicode.Nd.R32 {
			if uint32(c) >= r.Lo && uint32(c) <= r.Hi {
				return '0' + (c-rune(r.Lo))%10
			}
		}
	}
	return c
}

// lowered returns a text in lower case, with every character at its place.
func lowered(s string) string {
	upper := false
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf {
			upper = true
			break
		}
	}
	if !upper {
		return s
	}
	out := []byte(s)
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				out[i] = c + 'a' - 'A'
			}
			i++
			continue
		}
		c, size := utf8.DecodeRuneInString(s[i:])
		if l := unicode.ToLower(c); l != c && utf8.RuneLen(l) == size {
			utf8.EncodeRune(out[i:], l)
		}
		i += size
	}
	return string(out)
}

// inURL reports whether a part overlaps a URL.
func (t *text) inURL(start, end int) bool { return inside(t.urls, []int{start, end}) }

// has reports whether a word of one of the classes is in the text.
func (t *text) has(c class) bool {
	for _, w := range t.words {
		if w.class&c != 0 {
			return true
		}
	}
	return false
}

// near reports whether a word of one of the classes stands within reach bytes of a part.
func (t *text) near(c class, start, end, reach int) bool {
	for _, w := range t.words {
		if w.class&c != 0 && w.end <= start && start-w.end <= reach || w.class&c != 0 && w.start >= end && w.start-end <= reach {
			return true
		}
	}
	return false
}
