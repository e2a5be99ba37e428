package tokenizer

import (
	"sync"
	"unicode/utf8"
)

// splitPattern is the pre-tokenizer of Qwen2 and Qwen3. wordEnd implements this expression by hand.
const splitPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// A class is a kind of character that the pattern distinguishes.
type class uint8

const (
	other class = iota
	letter
	number
	space
	newline // \r or \n, which also match \s
	lead    // in asciiClass: the first byte of a longer character
)

// A classRange is a range of characters of one class.
type classRange struct {
	first, last rune
	class       class
}

// asciiClass is the class of each byte.
var asciiClass = func() (table [256]class) {
	for b := range table {
		switch {
		case b >= utf8.RuneSelf:
			table[b] = lead
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z':
			table[b] = letter
		case b >= '0' && b <= '9':
			table[b] = number
		case b == '\n', b == '\r':
			table[b] = newline
		case b == ' ', b >= '\t' && b <= '\f':
			table[b] = space
		}
	}
	return table
}()

// runeClasses holds the class of every character, built from classRanges on first use.
var runeClasses = sync.OnceValue(func() *runeTable[class] {
	table := new(runeTable[class])
	for _, r := range classRanges {
		table.set(r.first, r.last, r.class)
	}
	return table
})

// A splitter finds the words of valid UTF-8 text.
type splitter struct {
	classes *runeTable[class]
}

// at returns the class and the length of the character at s[i]; the length is 0 at the end.
func (p splitter) at(s string, i int) (class, int) {
	if i >= len(s) {
		return space, 0
	}
	if c := asciiClass[s[i]]; c != lead {
		return c, 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return p.classes.get(r), n
}

// wordEnd returns the end of the word that starts at s[i]; i is less than len(s).
func (p splitter) wordEnd(s string, i int) int {
	c, n := p.at(s, i)
	switch c {
	case letter:
		return p.skip(s, i+n, letter)
	case number:
		return i + n
	case newline:
		return p.spacesEnd(s, i)
	}
	if s[i] == '\'' {
		if n := contraction(s[i:]); n > 0 {
			return i + n
		}
	}
	next, nextLen := p.at(s, i+n)
	switch {
	case next == letter:
		return p.skip(s, i+n+nextLen, letter)
	case c == other, s[i] == ' ' && next == other:
		return p.skip(s, p.skip(s, i+n, other), newline)
	}
	return p.spacesEnd(s, i)
}

// skip returns the end of the run of characters of class c that starts at s[i].
func (p splitter) skip(s string, i int, c class) int {
	for i < len(s) {
		b := asciiClass[s[i]]
		if b == c {
			i++
			continue
		}
		if b != lead {
			return i
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if p.classes.get(r) != c {
			return i
		}
		i += n
	}
	return i
}

// spacesEnd returns the end of a word of white space that starts at s[i]. A run of white space is a word up to its last line
// break. A run without one leaves its last character to the word that follows, if there is one and the run is longer than
// that character.
func (p splitter) spacesEnd(s string, start int) int {
	last, afterBreak := start, 0
	i := start
	for i < len(s) {
		c, n := p.at(s, i)
		if c != space && c != newline {
			break
		}
		last = i
		i += n
		if c == newline {
			afterBreak = i
		}
	}
	switch {
	case afterBreak > 0:
		return afterBreak
	case i < len(s) && last > start:
		return last
	}
	return i
}

// contraction returns the length of the 's, 't, 're, 've, 'm, 'll or 'd at the start of s, in either case, or 0. A regex that
// ignores case takes the long s (U+017F) for an s.
func contraction(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] | 0x20 {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if len(s) > 2 && s[2]|0x20 == 'e' {
			return 3
		}
	case 'l':
		if len(s) > 2 && s[2]|0x20 == 'l' {
			return 3
		}
	}
	if len(s) > 2 && s[1:3] == "ſ" {
		return 3
	}
	return 0
}

// A runeTable maps every character to a value in two steps; blocks without values take no memory.
type runeTable[T comparable] struct {
	blocks [0x110000 >> runeBlockBits]*[1 << runeBlockBits]T
}

const runeBlockBits = 8

func (t *runeTable[T]) set(first, last rune, value T) {
	for r := first; r <= last; r++ {
		block := &t.blocks[r>>runeBlockBits]
		if *block == nil {
			*block = new([1 << runeBlockBits]T)
		}
		(*block)[r&(1<<runeBlockBits-1)] = value
	}
}

func (t *runeTable[T]) get(r rune) (value T) {
	if block := t.blocks[r>>runeBlockBits]; block != nil {
		value = block[r&(1<<runeBlockBits-1)]
	}
	return value
}
