package secrets

import (
	"regexp"
	"strings"
)

// exception describes matches that are no secrets: placeholders, identifiers, names of files.
type exception struct {
	target  target
	pattern func() *regexp.Regexp // nil: none
	words   []string              // in lower case; a secret that contains one of them is none
}

// target is the part of a match that the pattern of an exception is about.
type target int

const (
	inSecret target = iota
	inMatch
	inLine
)

// excluded reports whether one of the exceptions holds for m.
func excluded(exceptions []exception, m match) bool {
	lower := strings.ToLower(m.secret)
	for _, e := range exceptions {
		text := [...]string{inSecret: m.secret, inMatch: m.whole, inLine: m.line}[e.target]
		if e.pattern != nil && text != "" && e.pattern().MatchString(text) {
			return true
		}
		if len(e.words) > 0 && lower != "" && containsAny(lower, e.words) {
			return true
		}
	}
	return false
}
