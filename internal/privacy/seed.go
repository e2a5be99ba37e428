package privacy

import (
	"crypto/sha256"
	_ "embed"
	"strings"
	"sync"
)

// bip39 is the English word list of BIP-39, in order.
//
//go:embed bip39/english.txt
var bip39 string

var seedWords = sync.OnceValue(func() map[string]int {
	m := map[string]int{}
	for i, w := range strings.Fields(bip39) {
		m[w] = i
	}
	return m
})

// shortestSeed and longestSeed are the numbers of words of seed phrases.
const (
	shortestSeed = 12
	longestSeed  = 24
)

// findSeeds finds seed phrases of wallets: words of the list of BIP-39 with a valid checksum, or so many of them that someone
// calls a seed.
func (t *text) findSeeds() (spans []span) {
	if strings.Count(t.s, " ")+strings.Count(t.s, "\n")+strings.Count(t.s, ",") < shortestSeed-1 {
		return nil
	}
	if !maySeed(t.lower) {
		return nil
	}
	list := seedWords()
	var run []span // the words of the list in a row
	flush := func() {
		if len(run) >= shortestSeed {
			spans = append(spans, t.seedIn(run)...)
		}
		run = nil
	}
	for i := 0; i < len(t.lower); {
		c := t.lower[i]
		if c >= 'a' && c <= 'z' {
			start := i
			for i < len(t.lower) && t.lower[i] >= 'a' && t.lower[i] <= 'z' {
				i++
			}
			if w := t.lower[start:i]; len(w) >= 3 && len(w) <= 8 {
				if _, known := list[w]; known {
					run = append(run, span{start: start, end: i, value: w})
					continue
				}
			}
			flush()
			continue
		}
		if !strings.ContainsRune(" \t\r\n,.;:-)#/|0123456789", rune(c)) {
			flush()
		}
		i++
	}
	flush()
	return spans
}

// maySeed reports whether every twelfth word of a text may be part of a seed phrase: one of twelve words in a row is such a word.
func maySeed(lower string) bool {
	list := seedWords()
	n := 0
	for i := 0; i < len(lower); {
		start := i
		for i < len(lower) && lower[i] >= 'a' && lower[i] <= 'z' {
			i++
		}
		if i == start {
			i++
			continue
		}
		if n++; n%shortestSeed == 0 {
			if _, known := list[lower[start:i]]; known {
				return true
			}
		}
	}
	return false
}

// seedIn returns the seed phrase in a run of words of the list.
func (t *text) seedIn(run []span) []span {
	for n := min(longestSeed, len(run)) / 3 * 3; n >= shortestSeed; n -= 3 {
		for from := 0; from+n <= len(run); from++ {
			if seedChecks(run[from : from+n]) {
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
	if len(run) >= shortestSeed && t.has(seedWord|coinWord) {
		return []span{t.seedSpan(run)}
	}
	return nil
}

// seedSpan returns a phrase with the number before its first word.
func (t *text) seedSpan(run []span) span {
	var words []string
	for _, w := range run {
		words = append(words, w.value)
	}
	start := run[0].start
	for _, first := range []string{"1. ", "1) ", "1 ", "1: ", "1- "} {
		if strings.HasSuffix(t.s[:start], first) {
			start -= len(first)
			break
		}
	}
	return span{start: start, end: run[len(run)-1].end, value: strings.Join(words, " ")}
}

// seedChecks reports whether the last bits of a phrase are the first of the digest of the others: 11 bits per word, of which one
// in 33 checks.
func seedChecks(run []span) bool {
	list := seedWords()
	bits := make([]byte, 0, longestSeed*11)
	for _, w := range run {
		for index, b := list[w.value], 10; b >= 0; b-- {
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
