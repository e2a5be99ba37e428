package generate

import (
	"bytes"
	"slices"
)

// Vocabulary is what the tokens of a model are made of.
type Vocabulary interface {
	// TokenBytes is what a token stands for in a text; nil for an id without a token.
	TokenBytes(id int32) []byte
	// IsAdded says that a token is not made of text (<|endoftext|>, <think>): a message never holds it.
	IsAdded(id int32) bool
}

// trieToken is a token that a text can be made of.
type trieToken struct {
	bytes  []byte
	id     int32
	shared int32 // how many first bytes it has in common with the one before it in its bucket
}

// tokenTrie is the tokens of a model by their bytes, sorted so that an automaton can be run over all of them at the cost
// of little more than their distinct prefixes. One goroutine at a time may use it.
type tokenTrie struct {
	byFirst [256][]trieToken // by first byte, each sorted by bytes
	longest int              // bytes of the longest
	found   []state          // by id, all dead between calls of after
}

// newTokenTrie takes the ids below size.
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

// commonPrefix is the number of first elements that a and b share.
func commonPrefix[T comparable](a, b []T) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// allowedTokens are the tokens that may come next, by rising id, and where each leads.
type allowedTokens struct {
	ids  []int32
	next []state
}

// after runs the automaton from s over all tokens: the choices are those it survives.
func (v *tokenTrie) after(a *automaton, s state) *allowedTokens {
	n := 0
	path := make([]state, v.longest+1) // path[d]: the state after the first d bytes of the token looked at
	path[0] = s
	for first, bucket := range v.byFirst {
		if a.step(s, byte(first)) == dead {
			continue
		}
		alive := 0 // how many bytes of the token before the automaton survived
		for i := range bucket {
			token := &bucket[i]
			if int(token.shared) > alive {
				continue // it dies at the same byte
			}
			alive = a.run(path, token.bytes, int(token.shared))
			if alive == len(token.bytes) {
				v.found[token.id] = path[alive]
				n++
			}
		}
	}
	c := &allowedTokens{ids: make([]int32, 0, n), next: make([]state, 0, n)}
	// By id, in the order of the model's output: to look at every id is quicker than to sort those that were found.
	for id, to := range v.found {
		if to != dead {
			c.ids = append(c.ids, int32(id))
			c.next = append(c.next, to)
			v.found[id] = dead
		}
	}
	return c
}

// run continues the path through text from its byte d on, and returns how many bytes of text the automaton survives.
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
