package style

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ventriloquist/internal/lazyregexp"
)

// Features are the names of the features, in the order of the report.
var Features = []string{"length", "emoji", "punctuation", "capitals", "spelling", "laughter", "vocabulary", "attribution"}

// traits are what the features need of one text.
type traits struct {
	length      float64 // log2(1 + characters)
	emoji       float64 // 1 if there are any
	laughter    float64
	punctuation []int32 // marks, and how the text ends
	capitals    []int32 // one class
	spelling    []int32 // a class per word
	words       []int32
	attribution float64 // probability that the person wrote it
}

// laughs matches words that laugh, in several languages.
var laughs = lazyregexp.New(`(?i)\b(a?(ha){2,}h?|(he){2,}h?|(hi){2,}|(ja){2,}j?|(kk){2,}k?|(xa){2,}|l+o+l+(z|s|ol)*|lmf?ao+|rofl|x+d+|hue(hue)+|mdr+|5{3,})\b|[😂🤣😆😹]|[哈]{2,}|w{3,}$|ㅋ{2,}`)

func isEmoji(r rune) bool {
	return r >= 0x1F300 && r <= 0x1FAFF || r >= 0x2600 && r <= 0x27BF || r >= 0x1F1E6 && r <= 0x1F1FF || r == 0x2B50 || r == 0x2764
}

// emoticon matches ":)" and the like.
var emoticon = lazyregexp.New(`(^|\s)([:;=8xX][-o']?[)(DPpOo/\\|\]\[3]+|<3|\^\^|[-_]{0,1}\(:|D:)($|\s|[.,!?])`)

// reader turns texts into traits.
type reader struct {
	known   func(word string) bool // reports whether a word is ordinary
	numbers map[string]int32       // of marks, classes and words
}

func (r *reader) numbersOf(values []string) []int32 {
	list := make([]int32, len(values))
	for i, v := range values {
		n, seen := r.numbers[v]
		if !seen {
			n = int32(len(r.numbers))
			r.numbers[v] = n
		}
		list[i] = n
	}
	return list
}

// read reads a text. It does not know the attribution.
func (r *reader) read(text string) traits {
	t := traits{length: math.Log2(1 + float64(utf8.RuneCountInString(text)))}
	t.emoji = one(strings.ContainsFunc(text, isEmoji) || emoticon.Get().MatchString(text))
	t.laughter = one(laughs.Get().MatchString(text))
	words := wordsOf(text)
	classes := make([]string, len(words))
	for i, w := range words {
		classes[i] = spelling(w, r.known)
	}
	t.punctuation, t.capitals = r.numbersOf(marks(text)), r.numbersOf([]string{capitals(text)})
	t.spelling, t.words = r.numbersOf(classes), r.numbersOf(words)
	return t
}

// marks returns the punctuation of a text, and "end" with the mark at its end, "end " for none.
func marks(text string) (list []string) {
	last := ""
	for _, r := range text {
		switch {
		case unicode.IsPunct(r):
			last = string(r)
			list = append(list, last)
		case !unicode.IsSpace(r):
			last = ""
		}
	}
	return append(list, "end "+last)
}

// capitals returns how a text uses capitals.
func capitals(text string) string {
	upper, letters, first := 0, 0, rune(0)
	for _, r := range text {
		if unicode.IsLetter(r) {
			letters++
			if first == 0 {
				first = r
			}
			if unicode.IsUpper(r) {
				upper++
			}
		}
	}
	switch {
	case letters == 0:
		return "no letters"
	case upper == letters && letters > 1:
		return "all capitals"
	case unicode.IsUpper(first):
		return "begins with a capital"
	case upper > 0:
		return "capitals inside"
	}
	return "no capitals"
}

// wordsOf returns the words of a text in lower case. An apostrophe inside belongs to the word.
func wordsOf(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '’' && !unicode.Is(unicode.Mn, r)
	})
	for i, w := range words {
		words[i] = strings.Trim(strings.ReplaceAll(w, "’", "'"), "'")
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

// spelling returns the class of a word.
func spelling(word string, known func(word string) bool) string {
	digits, letters, run, longest, before := 0, 0, 0, 0, rune(0)
	for _, r := range word {
		if unicode.IsDigit(r) {
			digits++
		} else {
			letters++
		}
		if run++; r != before {
			run, before = 1, r
		}
		longest = max(longest, run)
	}
	switch {
	case letters == 0:
		return "number"
	case longest > 2:
		return "stretched" // "sooo"
	case digits > 0:
		return "letters with digits" // "l8r"
	case strings.Contains(word, "'"):
		return "apostrophe"
	case utf8.RuneCountInString(word) == 1:
		return "one letter" // "u"
	case known(word):
		return "common"
	}
	return "rare"
}

// distance returns the distance of two samples of the same size in a feature, 0 if they are alike.
func distance(feature string, a, b []*traits) float64 {
	mean := func(of func(t *traits) float64) float64 {
		difference := 0.0
		for i := range a {
			difference += of(a[i]) - of(b[i])
		}
		return math.Abs(difference) / float64(len(a))
	}
	switch feature {
	case "length":
		return transport(a, b)
	case "emoji":
		return mean(func(t *traits) float64 { return t.emoji })
	case "laughter":
		return mean(func(t *traits) float64 { return t.laughter })
	case "attribution":
		return mean(func(t *traits) float64 { return t.attribution })
	case "punctuation":
		return variation(a, b, func(t *traits) []int32 { return t.punctuation })
	case "capitals":
		return variation(a, b, func(t *traits) []int32 { return t.capitals })
	case "spelling":
		return variation(a, b, func(t *traits) []int32 { return t.spelling })
	}
	return variation(a, b, func(t *traits) []int32 { return t.words })
}

// transport is the Wasserstein distance of the lengths: 1 if one side's texts are twice as long.
func transport(a, b []*traits) (sum float64) {
	sorted := func(list []*traits) []float64 {
		lengths := make([]float64, len(list))
		for i, t := range list {
			lengths[i] = t.length
		}
		slices.Sort(lengths)
		return lengths
	}
	x, y := sorted(a), sorted(b)
	for i := range x {
		sum += math.Abs(x[i] - y[i])
	}
	return sum / float64(len(x))
}

// variation is the total variation distance of how often each value is there: from 0 for the same shares to 1 for no value in common.
func variation(a, b []*traits, of func(t *traits) []int32) float64 {
	var counts [2][]int
	var totals [2]int
	for side, list := range [2][]*traits{a, b} {
		for _, t := range list {
			for _, value := range of(t) {
				for s := range counts {
					if int(value) >= len(counts[s]) {
						counts[s] = append(counts[s], make([]int, int(value)+1-len(counts[s]))...)
					}
				}
				counts[side][value]++
				totals[side]++
			}
		}
	}
	if totals[0] == 0 || totals[1] == 0 {
		return one(totals[0] != totals[1])
	}
	sum := 0
	for value, n := range counts[0] {
		difference := n*totals[1] - counts[1][value]*totals[0]
		sum += max(difference, -difference)
	}
	return float64(sum) / float64(2*totals[0]*totals[1])
}

// one returns 1 for true.
func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
