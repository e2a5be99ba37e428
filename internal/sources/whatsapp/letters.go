package whatsapp

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"ventriloquist/internal/sources"
)

// letters is how a file encodes letters: in UTF-8, or in one byte each, as editors on Windows save it.
type letters struct {
	chosen  bool
	charset *charmap.Charmap // nil for UTF-8
	valid   int              // lines in UTF-8 with other letters than those of ASCII
	invalid int              // lines that are not UTF-8
	high    int              // bytes of such lines above ASCII
	joined  int              // those of them that follow another
}

// decode returns a line as UTF-8.
func (l *letters) decode(line []byte) string {
	if !utf8.Valid(line) && l.charset != nil {
		if decoded, err := l.charset.NewDecoder().Bytes(line); err == nil {
			return string(decoded)
		}
	}
	if !l.chosen {
		l.count(line)
	}
	return strings.ToValidUTF8(string(line), "\uFFFD")
}

func (l *letters) count(line []byte) {
	if utf8.Valid(line) {
		for _, c := range line {
			if c >= utf8.RuneSelf {
				l.valid++
				return
			}
		}
		return
	}
	l.invalid++
	for i, c := range line {
		if c >= utf8.RuneSelf {
			l.high++
			if i > 0 && line[i-1] >= utf8.RuneSelf {
				l.joined++
			}
		}
	}
}

// choose decides after a first reading, and reports whether the file must be read again. In Cyrillic whole words are above
// ASCII, in the languages of western Europe single letters.
func (l *letters) choose() (again bool) {
	if l.chosen {
		return false
	}
	l.chosen = true
	if l.invalid == 0 || l.invalid <= l.valid {
		return false
	}
	if l.charset = charmap.Windows1252; 2*l.joined > l.high {
		l.charset = charmap.Windows1251
	}
	return true
}

// note tells the user what was decided.
func (l *letters) note(path string, sink sources.Sink) {
	switch {
	case l.charset != nil:
		sink.Note("%s is not in UTF-8: its letters are read as %v", path, l.charset)
	case l.invalid > 0:
		sink.Note("%s: %d lines have bytes that are not UTF-8; these became U+FFFD", path, l.invalid)
	}
}
