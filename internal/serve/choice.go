package serve

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/windows"
)

// choice turns the tokens of one continuation into pieces of an answer.
type choice struct {
	number    int
	line      *generate.MessageReader // nil: the tokens are the text
	stops     []string
	maxTokens int
	logProbs  bool

	held   []byte // text that may begin a stop sequence or ends within a character
	tokens int
	finish string
}

// token takes a token and reports whether the continuation goes on.
func (c *choice) token(t generate.Token) (p piece, goesOn bool) {
	p.choice = c.number
	text := t.Text
	var begins *windows.Message
	if c.line != nil {
		text, begins = c.line.Add(t.Text)
	}
	p.begins = begins
	if len(text) == 0 {
		return p, true
	}
	c.tokens++
	p.tokens = 1
	if c.logProbs {
		p.probs = append(p.probs, tokenProb{string(text), t})
	}
	p.text = c.add(text)
	if c.finish == "" && c.line != nil && c.tokens >= c.maxTokens && !c.line.Ended() {
		c.finish = "length"
	}
	return p, c.finish == ""
}

// add returns the text that is certain after more of it.
func (c *choice) add(text []byte) string {
	c.held = append(c.held, text...)
	cut := -1
	for _, stop := range c.stops {
		if at := bytes.Index(c.held, []byte(stop)); at >= 0 && (cut < 0 || at < cut) {
			cut = at
		}
	}
	if cut >= 0 {
		c.finish = "stop"
		return c.take(cut)
	}
	keep := incomplete(c.held)
	for _, stop := range c.stops {
		for n := min(len(stop)-1, len(c.held)); n > keep; n-- {
			if bytes.HasSuffix(c.held, []byte(stop[:n])) {
				keep = n
			}
		}
	}
	return c.take(len(c.held) - keep)
}

// take removes the first n bytes of what is held. What a raw continuation has that is not UTF-8 is replaced.
func (c *choice) take(n int) string {
	text := strings.ToValidUTF8(string(c.held[:n]), "\uFFFD")
	c.held = c.held[n:]
	return text
}

// incomplete returns how many bytes at the end are the beginning of a character.
func incomplete(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if at := text[len(text)-n:]; utf8.RuneStart(at[0]) {
			if utf8.FullRune(at) {
				return 0
			}
			return n
		}
	}
	return 0
}

// end returns the last piece.
func (c *choice) end(stopped generate.StopReason) piece {
	p := piece{choice: c.number}
	if c.finish == "stop" {
		c.held = nil // the stop sequence
	}
	p.text = c.take(len(c.held))
	if c.finish == "" {
		c.finish = "stop"
		if stopped == generate.MaxNewTokens {
			c.finish = "length"
		}
	}
	p.finish = c.finish
	return p
}
