package privacy

import (
	"strings"
	"unicode"

	"ventriloquist/internal/lazyregexp"
)

// postal matches postal addresses: a street with its number and the town and postcode that follow; towns with postcodes that
// have letters or a state; and PO boxes. A pattern is tried only on texts with one of its words or marks.
var postal = []struct {
	trigger trigger
	pattern *lazyregexp.Regexp
}{
	// 12 Main St, Apt 4, Springfield, IL 62701 and 221b Baker Street, London NW1 6XE
	{english, lazyregexp.New(`(?i)\b\d{1,5}[a-z]?(?:[-/]\d{1,4})?,? (?:(?:north|south|east|west|[nsew]{1,2})\.? )?((?:[\p{L}'’\-]+\.? |\d{1,3}(?:st|nd|rd|th) ){1,4})(street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|terrace|ter|way|highway|hwy|parkway|pkwy|close|crescent|gardens|grove|mews|row|circle|cir|trail|trl|alley|quay|walk)\b\.?(?: (?:north|south|east|west|nw|ne|sw|se|n|s|e|w)\b)?` + afterStreet)},
	// Hauptstraße 12, 10115 Berlin; Kerkstraat 5
	{germanEnd, lazyregexp.New(`(?i)\b()[\p{L}\-]+(?:straße|strasse|str\.|gasse|allee|platz|damm|ufer|straat|gracht|kade|plein|laan|gatan|vägen|gata|vej|gade|veien) ?\d{1,4} ?[a-z]?\b` + afterStreet)},
	{german, lazyregexp.New(`\b()(?:\p{Lu}[\p{L}\-]+ ){1,3}(?:Straße|Strasse|Str\.|Gasse|Allee|Platz|Weg|Ring|Damm|Ufer|Straat|Gracht) \d{1,4} ?[a-z]?\b` + afterStreet)},
	// 12 bis rue de la Paix, 75002 Paris; 5 place Bellecour
	{french, lazyregexp.New(`\b()\d{1,4}(?: ?(?:bis|ter))?,? (?i:rue|boulevard|impasse|allée|chemin) (?i:de la|de l['’]|du|des|de|d['’]|l['’]|la|le|les) ?[\p{L}'’\-]+(?: \p{Lu}[\p{L}'’\-]+){0,3}` + afterStreet)},
	{french, lazyregexp.New(`\b()\d{1,4}(?: ?(?:bis|ter))?,? (?i:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|quai|route|cours|passage) (?:(?i:de la|de l['’]|du|des|de|d['’]|l['’]|la|le|les) ?)?\p{Lu}[\p{L}'’\-]+(?: \p{Lu}[\p{L}'’\-]+){0,3}` + afterStreet)},
	// Calle Mayor 5; Via Roma, 12; Rua Augusta nº 100
	{southern, lazyregexp.New(`\b()(?i:calle|c/|avenida|avda\.?|plaza|paseo|carrer|via|viale|piazza|corso|largo|rua|travessa) ?(?:(?:de|del|della|delle|dei|di|da|do|dos|la|las|los|el) ){0,2}\p{Lu}[\p{L}'’\-]+(?: [\p{L}'’\-]+){0,3},? (?i:n[ºo°.]\.? ?)?\d{1,4}\b` + afterStreet)},
	// Springfield, IL 62701
	{fiveDigits, lazyregexp.New(`\b()\p{Lu}[\p{L}.'’ \-]{1,30},? (?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY]),? \d{5}(?:-\d{4})?\b`)},
	// postcodes of the United Kingdom and Canada
	{postcode, lazyregexp.New(`\b()[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b`)},
	{postcode, lazyregexp.New(`\b()[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d\b`)},
	// Blk 412 Ang Mo Kio Ave 10 #08-115, Singapore 560412
	{block, lazyregexp.New(`\b()(?i:blk|block) \d{1,4}[A-Z]?(?: \p{Lu}[\p{L}.'’]*){1,5}(?: \d{1,2}\b)?(?:,? #\d{2}-\d{1,4}[A-Z]?)?(?:,? (?:Singapore|S) ?\(?\d{6}\)?)?`)},
	{fiveDigits, lazyregexp.New(`\b()(?:Singapore|S'pore) \(?\d{6}\b\)?`)},
	{box, lazyregexp.New(`(?i)\b()(?:p\.? ?o\.? ?box|postfach|apartado|boîte postale) \d{1,6}\b` + afterStreet)},
}

// afterStreet matches what may follow a street: a flat, a postcode, a town, a state.
const afterStreet = `(?-i:(?:,? (?i:apt|apartment|unit|suite|ste|flat|floor|room)\.? ?#?\w{1,5}\b|,? #\w{1,5}\b)?` +
	`(?:,?\s+\d{4,5} \p{Lu}[\p{L}\-]+|(?:,\s*\p{Lu}\p{Ll}[\p{L}.'’\-]*(?: \p{Lu}\p{Ll}[\p{L}.'’\-]*){0,2}){0,2}(?:,? [A-Z]{2}\b)?(?:,? \d{5}(?:-\d{4})?\b|,? [ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d\b|,? [A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b)?))`

// notStreet matches words that are not part of a street's name before a word that street names end in: "5 on the road".
var notStreet = lazyregexp.New(`(?i)\b(?:a|an|the|way|of|on|in|at|to|my|your|his|her|our|their|this|that|more|less|and|or|is|are|was|for|from|by|with|min|mins|minutes?|hours?|hrs?|days?|weeks?|months?|years?|miles?|km|feet|ft|am|pm|people|times?|percent|out|off|away|i|you|we|they|it|left|right|down|up|along|down|same|other|next|last|long|half|all|no|gig|gigs|gb|mb|tb|kb|rpm|mhz|ghz|hard|flash|usb|pen|thumb|disk|cd|dvd|new|old|big|small)\b`)

// flatBefore matches the flat that stands before a street: Flat 3, 41 Lansdowne Road.
var flatBefore = lazyregexp.New(`(?i)(?:^|[\s,(])((?:flat|apt\.?|apartment|unit|suite) #?\w{1,4}, ?)$`)

// plainWords are street suffixes that are also ordinary words: a street's name before them is capitalized.
var plainWords = set("drive dr court ct place pl square sq terrace ter way close gardens grove mews row circle cir trail trl alley quay walk lane")

// trigger is what a text must have for a pattern to match.
type trigger uint

const (
	english trigger = 1 << iota
	germanEnd
	german
	french
	southern
	box
	block
	fiveDigits // in a row, as in a postcode
	postcode   // a digit after a capital
)

// streetWords are the words, and streetEnds the ends of words, that the patterns look for.
var (
	streetWords = triggers(map[trigger]string{
		english: "street st avenue ave road rd boulevard blvd lane ln drive dr court ct place pl square sq terrace ter way highway hwy parkway pkwy " +
			"close crescent gardens grove mews row circle cir trail trl alley quay walk",
		german:   "straße strasse str gasse allee platz weg ring damm ufer straat gracht",
		french:   "rue avenue av boulevard bd place chemin allée impasse quai route cours passage",
		southern: "calle avenida avda plaza paseo carrer via viale piazza corso largo rua travessa c",
		block:    "blk block",
		box:      "box postfach apartado postale",
	})
	streetEnds = []string{"straße", "strasse", "str.", "gasse", "allee", "platz", "damm", "ufer", "straat", "gracht", "kade", "plein", "laan",
		"gatan", "vägen", "gata", "vej", "gade", "veien"}
	// lastLetters are those that words of streetEnds end with.
	lastLetters = func() (last [256]bool) {
		for _, end := range streetEnds {
			last[end[len(end)-1]] = true
		}
		return last
	}()
)

func triggers(words map[trigger]string) map[string]trigger {
	m := map[string]trigger{}
	for t, list := range words {
		for w := range set(list) {
			m[w] |= t
		}
	}
	return m
}

func set(words string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// triggersIn returns what a text in lower case, and the same text as written, have for the patterns.
func triggersIn(lower, s string) (found trigger) {
	digits, start := 0, 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && isDigit(s[i]) {
			if digits++; digits >= 5 {
				found |= fiveDigits
			}
			if i > 0 && s[i-1] >= 'A' && s[i-1] <= 'Z' {
				found |= postcode
			}
			continue
		}
		digits = 0
		if i < len(s) && (s[i] > ' ' && strings.IndexByte(",;:!?()\"'/", s[i]) < 0) {
			continue
		}
		if i > start {
			found |= triggerOf(lower[start:i])
		}
		start = i + 1
	}
	return found
}

// triggerOf returns what a word is for the patterns.
func triggerOf(w string) (found trigger) {
	const longest = len("boulevard")
	if len(w) <= longest+1 {
		found = streetWords[strings.TrimRight(w, ".")]
	}
	if lastLetters[w[len(w)-1]] {
		for _, end := range streetEnds {
			if strings.HasSuffix(w, end) {
				found |= germanEnd
			}
		}
	}
	return found
}

// findPostal finds postal addresses and coordinates.
func findPostal(t *text) (spans []span) {
	s := t.s
	places := t.findPlaces()
	if t.digits == 0 {
		return places
	}
	held := triggersIn(t.lower, s)
	for _, place := range postal {
		if place.trigger&held == 0 {
			continue
		}
		for _, at := range place.pattern.Get().FindAllStringSubmatchIndex(s, -1) {
			p := span{start: at[0], end: at[1]}
			if notStreet.Get().MatchString(s[at[2]:at[3]]) || amount(s, p) {
				continue
			}
			if len(at) > 4 && plainWords[strings.ToLower(s[at[4]:at[5]])] && !strings.ContainsFunc(s[at[2]:at[3]], unicode.IsUpper) &&
				!strings.ContainsFunc(s[at[2]:at[3]], unicode.IsDigit) {
				continue
			}
			if flat := flatBefore.Get().FindStringSubmatchIndex(s[max(0, p.start-20):p.start]); flat != nil {
				p.start = max(0, p.start-20) + flat[2]
			}
			p.value = plain(s[p.start:p.end])
			spans = append(spans, p)
		}
	}
	return apart(append(places, longest(t.withTails(append(spans, t.findTowns()...)))...))
}

// plain returns a text in lower case, with single spaces and without punctuation.
func plain(s string) string {
	s = strings.Map(func(c rune) rune {
		if strings.ContainsRune(".,;#'’", c) {
			return -1
		}
		return c
	}, strings.ToLower(s))
	return strings.Join(strings.Fields(s), " ")
}
