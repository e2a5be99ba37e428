package generate

import "ventriloquist/engine"

// What a draft draws next can often be guessed: the grammar leaves one text up to its next choice, and a line repeats what
// the lines before it have, its reply_to even whole messages. Guesses are decoded in one pass with the last token, and each
// token is still drawn as if it were decoded alone: a guess that is not drawn is taken back. So guesses change how long a
// continuation takes, and nothing else.

// keyLength is how many tokens must have come before in the same order for the next one to be guessed.
const keyLength = 3

// history is what a draft has read and written.
type history struct {
	tokens []int32
	next   map[[keyLength]int32]int // index of the token that came last after these
	reach  int                      // how many tokens are guessed from history at a time
}

func newHistory(prompt []int32) *history {
	h := &history{next: make(map[[keyLength]int32]int, len(prompt)), reach: engine.DecodeRows}
	for _, id := range prompt {
		h.add(id)
	}
	return h
}

func (h *history) add(id int32) {
	if key, ok := h.key(nil); ok {
		h.next[key] = len(h.tokens)
	}
	h.tokens = append(h.tokens, id)
}

// key returns the last tokens of history and the guesses after it.
func (h *history) key(guesses []int32) (key [keyLength]int32, ok bool) {
	if len(h.tokens)+len(guesses) < keyLength {
		return key, false
	}
	for i := range key {
		at := len(guesses) - keyLength + i
		if at >= 0 {
			key[i] = guesses[at]
		} else {
			key[i] = h.tokens[len(h.tokens)+at]
		}
	}
	return key, true
}

// guess returns the token that came last after the same tokens.
func (h *history) guess(guesses []int32) (id int32, ok bool) {
	key, ok := h.key(guesses)
	if !ok {
		return 0, false
	}
	at, ok := h.next[key]
	if !ok {
		return 0, false
	}
	return h.tokens[at], true
}

// learn adapts reach: a wrong guess costs about a tenth of the pass that it saves if it is right.
func (h *history) learn(right bool) {
	if right {
		h.reach = min(2*h.reach, engine.DecodeRows)
	} else {
		h.reach = max(h.reach/2, 1)
	}
}

// guess returns up to `most` tokens that the draft probably draws next.
func (g *Generator) guess(d *draft, most int) []int32 {
	var guesses []int32
	at := startState
	if d.line != nil {
		at = d.line.state
	}
	for fromHistory := 0; len(guesses) < most && at != endState; {
		if d.line != nil {
			if forced := g.forcedTokens(at); len(forced) > 0 {
				for _, id := range forced[:min(len(forced), most-len(guesses))] {
					guesses = append(guesses, id)
					at = g.grammar.automaton.after(at, g.tokenizer.TokenBytes(id))
				}
				continue
			}
		}
		id, ok := d.history.guess(guesses)
		if !ok || fromHistory == d.history.reach || g.tokenizer.IsAdded(id) {
			break
		}
		if d.line != nil {
			if at = g.grammar.automaton.after(at, g.tokenizer.TokenBytes(id)); at == dead {
				break
			}
		}
		guesses = append(guesses, id)
		fromHistory++
	}
	return guesses
}

// forcedTokens returns the tokens of the text that every line has after a state. The last token is left out unless it ends the
// line: it may be longer in lines that go on.
func (g *Generator) forcedTokens(s state) []int32 {
	if tokens, known := g.forced[s]; known {
		return tokens
	}
	text, end := g.grammar.automaton.forcedText(s)
	tokens := g.tokenizer.AppendEncodeOrdinary(nil, string(text))
	if end != endState && len(tokens) > 0 {
		tokens = tokens[:len(tokens)-1]
	}
	if g.forced == nil {
		g.forced = make(map[state][]int32)
	}
	g.forced[s] = tokens
	return tokens
}

// forcedText returns the bytes after s up to the next state that several bytes, or none, may follow, and that state.
func (a *automaton) forcedText(s state) (text []byte, end state) {
	for {
		only, count := 0, 0
		for b, to := range a.next[s] {
			if to != dead {
				only, count = b, count+1
			}
		}
		if count != 1 {
			return text, s
		}
		text = append(text, byte(only))
		s = a.next[s][only]
	}
}

// after returns the state after text, dead if no line has it there.
func (a *automaton) after(s state, text []byte) state {
	for _, b := range text {
		if s == dead {
			return dead
		}
		s = a.step(s, b)
	}
	return s
}
