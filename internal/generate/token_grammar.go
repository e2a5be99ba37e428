package generate

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"ventriloquist/internal/usererr"
)

// Grammar knows which tokens may come next in a line, for one vocabulary. It is safe for concurrent use.
type Grammar struct {
	automaton *automaton
	trie      *tokenTrie

	mu       sync.Mutex
	allowed  []*allowedTokens // by state, nil until needed
	shortest []int            // by state: the fewest tokens that end the line; nil until needed
	longest  []int            // by state: the most tokens that the line can still take
	farthest int              // the maximum of shortest
}

// never and forever are larger than any number of tokens.
const (
	never   = math.MaxInt32 // these tokens cannot end the line
	forever = math.MaxInt32 // the line has no longest continuation
)

// NewGrammar makes the grammar of lines for the token ids below size.
func NewGrammar(v Vocabulary, size int) *Grammar {
	return &Grammar{
		automaton: lineGrammar,
		trie:      newTokenTrie(v, size),
		allowed:   make([]*allowedTokens, len(lineGrammar.next)),
	}
}

// from returns the tokens allowed in a state.
func (g *Grammar) from(s state) *allowedTokens {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fromLocked(s)
}

func (g *Grammar) fromLocked(s state) *allowedTokens {
	if g.allowed[s] == nil {
		g.allowed[s] = g.trie.after(g.automaton, s)
	}
	return g.allowed[s]
}

// lengths returns, by state, the fewest and the most tokens that lead to the end of the line.
func (g *Grammar) lengths() (shortest, longest []int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shortest == nil {
		g.measure()
	}
	return g.shortest, g.longest
}

// measure computes lengths on the graph whose edges are single tokens.
func (g *Grammar) measure() {
	states := len(g.automaton.next)
	edges := make([][]state, states)
	for s := range edges {
		seen := make([]bool, states)
		for _, to := range g.fromLocked(state(s)).next {
			if !seen[to] {
				seen[to] = true
				edges[s] = append(edges[s], to)
			}
		}
	}
	g.shortest, g.longest = shortestPaths(edges), longestPaths(edges)
	g.farthest = slices.Max(g.shortest)
}

func shortestPaths(edges [][]state) []int {
	length := make([]int, len(edges))
	for s := range length {
		length[s] = never
	}
	length[endState] = 0
	for changed := true; changed; {
		changed = false
		for s, tos := range edges {
			for _, to := range tos {
				if length[to] < never && length[to]+1 < length[s] {
					length[s] = length[to] + 1
					changed = true
				}
			}
		}
	}
	return length
}

func longestPaths(edges [][]state) []int {
	const unknown, open = -2, -1
	length := make([]int, len(edges))
	for s := range length {
		length[s] = unknown
	}
	var visit func(s state) int
	visit = func(s state) int {
		switch length[s] {
		case open:
			return forever // a cycle
		case unknown:
			length[s] = open
			most := 0
			for _, to := range edges[s] {
				if l := visit(to); l == forever {
					most = forever
				} else if most != forever {
					most = max(most, l+1)
				}
			}
			length[s] = most
		}
		return length[s]
	}
	for s := range edges {
		visit(state(s))
	}
	return length
}

// line is the position of one continuation in the grammar.
type line struct {
	grammar           *Grammar
	state             state
	produced          int // tokens so far
	shortest, longest []int
	minTokens         int           // the line has at least this many tokens
	maxTokens         int           // and at most this many
	fitting           allowedTokens // what allowed returned last, reused
}

// newLine starts a line after its prefill.
func (g *Grammar) newLine(minTokens, maxTokens int) (*line, error) {
	l := &line{grammar: g, minTokens: minTokens, maxTokens: maxTokens}
	l.shortest, l.longest = g.lengths()
	switch least := l.shortest[startState]; {
	case least == never:
		return nil, fmt.Errorf("the tokens of this tokenizer cannot spell a message")
	case least > maxTokens:
		return nil, usererr.With(usererr.Usage("%d new tokens are too few: a message takes at least %d", maxTokens, least),
			"raise %v, or use %v", usererr.Option("max_new_tokens"), usererr.Option("raw"))
	}
	return l, nil
}

// allowed returns the tokens that may come next: those of the grammar after which the line can still end within
// maxTokens, and not before minTokens. There is always one.
func (l *line) allowed() allowedTokens {
	c := l.grammar.from(l.state)
	left := l.maxTokens - l.produced - 1 // after the next token
	owed := l.minTokens - l.produced - 1
	if left >= l.grammar.farthest && owed <= 0 {
		return *c
	}
	l.fitting.ids, l.fitting.next = l.fitting.ids[:0], l.fitting.next[:0]
	for i, to := range c.next {
		if l.shortest[to] <= left && l.longest[to] >= owed {
			l.fitting.ids = append(l.fitting.ids, c.ids[i])
			l.fitting.next = append(l.fitting.next, to)
		}
	}
	return l.fitting
}

// advance notes the token that was drawn.
func (l *line) advance(to state) {
	l.state = to
	l.produced++
}
