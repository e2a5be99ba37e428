package charset

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// mixedDecoder decodes a text with one byte for each letter. Adjacent bytes beyond ASCII that are UTF-8 as a whole stay: somebody put
// texts of two files together.
type mixedDecoder struct {
	transform.NopResetter
	charmap *charmap.Charmap
	word    int // bytes beyond ASCII that are decoded before others are considered
}

// longestWord limits the adjacent bytes that are considered at once.
const longestWord = 64

// Transform implements transform.Transformer.
func (d *mixedDecoder) Transform(dst, src []byte, atEOF bool) (written, read int, err error) {
	for read < len(src) {
		if d.word == 0 && src[read] >= utf8.RuneSelf {
			end := read
			for end < len(src) && src[end] >= utf8.RuneSelf && end-read < longestWord {
				end++
			}
			if end == len(src) && end-read < longestWord && !atEOF {
				return written, read, transform.ErrShortSrc
			}
			if word := src[read:end]; utf8.Valid(word) {
				if written+len(word) > len(dst) {
					return written, read, transform.ErrShortDst
				}
				written += copy(dst[written:], word)
				read = end
				continue
			}
			d.word = end - read
		}
		if written+utf8.UTFMax > len(dst) {
			return written, read, transform.ErrShortDst
		}
		written += utf8.EncodeRune(dst[written:], d.charmap.DecodeByte(src[read]))
		read++
		d.word = max(d.word-1, 0)
	}
	return written, read, nil
}
