package tokenizer

import (
	"slices"
	"sync"
	"unicode/utf8"
)

// A combiningRange is a range of marks with one canonical combining class.
type combiningRange struct {
	first, last rune
	class       uint8
}

// A decomposition replaces a character permanently: nothing composes to it again.
type decomposition struct {
	r    rune
	full string
}

// A normalForm is what NFC's quick check needs to know about a character.
type normalForm struct {
	combining uint8
	maybe     bool // NFC may replace it, or compose it with the character before it
}

// boundary reports whether text may be cut before the character and its parts normalized separately.
func (f normalForm) boundary() bool { return f.combining == 0 && !f.maybe }

// nfcTables holds the data of NFC for lookup. Hangul syllables are computed instead.
type nfcTables struct {
	forms      *runeTable[normalForm]
	pairs      map[rune][2]rune // canonical decompositions that compose again
	full       map[rune]string  // canonical decompositions that do not
	composites map[[2]rune]rune
}

const (
	hangulBase, hangulCount = 0xAC00, hangulLCount * hangulVCount * hangulTCount
	hangulL, hangulLCount   = 0x1100, 19 // leading consonants
	hangulV, hangulVCount   = 0x1161, 21 // vowels
	hangulT, hangulTCount   = 0x11A7, 28 // trailing consonants; the first stands for none

	// NFC changes no character whose UTF-8 begins with a byte below this one, that of U+0300.
	firstCombiningByte = 0xCC
)

var nfcData = sync.OnceValue(func() *nfcTables {
	t := &nfcTables{
		forms:      new(runeTable[normalForm]),
		pairs:      make(map[rune][2]rune, len(compositions)),
		full:       make(map[rune]string, len(decompositions)),
		composites: make(map[[2]rune]rune, len(compositions)),
	}
	for _, r := range combiningRanges {
		t.forms.set(r.first, r.last, normalForm{combining: r.class})
	}
	maybe := func(first, last rune) {
		for r := first; r <= last; r++ {
			t.forms.set(r, r, normalForm{combining: t.forms.get(r).combining, maybe: true})
		}
	}
	for _, c := range compositions {
		t.pairs[c[2]] = [2]rune{c[0], c[1]}
		t.composites[[2]rune{c[0], c[1]}] = c[2]
		maybe(c[1], c[1])
	}
	for _, d := range decompositions {
		t.full[d.r] = d.full
		maybe(d.r, d.r)
	}
	maybe(hangulV, hangulV+hangulVCount-1)
	maybe(hangulT+1, hangulT+hangulTCount-1)
	return t
})

// nfc returns valid UTF-8 text in Unicode normalization form C, as Hugging Face's normalizer does: with the Unicode version
// of the tables, and without the U+034F that golang.org/x/text inserts into long runs of marks.
func nfc(s string) string {
	t := nfcData()
	start, end := t.doubtful(s, 0)
	if start == len(s) {
		return s
	}
	out := make([]byte, 0, len(s)+16)
	done := 0
	for start < len(s) {
		out = append(out, s[done:start]...)
		out = t.appendNFC(out, s[start:end])
		done = end
		start, end = t.doubtful(s, done)
	}
	return string(append(out, s[done:]...))
}

// doubtful returns the first part of s at or after from, cut at boundaries, that may not be in NFC. start is len(s) if there
// is none.
func (t *nfcTables) doubtful(s string, from int) (start, end int) {
	var last uint8
	for i := from; i < len(s); {
		if s[i] < firstCombiningByte {
			last = 0
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		form := t.forms.get(r)
		if form.maybe || form.combining != 0 && form.combining < last {
			return t.boundaryBefore(s, from, i), t.boundaryAfter(s, i+n)
		}
		last = form.combining
		i += n
	}
	return len(s), len(s)
}

func (t *nfcTables) boundaryBefore(s string, from, i int) int {
	for i > from {
		r, n := utf8.DecodeLastRuneInString(s[from:i])
		i -= n
		if t.forms.get(r).boundary() {
			break
		}
	}
	return i
}

func (t *nfcTables) boundaryAfter(s string, i int) int {
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if t.forms.get(r).boundary() {
			break
		}
		i += n
	}
	return i
}

// appendNFC normalizes s: decomposes, reorders marks, composes.
func (t *nfcTables) appendNFC(dst []byte, s string) []byte {
	var runes []rune
	for _, r := range s {
		runes = t.appendDecomposed(runes, r)
	}
	t.reorder(runes)
	for _, r := range t.compose(runes) {
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func (t *nfcTables) appendDecomposed(dst []rune, r rune) []rune {
	if s := r - hangulBase; s >= 0 && s < hangulCount {
		dst = append(dst, hangulL+s/(hangulVCount*hangulTCount), hangulV+s/hangulTCount%hangulVCount)
		if trail := s % hangulTCount; trail > 0 {
			dst = append(dst, hangulT+trail)
		}
		return dst
	}
	if pair, ok := t.pairs[r]; ok {
		return append(t.appendDecomposed(dst, pair[0]), pair[1])
	}
	if full, ok := t.full[r]; ok {
		return append(dst, []rune(full)...)
	}
	return append(dst, r)
}

// reorder sorts each run of marks by combining class; marks of the same class keep their order.
func (t *nfcTables) reorder(runes []rune) {
	combining := func(r rune) uint8 { return t.forms.get(r).combining }
	for i := 0; i < len(runes); i++ {
		start := i
		for i < len(runes) && combining(runes[i]) != 0 {
			i++
		}
		slices.SortStableFunc(runes[start:i], func(a, b rune) int { return int(combining(a)) - int(combining(b)) })
	}
}

// compose joins each starter with the marks after it that are not blocked, in place.
func (t *nfcTables) compose(runes []rune) []rune {
	out := runes[:0]
	starter := -1  // index in out
	var last uint8 // combining class of the latest mark kept since the starter
	for _, r := range runes {
		ccc := t.forms.get(r).combining
		adjacent := starter >= 0 && starter == len(out)-1
		if starter >= 0 && (adjacent || last < ccc) {
			if c, ok := t.composite(out[starter], r); ok {
				out[starter] = c
				continue
			}
		}
		if ccc == 0 {
			starter = len(out)
		}
		last = ccc
		out = append(out, r)
	}
	return out
}

func (t *nfcTables) composite(first, second rune) (rune, bool) {
	l, v := first-hangulL, second-hangulV
	if l >= 0 && l < hangulLCount && v >= 0 && v < hangulVCount {
		return hangulBase + (l*hangulVCount+v)*hangulTCount, true
	}
	s, trail := first-hangulBase, second-hangulT
	if s >= 0 && s < hangulCount && s%hangulTCount == 0 && trail > 0 && trail < hangulTCount {
		return first + trail, true
	}
	c, ok := t.composites[[2]rune{first, second}]
	return c, ok
}
