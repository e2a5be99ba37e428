package blind

import (
	"fmt"
	"strconv"
	"strings"

	"ventriloquist/internal/lazyregexp"
)

// Sheet is what one person answered.
type Sheet struct {
	Seal    string
	Rater   string // a random name
	Kind    string // one of Kinds
	Choices []int  // by moment; -1 for none
}

// Kinds of raters.
var Kinds = []string{"owner", "acquaintance", "stranger"}

var (
	sheetText = lazyregexp.New(`vq-blind 1 ([0-9a-f]{32}) ([0-9a-f]{8}) (owner|acquaintance|stranger) ((?:[0-9]{1,4}[a-z-] )*)end`)
	begins    = lazyregexp.New(`vq-blind `)
	quoted    = lazyregexp.New(`(?m)^[>\s]+`)
	space     = lazyregexp.New(`\s+`)
)

// ReadSheets finds all answers in a text: an e-mail that quotes them and breaks their lines will do.
func ReadSheets(text string) ([]Sheet, error) {
	text = quoted.Get().ReplaceAllString(text, " ")
	text = space.Get().ReplaceAllString(text, " ")
	found := sheetText.Get().FindAllStringSubmatch(text, -1)
	if n := len(begins.Get().FindAllString(text, -1)); n != len(found) {
		return nil, fmt.Errorf(`%d of %d answers are incomplete: each goes from "vq-blind" to "end"`, n-len(found), n)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf(`there are no answers in it: a text that begins with "vq-blind"`)
	}
	var sheets []Sheet
	for _, f := range found {
		s := Sheet{Seal: f[1], Rater: f[2], Kind: f[3]}
		for i, word := range strings.Fields(f[4]) {
			if number, err := strconv.Atoi(word[:len(word)-1]); err != nil || number != i+1 {
				return nil, fmt.Errorf("the answers of %s are damaged at %q", s.Rater, word)
			}
			choice := int(word[len(word)-1]) - 'a'
			if word[len(word)-1] == '-' {
				choice = -1
			}
			s.Choices = append(s.Choices, choice)
		}
		sheets = append(sheets, s)
	}
	return sheets, nil
}

// Latest returns one sheet per rater and test: the last.
func Latest(sheets []Sheet) (latest []Sheet) {
	index := make(map[string]int)
	for _, s := range sheets {
		at, seen := index[s.Seal+s.Rater]
		if seen {
			latest[at] = s
			continue
		}
		index[s.Seal+s.Rater] = len(latest)
		latest = append(latest, s)
	}
	return latest
}
