package charset

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// wide is an encoding with two bytes for most characters beyond ASCII.
type wide struct {
	name     string
	encoding encoding.Encoding
	common   string  // characters that make up a large part of any text
	least    float64 // of the characters beyond ASCII
}

var wides = []wide{
	{"Shift JIS", japanese.ShiftJIS, japaneseLetters, 0.4},
	{"EUC-JP", japanese.EUCJP, japaneseLetters, 0.4},
	{"EUC-KR", korean.EUCKR, koreanLetters, 0.35},
	{"GB 18030", simplifiedchinese.GB18030, chineseLetters, 0.3},
	{"Big5", traditionalchinese.Big5, taiwaneseLetters, 0.3},
}

// narrow is an encoding with one byte for each character. Of several that fit as well, the first one counts.
type narrow struct {
	encoding *charmap.Charmap
	alphabet []string // of its languages: the lower case of their letters beyond ASCII
	dense    bool     // it has letters from 0x80 on, so that its words are often UTF-8 by chance
}

var narrows = []narrow{
	{charmap.Windows1252, western, false}, {charmap.Windows1254, turkish, false}, {charmap.Windows1252, icelandic, false}, {charmap.Windows1250, central, false},
	{charmap.Windows1251, cyrillic, false}, {charmap.Windows1253, greek, false}, {charmap.Windows1255, hebrew, false}, {charmap.Windows1256, arabic, false},
	{charmap.Windows1257, baltic, false}, {charmap.Windows874, thai, false}, {charmap.ISO8859_2, central, false}, {charmap.KOI8U, cyrillic, false},
	{charmap.ISO8859_5, cyrillic, false}, {charmap.ISO8859_6, arabic, false}, {charmap.ISO8859_15, western, false}, {charmap.Macintosh, western, true},
	{charmap.CodePage866, cyrillic, true}, {charmap.CodePage850, western, true}, {charmap.CodePage852, central, true},
}

// least is the share of the letters beyond ASCII that must be of one language.
const least = 0.8

// detect returns the encoding of a text that is not UTF-8; nil if it fits none.
func detect(sample []byte) (encoding.Encoding, string) {
	for _, w := range wides {
		if share(w, sample) >= w.least {
			return w.encoding, w.name
		}
	}
	sample = withoutUTF8(sample)
	var best *narrow
	most := least
	for i := range narrows {
		n := &narrows[i]
		chars := decoded(n.encoding, sample)
		for _, letters := range n.alphabet {
			if score := fitting(chars, letters); score > most || best == nil && score >= most {
				best, most = n, score
			}
		}
	}
	switch {
	case best == nil:
		return nil, ""
	case best.dense:
		return best.encoding, best.encoding.String()
	}
	return mixed{best.encoding}, best.encoding.String()
}

// share returns which share of the characters beyond ASCII is common in the languages of an encoding; 0 if it is not in that encoding.
func share(w wide, sample []byte) float64 {
	text, err := w.encoding.NewDecoder().Bytes(sample)
	if err != nil {
		return 0
	}
	all, common, wrong := 0, 0, 0
	for _, c := range string(text) {
		switch {
		case c < utf8.RuneSelf:
		case c == utf8.RuneError, unicode.Is(unicode.Co, c):
			wrong++
		default:
			all++
			if strings.ContainsRune(w.common, c) {
				common++
			}
		}
	}
	const damaged = 50 // there is at most one bad character in so many
	if all == 0 || damaged*(wrong-1) > all {
		return 0
	}
	return float64(common) / float64(all)
}

// withoutUTF8 returns a sample without its words in UTF-8.
func withoutUTF8(sample []byte) []byte {
	out := make([]byte, 0, len(sample))
	for i := 0; i < len(sample); i++ {
		from := i
		for i < len(sample) && sample[i] >= utf8.RuneSelf {
			i++
		}
		if word := sample[from:i]; !utf8.Valid(word) {
			out = append(out, word...)
		}
		if i < len(sample) {
			out = append(out, sample[i])
		}
	}
	return out
}

func decoded(m *charmap.Charmap, sample []byte) []rune {
	chars := make([]rune, len(sample))
	for i, c := range sample {
		chars[i] = m.DecodeByte(c)
	}
	return chars
}

// fitting returns which share of the characters beyond ASCII is of an alphabet, where letters may stand. In a script of its own, the
// share of its most common letters counts, too.
func fitting(chars []rune, letters string) float64 {
	all, fit, frequent := 0, 0, 0
	own, common := ownScript(letters)
	at := func(i int) rune {
		if i < 0 || i >= len(chars) {
			return ' '
		}
		return chars[i]
	}
	for i, c := range chars {
		if c < utf8.RuneSelf {
			continue
		}
		before, after := at(i-1), at(i+1)
		lower := unicode.ToLower(c)
		if c == 'İ' {
			lower = 'i'
		}
		switch {
		case strings.ContainsRune(letters, lower):
			all++
			switch {
			case unicode.IsUpper(c) && unicode.IsLower(before), own && (isASCIILetter(before) || isASCIILetter(after)):
			default:
				fit++
			}
			if strings.ContainsRune(common, lower) {
				frequent++
			}
		case isMark(c, before, after):
		default:
			all++
		}
	}
	if all == 0 {
		return 0
	}
	score := float64(fit) / float64(all)
	if own {
		const weight = 0.4 // of how common the letters are
		score *= 1 - weight + weight*min(1, 2*float64(frequent)/float64(all))
	}
	return score
}

// ownScript reports whether a language does not use the letters of ASCII. Its most common letters come first.
func ownScript(letters string) (own bool, common string) {
	const first = 10
	all := []rune(letters)
	return all[0] > 'ſ', string(all[:min(first, len(all))])
}

func isASCIILetter(c rune) bool { return c < utf8.RuneSelf && unicode.IsLetter(c) }

// isMark reports whether a character between two others is a punctuation mark or sign that any text may have there.
func isMark(c, before, after rune) bool {
	switch {
	case strings.ContainsRune("’–—", c):
		return true
	case strings.ContainsRune("¿¡«„“‘‚", c):
		return !unicode.IsLetter(before)
	case strings.ContainsRune("»“”’‘…ºª°", c):
		return !unicode.IsLetter(after)
	}
	return strings.ContainsRune("\u00a0€£•·§´", c) && !(unicode.IsLetter(before) && unicode.IsLetter(after))
}

// mixed decodes letters of one byte each, except where characters in UTF-8 stand between them.
type mixed struct{ *charmap.Charmap }

func (m mixed) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: &mixedDecoder{charmap: m.Charmap}}
}
