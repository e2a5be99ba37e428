package androidsms

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// characters returns the text of a value: it joins halves of characters, and replaces what is no character by U+FFFD, which replaced
// reports.
func characters(value []byte) (text string, replaced bool) {
	plain := true
	for _, c := range value {
		plain = plain && c != '&' && (c >= ' ' || c == '\n' || c == '\t' || c == '\r')
	}
	if plain && utf8.Valid(value) {
		return string(value), false
	}
	var out strings.Builder
	out.Grow(len(value))
	for at := 0; at < len(value); {
		c, size := utf8.DecodeRune(value[at:])
		if c == utf8.RuneError && size == 1 {
			replaced = true
		}
		if c == '&' {
			if c, size = reference(value[at:]); size == 0 {
				c, size = '&', 1
			}
			if utf16.IsSurrogate(c) {
				low, more := reference(value[at+size:])
				if joined := utf16.DecodeRune(c, low); more > 0 && joined != utf8.RuneError {
					c, size = joined, size+more
				}
			}
		}
		if !isLegal(c) {
			c, replaced = utf8.RuneError, true
		}
		out.WriteRune(c)
		at += size
	}
	return out.String(), replaced
}

// isLegal reports whether a character is one that XML allows.
func isLegal(c rune) bool {
	return !(c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF || utf16.IsSurrogate(c) || c > utf8.MaxRune)
}

// longestReference is longer than any character reference.
const longestReference = 12

var named = map[string]rune{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}

// reference reads &#128512; or &#x1F600; or &amp; at the beginning of a text. Its size is 0 if there is none.
func reference(text []byte) (c rune, size int) {
	text = text[:min(len(text), longestReference)]
	end := bytes.IndexByte(text, ';')
	if end < 2 || text[0] != '&' {
		return 0, 0
	}
	name := string(text[1:end])
	if c, known := named[name]; known {
		return c, end + 1
	}
	digits, found := strings.CutPrefix(name, "#")
	base := 10
	if rest, hex := strings.CutPrefix(strings.ToLower(digits), "x"); hex {
		base, digits = 16, rest
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if !found || err != nil || n > 1<<30 {
		return 0, 0
	}
	return rune(n), end + 1
}
