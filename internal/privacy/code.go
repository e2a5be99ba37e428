package privacy

import (
	"slices"
	"strings"

	"ventriloquist/internal/lazyregexp"
)

var (
	isCode    = lazyregexp.New(`(?i)^\s*(?:is|ist|est|es|=|:|-|–)\s`)
	codeValue = lazyregexp.New(`\b(?:[A-Z]-)?(?:\d{3}[- ]\d{3}|\d{4}[- ]\d{4}|\d{4,8})\b`)
	// boundCode is a code for a web site that its browser reads: @example.com #123456.
	boundCode = lazyregexp.New(`(?m)^@\S+ #(\w{4,12})\b`)
	entered   = lazyregexp.New(`(?i)\b(?:enter|use|type|type in|input) (?:code )?(\d{4,8}) (?:to|as|for) (?:your|the|log|sign|verify|confirm|reset|access|complete|finish|unlock|activate|continue|authenticate)\b`)
	onBack    = lazyregexp.New(`(?i)\b(\d{3,4}) (?:is )?(?:on the back|auf der rückseite|au dos|hinten drauf|por detrás|sul retro|no verso)\b`)
	year      = lazyregexp.New(`^(?:19|20)\d\d$`)
	cardCode  = lazyregexp.New(`^\W{0,3}(?:is|code|ist|es|est|number|no)?\W{0,3}(\d{3,4})\b`)
	combo     = lazyregexp.New(`^(?:\W{0,3}\w{0,8}){0,3}\W{1,3}(\d{1,2}(?: ?[-–/, ] ?\d{1,2}){2,3})\b`)
	// shortCombo matches the combination of a suitcase, dashedCombo one of a lock that only a word for what it locks introduces.
	shortCombo  = lazyregexp.New(`^(?: is|:|=) ?(\d{3,4})(?:$|[^\w.,%-])`)
	dashedCombo = lazyregexp.New(`^(?:['’]s| is|:|=)? ?(\d{1,2}-\d{1,2}-\d{1,2})(?:$|[^\w-])`)
	// doorCode matches codes of digits and letters, which only a word for codes of doors introduces.
	doorCode = lazyregexp.New(`^(?:[#*]?[\p{Lu}0-9]{4,10}[#*]?|\d{1,4}[kкKК]\d{2,6})$`)
	// withKeys matches a code with the keys of a keypad around it: *4471#, 9213#.
	withKeys = lazyregexp.New(`(?:^|[\s:=(])(\*\d{3,8}[#*]?|#?\d{3,8}[#*])(?:$|[\s,.!?;)])`)
	// afterCard matches what follows the number of a card: when it ends, and its security code.
	afterCard = lazyregexp.New(`(?i)^\s*[,;/|]?\s*(?:(?:exp\p{L}*|val\p{L}*|gültig|cad\p{L}*|scad\p{L}*|bis|thru)\W{0,3})?\d{1,2} ?[/\-] ?\d{2,4}[\s,;/|]+(?:(?:security |sec )?(?:code|cod|kod|código|codice)\W{1,2}(?:is )?)?(\d{3,4})(?:$|[^\w/-])`)
)

// reach is the maximum distance of a code from a code word, in bytes, and plainReach that from a plain one.
const (
	reach      = 60
	plainReach = 20
)

// findCodes finds short numbers near a word for codes.
func findCodes(t *text) (spans []span) {
	s := t.s
	if t.digits < 2 {
		return nil
	}
	for _, at := range boundCode.Get().FindAllStringSubmatchIndex(s, -1) {
		spans = append(spans, span{start: at[2], end: at[3], value: s[at[2]:at[3]]})
	}
	for _, at := range onBack.Get().FindAllStringSubmatchIndex(s, -1) {
		spans = append(spans, span{start: at[2], end: at[3], value: s[at[2]:at[3]]})
	}
	for _, at := range entered.Get().FindAllStringSubmatchIndex(s, -1) {
		spans = append(spans, span{start: at[2], end: at[3], value: digitsOf(s[at[2]:at[3]])})
	}
	if t.digits >= 16 {
		for _, card := range findCards(t) {
			if at := afterCard.Get().FindStringSubmatchIndex(s[card.end:]); at != nil {
				spans = append(spans, span{start: card.end + at[2], end: card.end + at[3], value: s[card.end+at[2] : card.end+at[3]]})
			}
		}
	}
	spans = apart(append(spans, t.received()...))
	if !t.has(codeWord | plainCode | pinWord | cvvWord | comboWord | doorWord) {
		return spans
	}
	for _, at := range withKeys.Get().FindAllStringSubmatchIndex(s, -1) {
		spans = append(spans, span{start: at[2], end: at[3], value: digitsOf(s[at[2]:at[3]])})
	}
	spans = append(spans, t.cardCodes()...)
	spans = append(spans, t.saidCodes()...)
	var near, plain [][]int
	for _, w := range t.words {
		if w.class&(codeWord|pinWord) != 0 {
			near = append(near, []int{w.start, w.end})
		}
		if w.class&plainCode != 0 {
			plain = append(plain, []int{w.start, w.end})
		}
	}
	phones := findPhones(t)
	for _, at := range codeValue.Get().FindAllStringIndex(s, -1) {
		p := span{start: at[0], end: at[1], value: strings.NewReplacer("-", "", " ", "").Replace(s[at[0]:at[1]])}
		if !standsAlone(s, p.start, p.end) || amount(s, p) || t.inURL(at[0], at[1]) || overlaps(spans, p) || partOf(phones, p) || t.saidOtherwise(at) || at[0] > 1 && s[at[0]-1] == '(' && isAlnum(s[at[0]-2]) {
			continue
		}
		distance := nearest(plain, at)
		if distance <= plainReach && !isCode.Get().MatchString(s[at[1]:]) && !slices.ContainsFunc(plain, func(w []int) bool { return w[1] <= at[0] && at[0]-w[1] <= plainReach }) && !soleCode(s, at) {
			distance = len(s) // before a plain word, a number must be said to be the code
		}
		strict := nearest(near, at)
		if (distance <= plainReach || strict <= reach) && !(year.Get().MatchString(p.value) && min(distance, strict) > len(" is: ")) {
			spans = append(spans, p)
		}
	}
	return withEnter(s, apart(spans))
}

// saidCodes finds codes that a text says at some distance from the word: "the code for the front door is 4821", "enter 482913 to
// log in".
func (t *text) saidCodes() (spans []span) {
	for _, w := range t.words {
		if w.class&(plainCode|codeWord|pinWord|doorWord) == 0 {
			continue
		}
		v, ok := t.after(w)
		if !ok || v.link == beside || w.class&(doorWord|codeWord|plainCode|pinWord) == doorWord && (v.apart > 2 || v.link == mark && v.apart > 0 || v.link == copula && !v.last && !t.thenFollows(v.end)) {
			continue
		}
		end := v.start
		for end < v.end && (isDigit(t.s[end]) || t.s[end] == '#' && end == v.start) {
			end++
		}
		if digits := digitsOf(t.s[v.start:end]); len(digits) >= 4 && len(digits) <= 8 && standsAlone(t.s, v.start, end) && !amount(t.s, span{start: v.start, end: end}) && !year.Get().MatchString(digits) {
			if w.class&codeWord != 0 && len(digits) == 4 {
				if at := half.Get().FindStringIndex(t.s[end:]); at != nil {
					end += len(" 0000")
				}
			}
			spans = append(spans, span{start: v.start, end: end, value: digitsOf(t.s[v.start:end])})
		}
	}
	return spans
}

// half matches the second half of a backup code: 3969 5986.
var half = lazyregexp.New(`^ \d{4}(?:$|[^\d.,/:-])`)

// then are words that may follow the code of a door: 4821 and then the star.
var then = set("and then und dann y et puis e poi en dan i a potem и потом ve sonra och sen og så")

func (t *text) thenFollows(i int) bool {
	i = t.skipSpaces(i)
	return then[t.lower[i:t.wordEnd(i)]]
}

// soleCode reports whether a number before a plain word is a code: the text says no more, or the number is long and right before it.
func soleCode(s string, at []int) bool {
	after := strings.ToLower(s[at[1]:])
	return strings.TrimSpace(s[:at[0]]) == "" && len(after) < plainReach ||
		at[1]-at[0] >= 5 && (strings.HasPrefix(after, " code") || strings.HasPrefix(after, " for the code"))
}

// saidOtherwise reports whether the word before a number says that it is an order, a ticket or another number that is not private.
func (t *text) saidOtherwise(at []int) bool {
	for _, w := range t.words {
		if w.class&(otherWord|orderWord) != 0 && w.end <= at[0] && at[0]-w.end <= 12 {
			return true
		}
	}
	return false
}

// cardCodes finds the check numbers of cards, combinations of locks, and codes with letters.
func (t *text) cardCodes() (spans []span) {
	for _, w := range t.words {
		rest := t.s[w.end:]
		var at []int
		if w.class&cvvWord != 0 {
			at = cardCode.Get().FindStringSubmatchIndex(rest)
		} else if w.class&comboWord != 0 || w.class&doorWord != 0 && strings.HasPrefix(rest, ":") {
			if at = shortCombo.Get().FindStringSubmatchIndex(rest); at == nil {
				at = combo.Get().FindStringSubmatchIndex(rest)
			}
		} else if w.class&doorWord != 0 {
			at = dashedCombo.Get().FindStringSubmatchIndex(rest)
		}
		if at != nil {
			spans = append(spans, span{start: w.end + at[2], end: w.end + at[3], value: digitsOf(rest[at[2]:at[3]])})
			continue
		}
		if w.class&codeWord == 0 {
			continue
		}
		if v, ok := t.after(w); ok && v.apart <= 3 {
			value := t.s[v.start:v.end]
			if doorCode.Get().MatchString(value) && mixed(value) && !t.inURL(v.start, v.end) && (v.link != beside || v.apart == 0 && len(value) >= 4) {
				spans = append(spans, span{start: v.start, end: v.end, value: value})
			}
		}
	}
	return spans
}

// withEnter adds the key after a code that opens a door: 4821#.
func withEnter(s string, spans []span) []span {
	for i, p := range spans {
		if p.end < len(s) && (s[p.end] == '#' || s[p.end] == '*') {
			spans[i].end++
		}
		if p.start > 1 && s[p.start-1] == '*' && s[p.start-2] == ' ' {
			spans[i].start--
		}
	}
	return spans
}

// partOf reports whether a span is part of one of some longer ones.
func partOf(longer []span, p span) bool {
	return slices.ContainsFunc(longer, func(q span) bool { return q.start <= p.start && p.end <= q.end && q.end-q.start > p.end-p.start })
}

// amount reports whether a number is a sum, share, time or part of a longer number rather than a code.
func amount(s string, p span) bool {
	before, after := s[:p.start], s[p.end:]
	if len(after) > 1 && strings.IndexByte(".,:/-", after[0]) >= 0 && after[1] >= '0' && after[1] <= '9' {
		return true
	}
	if n := len(before); n > 1 && strings.IndexByte(".,:/-+", before[n-1]) >= 0 && before[n-2] >= '0' && before[n-2] <= '9' {
		return true
	}
	return strings.HasSuffix(before, "$") || strings.HasSuffix(before, "€") || strings.HasSuffix(before, "£") || strings.HasSuffix(before, "+") ||
		strings.HasPrefix(after, "%") || strings.HasPrefix(after, "€")
}

// nearest returns the distance of a range from the nearest of the others.
func nearest(words [][]int, at []int) int {
	best := 1 << 30
	for _, w := range words {
		best = min(best, max(w[0]-at[1], at[0]-w[1], 0))
	}
	return best
}
