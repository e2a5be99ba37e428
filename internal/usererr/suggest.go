package usererr

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Suggest returns err with the hint to mean the name that given resembles, or with another hint if it resembles none. as is the
// format of a name in the hint, such as "--%s".
func Suggest(err error, given string, names []string, as, otherwise string) error {
	if name := Nearest(given, names); name != "" {
		return With(err, "did you mean "+as+"?", name)
	}
	return With(err, "%s", otherwise)
}

// Nearest returns the name that a mistyped one probably stands for, or "": the one with as few edits as one per three
// characters, or the only one that has the given words. Case makes no difference.
func Nearest(given string, names []string) (found string) {
	lower := strings.ToLower(strings.TrimSpace(given))
	length := utf8.RuneCountInString(lower)
	least := (length+2)/3 + 1
	for _, name := range names {
		if d := editDistance(lower, strings.ToLower(name)); d < least && d < utf8.RuneCountInString(name) {
			found, least = name, d
		}
	}
	if found != "" || length < 2 {
		return found
	}
	for _, name := range names {
		if !hasWords(strings.ToLower(name), lower) {
			continue
		}
		if found != "" {
			return "" // it can be several
		}
		found = name
	}
	return found
}

// Match returns the name among names that given means, whatever its case, its spaces and whether its accents are composed, and
// whether there is exactly one.
func Match(given string, names []string) (name string, found bool) {
	plain := func(s string) string { return norm.NFC.String(strings.Join(strings.Fields(s), " ")) }
	want := plain(given)
	matches := 0
	for _, one := range names {
		if one == given {
			return one, true
		}
		if strings.EqualFold(plain(one), want) {
			name, matches = one, matches+1
		}
	}
	return name, matches == 1
}

// hasWords reports whether a part of name between spaces, dashes or slashes, or its beginning, is given.
func hasWords(name, given string) bool {
	if strings.HasPrefix(name, given) {
		return true
	}
	separate := strings.NewReplacer("-", " ", "/", " ", "_", " ").Replace
	return strings.Contains(" "+separate(name)+" ", " "+separate(given)+" ")
}

// editDistance returns the number of characters to insert, delete or replace to turn a into b (Levenshtein).
func editDistance(a, b string) int {
	to := []rune(b)
	row := make([]int, len(to)+1) // distances of the part of a so far to the first j characters of b
	for j := range row {
		row[j] = j
	}
	for i, from := range []rune(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j, c := range to {
			replaced := diagonal
			if from != c {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(to)]
}
