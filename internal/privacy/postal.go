package privacy

import (
	"regexp"
	"strings"
	"unicode"
)

// postal matches postal addresses: a street with its number and the town and postcode that follow; towns with postcodes that
// have letters or a state; and PO boxes.
var postal = []*regexp.Regexp{
	// 12 Main St, Apt 4, Springfield, IL 62701 and 221b Baker Street, London NW1 6XE
	regexp.MustCompile(`(?i)\b\d{1,5}[a-z]?(?:[-/]\d{1,4})?,? (?:(?:north|south|east|west|[nsew]{1,2})\.? )?((?:[\p{L}'’\-]+\.? |\d{1,3}(?:st|nd|rd|th) ){1,4})(street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|terrace|ter|way|highway|hwy|parkway|pkwy|close|crescent|gardens|grove|mews|row|circle|cir|trail|trl|alley|quay|walk)\b\.?(?: (?:north|south|east|west|nw|ne|sw|se|n|s|e|w)\b)?` + afterStreet),
	// Hauptstraße 12, 10115 Berlin; Kerkstraat 5
	regexp.MustCompile(`(?i)\b()[\p{L}\-]+(?:straße|strasse|str\.|gasse|allee|platz|damm|ufer|straat|gracht|kade|plein|laan|gatan|vägen|gata|vej|gade|veien) ?\d{1,4} ?[a-z]?\b` + afterStreet),
	regexp.MustCompile(`\b()(?:\p{Lu}[\p{L}\-]+ ){1,3}(?:Straße|Strasse|Str\.|Gasse|Allee|Platz|Weg|Ring|Damm|Ufer|Straat|Gracht) \d{1,4} ?[a-z]?\b` + afterStreet),
	// 12 bis rue de la Paix, 75002 Paris; 5 place Bellecour
	regexp.MustCompile(`\b()\d{1,4}(?: ?(?:bis|ter))?,? (?i:rue|boulevard|impasse|allée|chemin) (?i:de la|de l['’]|du|des|de|d['’]|l['’]|la|le|les) ?[\p{L}'’\-]+(?: \p{Lu}[\p{L}'’\-]+){0,3}` + afterStreet),
	regexp.MustCompile(`\b()\d{1,4}(?: ?(?:bis|ter))?,? (?i:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|quai|route|cours|passage) (?:(?i:de la|de l['’]|du|des|de|d['’]|l['’]|la|le|les) ?)?\p{Lu}[\p{L}'’\-]+(?: \p{Lu}[\p{L}'’\-]+){0,3}` + afterStreet),
	// Calle Mayor 5; Via Roma, 12; Rua Augusta nº 100
	regexp.MustCompile(`\b()(?i:calle|c/|avenida|avda\.?|plaza|paseo|carrer|via|viale|piazza|corso|largo|rua|travessa) ?(?:(?:de|del|della|delle|dei|di|da|do|dos|la|las|los|el) ){0,2}\p{Lu}[\p{L}'’\-]+(?: [\p{L}'’\-]+){0,3},? (?i:n[ºo°.]\.? ?)?\d{1,4}\b` + afterStreet),
	// Springfield, IL 62701
	regexp.MustCompile(`\b()\p{Lu}[\p{L}.'’ \-]{1,30},? (?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY]),? \d{5}(?:-\d{4})?\b`),
	// postcodes of the United Kingdom and Canada
	regexp.MustCompile(`\b()[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b`),
	regexp.MustCompile(`\b()[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d\b`),
	regexp.MustCompile(`(?i)\b()(?:p\.? ?o\.? ?box|postfach|apartado|boîte postale) \d{1,6}\b` + afterStreet),
}

// afterStreet matches what may follow a street: a flat, a postcode, a town, a state.
const afterStreet = `(?-i:(?:,? (?i:apt|apartment|unit|suite|ste|flat|floor|room)\.? ?#?\w{1,5}\b|,? #\w{1,5}\b)?` +
	`(?:,?\s+\d{4,5} \p{Lu}[\p{L}\-]+|(?:,\s*\p{Lu}\p{Ll}[\p{L}.'’\-]*(?: \p{Lu}\p{Ll}[\p{L}.'’\-]*){0,2}){0,2}(?:,? [A-Z]{2}\b)?(?:,? \d{5}(?:-\d{4})?\b|,? [A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b)?))`

// notStreet matches words that are not part of a street's name before a word that street names end in: "5 on the road".
var notStreet = regexp.MustCompile(`(?i)\b(?:a|an|the|of|on|in|at|to|my|your|his|her|our|their|this|that|more|less|and|or|is|are|was|for|from|by|with|min|mins|minutes?|hours?|hrs?|days?|weeks?|months?|years?|miles?|km|feet|ft|am|pm|people|times?|percent|out|off|away|i|you|we|they|it|left|right|down|up|along|down|same|other|next|last|long|half|all|no|gig|gigs|gb|mb|tb|kb|rpm|mhz|ghz|hard|flash|usb|pen|thumb|disk|cd|dvd|new|old|big|small)\b`)

// plainWords are street suffixes that are also ordinary words: a street's name before them is capitalized.
var plainWords = set("drive dr court ct place pl square sq terrace ter way close gardens grove mews row circle cir trail trl alley quay walk lane")

// streetWords are the words and word endings that the patterns look for: a cheap check that a text may hold an address.
var (
	streetWords = set("street st avenue ave road rd boulevard blvd lane ln drive dr court ct place pl square sq terrace ter way highway hwy " +
		"parkway pkwy close crescent gardens grove mews row circle cir trail trl alley quay walk rue av bd chemin allée impasse quai route cours " +
		"passage calle avenida avda plaza paseo carrer via viale piazza corso largo rua travessa strasse straße str gasse allee platz weg ring damm " +
		"ufer straat gracht box postfach apartado postale")
	streetEnds = []string{"straße", "strasse", "str.", "gasse", "allee", "platz", "damm", "ufer", "straat", "gracht", "kade", "plein", "laan",
		"gatan", "vägen", "gata", "vej", "gade", "veien"}
)

func set(words string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// mayHoldAddress is a fast check that most texts hold no address: no street word, no capital next to a digit as in a postcode,
// no five digits.
func mayHoldAddress(s string) bool {
	digits := 0
	for i := range len(s) {
		if c := s[i]; c < '0' || c > '9' {
			digits = 0
			continue
		}
		if digits++; digits >= 5 || i > 0 && s[i-1] >= 'A' && s[i-1] <= 'Z' {
			return true
		}
	}
	for w := range strings.FieldsFuncSeq(strings.ToLower(s), func(c rune) bool { return c <= ' ' || strings.ContainsRune(",;:!?()\"'’/", c) }) {
		if streetWords[strings.TrimRight(w, ".")] {
			return true
		}
		for _, end := range streetEnds {
			if strings.HasSuffix(w, end) {
				return true
			}
		}
	}
	return strings.Contains(s, "c/") || strings.Contains(s, "C/")
}

// findPostal finds postal addresses.
func findPostal(s, _ string) (spans []span) {
	if !hasDigits(s, 1) || !mayHoldAddress(s) {
		return nil
	}
	for _, pattern := range postal {
		for _, at := range pattern.FindAllStringSubmatchIndex(s, -1) {
			p := span{start: at[0], end: at[1]}
			if notStreet.MatchString(s[at[2]:at[3]]) || overlaps(spans, p) || amount(s, p) {
				continue
			}
			if len(at) > 4 && plainWords[strings.ToLower(s[at[4]:at[5]])] && !strings.ContainsFunc(s[at[2]:at[3]], unicode.IsUpper) &&
				!strings.ContainsFunc(s[at[2]:at[3]], unicode.IsDigit) {
				continue
			}
			p.value = plain(s[p.start:p.end])
			spans = append(spans, p)
		}
	}
	return spans
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
