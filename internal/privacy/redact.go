package privacy

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ventriloquist/internal/lazyregexp"
)

// Kind is a kind of private value.
type Kind string

// The kinds, in order of precedence.
const (
	Key     Kind = "key"
	Email   Kind = "email"
	Account Kind = "account"
	Card    Kind = "card"
	Code    Kind = "code"
	Phone   Kind = "phone"
	Postal  Kind = "address"
)

// Kinds returns all kinds, in order of precedence.
func Kinds() []Kind { return []Kind{Key, Email, Account, Card, Code, Phone, Postal} }

// Describe names a kind in words, in the plural.
func (k Kind) Describe() string {
	return map[Kind]string{Key: "keys, tokens and passwords", Email: "e-mail addresses", Account: "numbers of accounts and ids", Card: "card numbers",
		Code: "one-time codes and PINs", Phone: "telephone numbers", Postal: "postal addresses and coordinates"}[k]
}

// span is a value in a text: its position, and its normalized form.
type span struct {
	kind       Kind
	start, end int
	value      string
}

// Redactor replaces values. It is not safe for concurrent use.
type Redactor struct {
	secret  []byte
	regions []string // the owner's first
	kinds   map[Kind]bool
	// forgotten reports whether a telephone number or e-mail address must leave no trace, whatever the kinds.
	forgotten func(address string) bool
	found     map[Kind]map[string]int // number of occurrences of each value
	touched   int                     // number of texts with a value
}

// New returns a redactor of these kinds. The secret keys the stand-ins; telephone numbers without a country code belong to the
// region. A nil forgotten forgets no one.
func New(secret []byte, region string, kinds []Kind, forgotten func(address string) bool) *Redactor {
	r := &Redactor{secret: secret, regions: []string{region}, kinds: map[Kind]bool{}, forgotten: forgotten, found: map[Kind]map[string]int{}}
	for _, k := range kinds {
		r.kinds[k] = true
	}
	return r
}

// Text returns a text with stand-ins. Text of the result is the result itself.
func (r *Redactor) Text(s string) string {
	if !mayHold(s) {
		return s
	}
	touched := false
	// The text around a replaced value may look like another value, so this repeats until nothing is found.
	const rounds = 5
	for range rounds {
		next := r.once(s)
		if next == s {
			break
		}
		s, touched = next, true
	}
	if touched {
		r.touched++
	}
	return s
}

// mayHold is a fast check that most texts hold no value: no digit, no character beyond ASCII, no mark, no long word, and no word
// that introduces a value.
func mayHold(s string) bool {
	run := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9' || c == '@' || c == ':' || c == '=' || c >= utf8.RuneSelf:
			return true
		case c <= ' ':
			run = 0
		default:
			if run++; run >= shortestKey {
				return true
			}
		}
	}
	return len(s) >= shortestSaid && (len(s) > shortestPhrase || len(lexicon().find(lowered(s))) > 0)
}

const (
	shortestSaid   = len("pw abcd")
	shortestPhrase = shortestSeed * 4 // of a seed phrase without marks
)

// standIn matches every stand-in.
var standIn = lazyregexp.New(`\[(?:key|email|account|card|code|phone|address) [a-z2-7]{8}\]|\[forgotten\]`)

// Without returns a text without its stand-ins, for counting words.
func Without(s string) string {
	if strings.IndexByte(s, '[') < 0 {
		return s
	}
	return standIn.Get().ReplaceAllString(s, "")
}

// once replaces the values found outside of stand-ins.
func (r *Redactor) once(s string) string {
	// Stand-ins become NULs of the same length, so that positions stay the same and no pattern matches across them.
	masked := s
	if strings.IndexByte(s, '[') >= 0 {
		masked = standIn.Get().ReplaceAllStringFunc(s, func(found string) string { return strings.Repeat("\x00", len(found)) })
	}
	spans := r.find(masked)
	if len(spans) == 0 {
		return s
	}
	var out strings.Builder
	last := 0
	for _, p := range spans {
		out.WriteString(s[last:p.start])
		out.WriteString(r.replacement(p))
		last = p.end
	}
	out.WriteString(s[last:])
	return out.String()
}

// find returns the spans to replace, in order and without overlaps.
func (r *Redactor) find(s string) []span {
	t := newText(s, r.regions)
	var all []span
	for _, kind := range Kinds() {
		if !r.kinds[kind] && (r.forgotten == nil || kind != Phone && kind != Email) {
			continue
		}
		for _, p := range finders[kind](t) {
			if p.kind = kind; !overlaps(all, p) && (r.kinds[kind] || r.forgotten(p.value)) {
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	for i := range all {
		all[i].start, all[i].end = t.original(all[i].start, all[i].end)
	}
	return all
}

var finders = map[Kind]func(t *text) []span{Key: findKeys, Email: findEmails, Account: findAccounts, Card: findCards,
	Code: findCodes, Phone: findPhones, Postal: findPostal}

func overlaps(all []span, p span) bool {
	return slices.ContainsFunc(all, func(q span) bool { return p.start < q.end && q.start < p.end })
}

// standsAlone reports whether no word or number continues at either end of a span.
func standsAlone(s string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:start])
	after, _ := utf8.DecodeRuneInString(s[end:])
	return !word(before) && !word(after)
}

// word reports whether a character is part of a word or number. Letters of scripts without spaces between words do not count, nor
// those of scripts that join short words with a number: ל052 is "to 052".
func word(c rune) bool {
	return unicode.IsDigit(c) || c == '_' || unicode.IsLetter(c) && c != 0x640 && !unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Hebrew, unicode.Arabic)
}

// digitsOf returns the ASCII digits of a text.
func digitsOf(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, s)
}

// WithRegions adds the regions of other people, whose numbers without a country code are found too, and returns the redactor.
func (r *Redactor) WithRegions(others []string) *Redactor {
	for _, region := range others {
		if !slices.Contains(r.regions, region) && len(r.regions) < mostRegions {
			r.regions = append(r.regions, region)
		}
	}
	return r
}

// mostRegions limits the time that a number takes.
const mostRegions = 12
