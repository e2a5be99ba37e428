package privacy

import (
	"crypto/sha256"
	"embed"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// bip39 holds the word lists of BIP-39, in order: the ten of the standard, and those for Russian and Turkish that wallets add.
//
//go:embed bip39/*.txt
var bip39 embed.FS

// listed is the place of a word in the list of a language. A word may be in several lists.
type listed struct{ list, index int16 }

// seedWords returns the places of each word, by the word in lower case, decomposed, and also without accents if it is Latin.
var seedWords = sync.OnceValue(func() map[string][]listed {
	files, _ := bip39.ReadDir("bip39")
	m := make(map[string][]listed, 2048*len(files))
	for list, file := range files {
		text, _ := bip39.ReadFile("bip39/" + file.Name())
		for index, w := range strings.Fields(string(text)) {
			place := listed{int16(list), int16(index)}
			w = norm.NFKD.String(w)
			m[w] = append(m[w], place)
			if bare := withoutAccents(w); bare != w {
				m[bare] = append(m[bare], place)
			}
		}
	}
	return m
})

// withoutAccents drops the accents of a decomposed Latin word.
func withoutAccents(w string) string {
	if w[0] >= utf8.RuneSelf {
		return w
	}
	return strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Mn, c) {
			return -1
		}
		return c
	}, w)
}

// placesOf returns the places of a word in lower case.
func placesOf(w string) []listed {
	for i := range len(w) {
		if w[i] >= utf8.RuneSelf {
			return seedWords()[norm.NFKD.String(w)]
		}
	}
	return seedWords()[w]
}

// seedLists is the number of word lists.
const seedLists = int16(12)

// shortestSeed and longestSeed are the numbers of words of seed phrases.
const (
	shortestSeed = 12
	longestSeed  = 24
)

// listedWord is a word of a text that is in a list of BIP-39.
type listedWord struct {
	start, end int
	places     []listed
}

// findSeeds finds seed phrases of wallets: words of one list of BIP-39 with a valid checksum, or so many of them that someone
// calls a seed.
func (t *text) findSeeds() (spans []span) {
	if !maySeed(t.lower) {
		return nil
	}
	var run []listedWord
	flush := func() {
		if len(run) >= shortestSeed {
			spans = append(spans, t.seedIn(run)...)
		}
		run = nil
	}
	last := 0
	for start, end := range letterRuns(t.lower) {
		if strings.ContainsFunc(t.lower[last:start], endsSeed) {
			flush()
		}
		last = end
		places := placesOf(t.lower[start:end])
		if len(places) == 0 {
			flush()
			continue
		}
		run = append(run, listedWord{start, end, places})
	}
	flush()
	return spans
}

// endsSeed reports whether a character stands between no words of a phrase.
func endsSeed(c rune) bool {
	return !strings.ContainsRune(" \t\r\n,.;:-)#/|0123456789、，。·・：", c)
}

// letterRuns returns the start and the end of each word; each character of Chinese is a word.
func letterRuns(s string) func(yield func(start, end int) bool) {
	return func(yield func(start, end int) bool) {
		for i := 0; i < len(s); {
			start := i
			for i < len(s) {
				c, size := utf8.DecodeRuneInString(s[i:])
				if c < utf8.RuneSelf && (c < 'a' || c > 'z') || c >= utf8.RuneSelf && !unicode.IsLetter(c) && !unicode.Is(unicode.Mn, c) {
					break
				}
				if c >= 0x2e80 && unicode.Is(unicode.Han, c) {
					if i == start {
						i += size
					}
					break
				}
				i += size
			}
			if i > start {
				if !yield(start, i) {
					return
				}
				continue
			}
			_, size := utf8.DecodeRuneInString(s[i:])
			i += size
		}
	}
}

// maySeed reports whether every twelfth word of a text may be part of a seed phrase: one of twelve words in a row is such a word.
func maySeed(lower string) bool {
	if len(lower) < 2*shortestSeed {
		return false
	}
	n := 0
	for start, end := range letterRuns(lower) {
		if n++; n%shortestSeed == 0 && len(placesOf(lower[start:end])) > 0 {
			return true
		}
	}
	return false
}

// seedIn returns the seed phrase in a run of words.
func (t *text) seedIn(run []listedWord) []span {
	called := t.has(seedWord | coinWord)
	for list := range seedLists {
		for from := 0; from < len(run); {
			to := from
			for to < len(run) && indexIn(run[to], list) >= 0 {
				to++
			}
			if to-from >= shortestSeed {
				if found := t.seedOf(run[from:to], list, called); found != nil {
					return found
				}
			}
			from = to + 1
		}
	}
	return nil
}

// seedOf returns the seed phrase in words of one list.
func (t *text) seedOf(run []listedWord, list int16, called bool) []span {
	// Common characters of Chinese, as in any sentence, are a phrase only if they stand apart or are said to be one.
	if t.joined(run) && !called {
		return nil
	}
	for n := min(longestSeed, len(run)) / 3 * 3; n >= shortestSeed; n -= 3 {
		for from := 0; from+n <= len(run); from++ {
			if seedChecks(run[from:from+n], list) {
				return []span{t.seedSpan(run[from : from+n])}
			}
		}
	}
	for i := len(run) - 1; i >= 0; i-- {
		if strings.HasPrefix(t.s[run[i].end:], ":") { // "seed" and "wallet" are words of the list too
			run = run[i+1:]
			break
		}
	}
	if len(run) >= shortestSeed && called && !t.joined(run) {
		return []span{t.seedSpan(run)}
	}
	return nil
}

// joined reports whether nothing stands between most words.
func (t *text) joined(run []listedWord) bool {
	n := 0
	for i := range run[1:] {
		if run[i].end == run[i+1].start {
			n++
		}
	}
	return n > len(run)/2
}

// indexIn returns the place of a word in a list, or -1.
func indexIn(w listedWord, list int16) int16 {
	if i := slices.IndexFunc(w.places, func(p listed) bool { return p.list == list }); i >= 0 {
		return w.places[i].index
	}
	return -1
}

// seedSpan returns a phrase with the number before its first word.
func (t *text) seedSpan(run []listedWord) span {
	var words []string
	for _, w := range run {
		words = append(words, t.lower[w.start:w.end])
	}
	start := run[0].start
	for _, first := range []string{"1. ", "1) ", "1 ", "1: ", "1- ", "1."} {
		if strings.HasSuffix(t.s[:start], first) {
			start -= len(first)
			break
		}
	}
	return span{start: start, end: run[len(run)-1].end, value: strings.Join(words, " ")}
}

// seedChecks reports whether the last bits of a phrase are the first of the digest of the others: 11 bits per word, of which one
// in 33 checks.
func seedChecks(run []listedWord, list int16) bool {
	bits := make([]byte, 0, longestSeed*11)
	for _, w := range run {
		for index, b := indexIn(w, list), 10; b >= 0; b-- {
			bits = append(bits, byte(index>>b&1))
		}
	}
	size := len(bits) * 32 / 33
	entropy := make([]byte, size/8)
	for i := range size {
		entropy[i/8] |= bits[i] << (7 - i%8)
	}
	sum := sha256.Sum256(entropy)
	for i, b := range bits[size:] {
		if sum[i/8]>>(7-i%8)&1 != b {
			return false
		}
	}
	return true
}
