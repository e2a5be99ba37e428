package stats

import (
	"cmp"
	"iter"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"

	"ventriloquist/internal/privacy"
)

// vocabulary numbers words and counts them.
type vocabulary struct {
	ids       map[string]int32
	words     []string
	counts    []int32 // by everyone
	total     int64
	lastSplit []int32
}

func newVocabulary() *vocabulary { return &vocabulary{ids: map[string]int32{}} }

// noWord stands for what counts as a word but is not characteristic: numbers and single letters.
const noWord = -1

var link = regexp.MustCompile(`(?i)\b(?:https?://|www\.)\S+`)

// split splits a text into words and counts them. The next call overwrites the result.
func (v *vocabulary) split(text string) []int32 {
	if strings.Contains(text, "://") || strings.Contains(text, "www.") {
		text = link.ReplaceAllString(text, " ")
	}
	text = privacy.Without(text)
	v.lastSplit = v.lastSplit[:0]
	for w := range strings.FieldsFuncSeq(strings.ToLower(text), func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsMark(c) && c != '\'' && c != '’'
	}) {
		if w = strings.Trim(strings.ReplaceAll(w, "’", "'"), "'"); w != "" {
			v.lastSplit = append(v.lastSplit, v.count(w))
		}
	}
	return v.lastSplit
}

func (v *vocabulary) count(word string) int32 {
	if len(word) == 1 || !strings.ContainsFunc(word, unicode.IsLetter) {
		return noWord
	}
	id, known := v.ids[word]
	if !known {
		id = int32(len(v.words))
		word = strings.Clone(word)
		v.ids[word] = id
		v.words, v.counts = append(v.words, word), append(v.counts, 0)
	}
	v.counts[id]++
	v.total++
	return id
}

const (
	priorWords  = 500  // weight of the prior, in words
	fewest      = 3    // minimum number of uses
	significant = 1.96 // minimum z-score
)

// beyond returns the words that a person uses more than everyone else, most characteristic first.
func (v *vocabulary) beyond(said map[int32]int32) []Usage {
	list := []Usage{}
	mine := int64(0)
	for _, n := range said {
		mine += int64(n)
	}
	others := v.total - mine
	if others == 0 || mine == 0 {
		return list
	}
	for id, n := range said {
		if n < fewest {
			continue
		}
		prior := priorWords * float64(v.counts[id]) / float64(v.total)
		a, b := float64(n)+prior, float64(v.counts[id]-n)+prior
		odds := math.Log(a/(float64(mine)+priorWords-a)) - math.Log(b/(float64(others)+priorWords-b))
		if z := odds / math.Sqrt(1/a+1/b); z >= significant {
			list = append(list, Usage{v.words[id], int(n), math.Round(z*100) / 100})
		}
	}
	slices.SortFunc(list, func(a, b Usage) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Word, b.Word)) })
	return list[:min(shownWords, len(list))]
}

// emojiOf returns the emoji of a text as they are drawn: with skin tone, a family as one.
func emojiOf(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !strings.ContainsFunc(text, isEmoji) {
			return
		}
		state := -1
		for text != "" {
			var cluster string
			cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
			if strings.ContainsFunc(cluster, isEmoji) && !yield(cluster) {
				return
			}
		}
	}
}

// isEmoji reports whether a character is drawn as a picture. Digits, © and the like are only with a variation selector.
func isEmoji(c rune) bool {
	switch {
	case c < 0x203c:
		return false
	case c >= 0x1f000:
		return c <= 0x1faff
	case c == 0x203c || c == 0x2049 || c == 0x20e3 || c == 0x231a || c == 0x231b || c == 0x2b50 || c == 0x2b55:
		return true
	}
	return c >= 0x2600 && c <= 0x27bf || c >= 0x23e9 && c <= 0x23fa || c == 0x2934 || c == 0x2935
}
