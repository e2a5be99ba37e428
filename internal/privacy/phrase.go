package privacy

import (
	"strings"

	"ventriloquist/internal/lazyregexp"
)

var (
	// fourByFour matches the passwords that Google makes for programs.
	fourByFour = lazyregexp.New(`(?:^|[^\p{L}\d])([a-z]{4}(?: [a-z]{4}){3})(?:$|[^\p{L}\d])`)
	// fewWords matches a passphrase up to the end of a text or line.
	fewWords = lazyregexp.New(`^(?:["'“])?(\p{Ll}{3,}(?:[ -]\p{Ll}{3,}){3,7})\W*(?:$|\n)`)
)

// phrases finds passwords of several words: those that Google makes, and passphrases.
func (t *text) phrases() (spans []span) {
	take := func(start, end int) { spans = append(spans, span{start: start, end: end, value: t.s[start:end]}) }
	if t.has(passWord|keyWord) && t.contains("gmail", "google", "app") {
		for _, at := range fourByFour.Get().FindAllStringSubmatchIndex(t.s, -1) {
			if !ordinaryPhrase(t.s[at[2]:at[3]]) {
				take(at[2], at[3])
			}
		}
	}
	for _, w := range t.words {
		if w.class&passWord == 0 || !strings.Contains(t.lower[w.start:w.end], "phrase") {
			continue
		}
		v, ok := t.after(w)
		if !ok || v.link == beside {
			continue
		}
		if at := fewWords.Get().FindStringSubmatchIndex(t.s[v.start:]); at != nil && !ordinaryPhrase(t.s[v.start+at[2]:v.start+at[3]]) {
			take(v.start+at[2], v.start+at[3])
		}
	}
	return spans
}
