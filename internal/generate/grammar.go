package generate

import (
	"slices"

	"ventriloquist/internal/windows"
)

// state is a state of a line's automaton; no line continues from dead.
type state int16

const (
	dead       state = -1
	startState state = 0 // after the prefill `{"name": "X", "`
	endState   state = 1 // after the line's newline; nothing follows
)

// automaton accepts, byte by byte, what may follow the prefill of a line:
//
//	delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey"}\n
//
// with delta and content type from their sets, and strings as Python's json.dumps(ensure_ascii=False) writes them: valid
// UTF-8, escaped only as \" \\ \b \f \t and, where no shorter form exists, \u00xx in lower case. It is narrower than JSON in
// two ways, because windows hold no such messages: a text is not only white space, and no string holds a line break, escaped
// or not.
type automaton struct {
	next [][256]state
}

// step returns the state after byte b.
func (a *automaton) step(s state, b byte) state { return a.next[s][b] }

// lineGrammar is the automaton of a line after its prefill.
var lineGrammar = newLineGrammar()

func newLineGrammar() *automaton {
	a := new(automaton)
	a.newState() // startState
	a.newState() // endState
	s := a.literal(startState, `delta": "`)
	s = a.oneOf(s, windows.Deltas)
	s = a.literal(s, `, "reply_to": `)
	afterReply := a.newState()
	a.words(s, afterReply, []string{"null"})
	a.next[s]['"'] = a.stringBody(afterReply)
	s = a.literal(afterReply, `, "content_type": "`)
	s = a.oneOf(s, windows.ContentTypes)
	s = a.literal(s, `, "text": "`)
	afterText := a.newState()
	a.merge(s, a.nonBlank(a.stringBody(afterText)))
	s = a.literal(afterText, `}`)
	a.next[s]['\n'] = endState
	return a
}

func (a *automaton) newState() state {
	var row [256]state
	for b := range row {
		row[b] = dead
	}
	a.next = append(a.next, row)
	return state(len(a.next) - 1)
}

// literal adds the only path out of s, and returns its end.
func (a *automaton) literal(s state, text string) state {
	end := a.newState()
	a.words(s, end, []string{text})
	return end
}

// oneOf adds a path for each word, followed by a quote, and returns the state where they meet.
func (a *automaton) oneOf(s state, words []string) state {
	end := a.newState()
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w + `"`
	}
	a.words(s, end, quoted)
	return end
}

// words adds a path from s to end for each word; no word may be a prefix of another.
func (a *automaton) words(s, end state, words []string) {
	for _, w := range words {
		at := s
		for i := range len(w) - 1 {
			if a.next[at][w[i]] == dead {
				a.next[at][w[i]] = a.newState()
			}
			at = a.next[at][w[i]]
		}
		a.next[at][w[len(w)-1]] = end
	}
}

// merge adds the transitions of another state, which nothing leads to, to s.
func (a *automaton) merge(s, other state) {
	for b, to := range a.next[other] {
		if to != dead {
			a.next[s][b] = to
		}
	}
}

// between adds a transition from s to end for each byte from lo to hi.
func (a *automaton) between(s state, lo, hi byte, end state) {
	for b := int(lo); b <= int(hi); b++ {
		a.next[s][b] = end
	}
}

// stringBody returns the state after the opening quote of a string that may be empty; after is the state after its closing
// quote.
func (a *automaton) stringBody(after state) state {
	body := a.newState()
	a.between(body, 0x20, 0x7F, body)
	a.next[body]['"'] = after
	a.escapes(body)
	a.runes(body)
	return body
}

// escapes adds the escapes that json.dumps writes, except those of line breaks.
func (a *automaton) escapes(body state) {
	escape := a.newState()
	a.next[body]['\\'] = escape
	for _, b := range []byte(`"\bft`) {
		a.next[escape][b] = body
	}
	u00 := a.literal(escape, "u00")
	zero, one := a.newState(), a.newState()
	a.next[u00]['0'], a.next[u00]['1'] = zero, one
	for _, b := range []byte("01234567bef") { // 08, 09, 0a, 0c and 0d have short forms
		a.next[zero][b] = body
	}
	for _, b := range []byte("0123456789abcdef") {
		a.next[one][b] = body
	}
}

// runes adds the UTF-8 sequences of two to four bytes: no surrogates, no overlong forms, nothing above U+10FFFF.
func (a *automaton) runes(body state) {
	one, two, three := a.newState(), a.newState(), a.newState() // continuation bytes still to come
	a.between(one, 0x80, 0xBF, body)
	a.between(two, 0x80, 0xBF, one)
	a.between(three, 0x80, 0xBF, two)
	a.between(body, 0xC2, 0xDF, one)
	a.between(body, 0xE1, 0xEF, two)
	a.between(body, 0xF1, 0xF3, three)
	for _, lead := range []struct{ b, lo, hi byte }{
		{0xE0, 0xA0, 0xBF}, {0xED, 0x80, 0x9F}, {0xF0, 0x90, 0xBF}, {0xF4, 0x80, 0x8F},
	} {
		second := a.newState()
		a.next[body][lead.b] = second
		if lead.b < 0xF0 {
			a.between(second, lead.lo, lead.hi, one)
		} else {
			a.between(second, lead.lo, lead.hi, two)
		}
	}
}

// blanks are the characters that Python's str.strip and Go's strings.TrimSpace remove, as a JSON string spells them.
var blanks = append([]string{`\t`, `\f`, `\u000b`, `\u001c`, `\u001d`, `\u001e`, `\u001f`},
	" ", "\u0085", "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007",
	"\u2008", "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000")

// nonBlank returns the state in a string that has had only white space so far: like body, but the string cannot end there.
func (a *automaton) nonBlank(body state) state {
	blank := a.clone(body)
	a.next[blank]['"'] = dead
	own := []state{blank} // the clones; only they may be changed
	for _, text := range blanks {
		at := blank
		for i := range len(text) - 1 {
			next := a.next[at][text[i]]
			if !slices.Contains(own, next) {
				next = a.clone(next)
				own = append(own, next)
				a.next[at][text[i]] = next
			}
			at = next
		}
		a.next[at][text[len(text)-1]] = blank
	}
	return blank
}

func (a *automaton) clone(s state) state {
	c := a.newState()
	a.next[c] = a.next[s]
	return c
}
