package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// ToValidUTF8 replaces each maximal invalid sequence with one U+FFFD. (strings.ToValidUTF8 replaces a run of them with one,
// a range loop each byte.)
func ToValidUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	out.Grow(len(s) + 8)
	for i := 0; i < len(s); {
		_, n := utf8.DecodeRuneInString(s[i:])
		if n == 1 && s[i] >= utf8.RuneSelf {
			out.WriteString("\uFFFD")
			i += brokenLen(s[i:])
			continue
		}
		out.WriteString(s[i : i+n])
		i += n
	}
	return out.String()
}

// brokenLen returns the length of the invalid sequence at the start of s: the longest prefix of it that begins a valid
// character, or one byte.
func brokenLen(s string) int {
	low, high := byte(0x80), byte(0xBF) // of the second byte
	need := 0
	switch b := s[0]; {
	case b >= 0xC2 && b <= 0xDF:
		need = 1
	case b >= 0xE0 && b <= 0xEF:
		need = 2
	case b >= 0xF0 && b <= 0xF4:
		need = 3
	}
	switch s[0] {
	case 0xE0: // lower is overlong
		low = 0xA0
	case 0xED: // higher is a surrogate
		high = 0x9F
	case 0xF0: // lower is overlong
		low = 0x90
	case 0xF4: // higher is above U+10FFFF
		high = 0x8F
	}
	n := 1
	for n <= need && n < len(s) && s[n] >= low && s[n] <= high {
		low, high = 0x80, 0xBF
		n++
	}
	return n
}
