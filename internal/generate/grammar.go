package generate

import (
	"slices"

	"ventriloquist/internal/windows"
)

// state is a state of the line's automaton; dead is where no line goes on.
type state int16

const (
	dead       state = -1
	startState state = 0 // after the prefill `{"name": "X", "`
	endState   state = 1 // after the line's newline; nothing follows
)

// automaton reads, byte by byte, what may follow the prefill of a line:
//
//	delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey"}\n
//
// with delta and content type from their sets, and strings as Python's json.dumps(ensure_ascii=False) writes them: valid
// UTF-8, and of the escapes \" \\ \b \f \t and \u00XX in lower case where no shorter form exists. Two things are
// narrower than JSON, because no message of a window is like that: a text is not only white space, and no string holds
// an (escaped) line break.
type automaton struct {
	next [][256]state
}

// step is the state after byte b.
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

// literal adds the one way on from s, and returns where it leads.
func (a *automaton) literal(s state, text string) state {
	end := a.newState()
	a.words(s, end, []string{text})
	return end
}

// oneOf adds the words, each followed by a quote, and returns where they meet.
func (a *automaton) oneOf(s state, words []string) state {
	end := a.newState()
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w + `"`
	}
	a.words(s, end, quoted)
	return end
}

// words adds ways from s to end; none may be the beginning of another.
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

// merge gives s the ways on of another state that nothing leads to.
func (a *automaton) merge(s, other state) {
	for b, to := range a.next[other] {
		if to != dead {
			a.next[s][b] = to
		}
	}
}

// between adds a way from s to end for each byte from lo to hi.
func (a *automaton) between(s state, lo, hi byte, end state) {
	for b := int(lo); b <= int(hi); b++ {
		a.next[s][b] = end
	}
}

// stringBody is the state inside a string that may end at once, after its opening quote; after is the one behind its
// closing quote.
func (a *automaton) stringBody(after state) state {
	body := a.newState()
	a.between(body, 0x20, 0x7F, body)
	a.next[body]['"'] = after
	a.escapes(body)
	a.runes(body)
	return body
}

// escapes adds the escapes that json.dumps writes, but for line breaks.
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

// runes adds the sequences of two, three and four bytes of valid UTF-8: no surrogate, no detour, nothing past U+10FFFF.
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

// blanks are the characters that Python's str.strip or Go's strings.TrimSpace take away, as a JSON string writes them.
var blanks = append([]string{`\t`, `\f`, `\u000b`, `\u001c`, `\u001d`, `\u001e`, `\u001f`},
	" ", "\u0085", "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007",
	"\u2008", "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000")

// nonBlank is the state inside a string of which only white space has been seen: like body, but it cannot end there.
func (a *automaton) nonBlank(body state) state {
	blank := a.clone(body)
	a.next[blank]['"'] = dead
	own := []state{blank} // the clones: only these may be changed
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
