package generate

import (
	"bytes"
	"slices"
)

// Vocabulary is the bytes of a model's tokens.
type Vocabulary interface {
	// TokenBytes returns the text of a token; nil for an id without a token.
	TokenBytes(id int32) []byte
	// IsAdded reports whether a token is not made of text (<|endoftext|>, <think>); no message contains one.
	IsAdded(id int32) bool
}

// trieToken is a token with text.
type trieToken struct {
	bytes  []byte
	id     int32
	shared int32 // number of leading bytes shared with the token before it in its bucket
}

// tokenTrie holds the tokens of a model sorted by their bytes, so that running an automaton over all of them costs little
// more than over their distinct prefixes. It is not safe for concurrent use.
type tokenTrie struct {
	byFirst [256][]trieToken // by first byte, each sorted by bytes
	longest int              // bytes in the longest token
	found   []state          // by id; all dead between calls of after
}

// newTokenTrie returns the trie of the ids below size.
func newTokenTrie(v Vocabulary, size int) *tokenTrie {
	s := &tokenTrie{found: slices.Repeat([]state{dead}, size)}
	for id := range int32(size) {
		if v.IsAdded(id) {
			continue
		}
		if text := v.TokenBytes(id); len(text) > 0 {
			s.longest = max(s.longest, len(text))
			s.byFirst[text[0]] = append(s.byFirst[text[0]], trieToken{bytes: text, id: id})
		}
	}
	for _, bucket := range s.byFirst {
		slices.SortFunc(bucket, func(a, b trieToken) int { return bytes.Compare(a.bytes, b.bytes) })
		for i := 1; i < len(bucket); i++ {
			bucket[i].shared = int32(commonPrefix(bucket[i-1].bytes, bucket[i].bytes))
		}
	}
	return s
}

// commonPrefix returns the length of the longest common prefix of a and b.
func commonPrefix[T comparable](a, b []T) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// allowedTokens are the tokens that may come next, and the state that each leads to.
type allowedTokens struct {
	ids  []int32 // ascending; nil: any token
	next []state // of ids; nil without a grammar
}

// after runs the automaton from s over all tokens and returns those that it accepts.
func (v *tokenTrie) after(a *automaton, s state) *allowedTokens {
	n := 0
	path := make([]state, v.longest+1) // path[d]: the state after the first d bytes of the current token
	path[0] = s
	for first, bucket := range v.byFirst {
		if a.step(s, byte(first)) == dead {
			continue
		}
		alive := 0 // bytes of the previous token that the automaton accepted
		for i := range bucket {
			token := &bucket[i]
			if int(token.shared) > alive {
				continue // it fails at the same byte
			}
			alive = a.run(path, token.bytes, int(token.shared))
			if alive == len(token.bytes) {
				v.found[token.id] = path[alive]
				n++
			}
		}
	}
	c := &allowedTokens{ids: make([]int32, 0, n), next: make([]state, 0, n)}
	// Looking at every id is faster than sorting those that were found.
	for id, to := range v.found {
		if to != dead {
			c.ids = append(c.ids, int32(id))
			c.next = append(c.next, to)
			v.found[id] = dead
		}
	}
	return c
}

// run continues the path through text from byte d on, and returns how many bytes of text the automaton accepts.
func (a *automaton) run(path []state, text []byte, d int) int {
	for ; d < len(text); d++ {
		to := a.step(path[d], text[d])
		if to == dead {
			break
		}
		path[d+1] = to
	}
	return d
}
