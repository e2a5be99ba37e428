package privacy

import (
	"slices"
	"strconv"
	"strings"

	"ventriloquist/internal/lazyregexp"
)

var (
	cardNumber = lazyregexp.New(`\d(?:[ \-]?\d){12,18}`)
	iban       = lazyregexp.New(`(?i)\b[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]){11,30}`)
	routing    = lazyregexp.New(`(?i)\b(?:routing|aba|rtn)\b[^\d\n]{0,20}(\d{9})\b`)
	sortCode   = lazyregexp.New(`(?i)\bsort code\b\D{0,10}(\d{2}[- ]?\d{2}[- ]?\d{2})\b`)
)

// findCards finds card numbers: 13 to 19 digits that begin like a card number and have a valid check digit.
func findCards(t *text) (spans []span) {
	if t.digits < 13 {
		return nil
	}
	s := t.s
	for _, at := range cardNumber.Get().FindAllStringIndex(s, -1) {
		for end := at[1]; end > at[0]; end = groupBefore(s, at[0], end) {
			digits := digitsOf(s[at[0]:end])
			if len(digits) >= 13 && digits[0] >= '2' && digits[0] <= '6' && luhn(digits) && asOnCards(s[at[0]:end]) && standsAlone(s, at[0], end) && !t.inURL(at[0], end) {
				spans = append(spans, span{start: at[0], end: end, value: digits})
				break
			}
		}
	}
	return spans
}

// groupBefore returns the end of the digit group before the last one of s[start:end].
func groupBefore(s string, start, end int) int {
	return start + strings.LastIndexAny(s[start:end], " -")
}

// asOnCards reports whether digits are grouped as on cards: not at all, by fours, 4-6-5 or 4-6-4.
func asOnCards(s string) bool {
	separator := " "
	if strings.Contains(s, "-") {
		separator = "-"
	}
	var lengths []int
	for _, g := range strings.Split(s, separator) {
		if digitsOf(g) != g {
			return false
		}
		lengths = append(lengths, len(g))
	}
	if len(lengths) == 1 || slices.Equal(lengths, []int{4, 6, 5}) || slices.Equal(lengths, []int{4, 6, 4}) {
		return true
	}
	for _, n := range lengths[:len(lengths)-1] {
		if n != 4 {
			return false
		}
	}
	return lengths[len(lengths)-1] <= 4
}

// luhn reports whether the last digit of a card number is the right check digit.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// findAccounts finds IBANs, national ids, addresses of coins, and numbers that the text introduces as those of an account, a
// document or a person.
func findAccounts(t *text) (spans []span) {
	s := t.s
	if t.token {
		spans = append(spans, t.findCoins()...)
	}
	spans = append(spans, t.findHandles()...)
	if t.digits < 4 {
		return spans
	}
	if t.digits >= fewestInIBAN {
		for _, at := range iban.Get().FindAllStringIndex(s, -1) {
			if end, value, ok := ibanAt(s, at[0], at[1]); ok {
				spans = append(spans, span{start: at[0], end: end, value: value})
			}
		}
	}
	spans = append(spans, t.findBranches()...)
	spans = append(spans, t.findSorted()...)
	spans = append(spans, t.findIDs()...)
	if !t.has(idWord | docWord | accountWord) {
		return apart(spans)
	}
	for _, at := range routing.Get().FindAllStringSubmatchIndex(s, -1) {
		if digits := s[at[2]:at[3]]; routingCheck(digits) {
			spans = append(spans, span{start: at[2], end: at[3], value: digits})
		}
	}
	for _, at := range sortCode.Get().FindAllStringSubmatchIndex(s, -1) {
		spans = append(spans, span{start: at[2], end: at[3], value: digitsOf(s[at[2]:at[3]])})
	}
	return apart(append(append(spans, t.findSaidNumbers()...), t.findBankNumbers()...))
}

// apart drops spans that overlap an earlier one.
func apart(spans []span) (kept []span) {
	for _, p := range spans {
		if !overlaps(kept, p) {
			kept = append(kept, p)
		}
	}
	return kept
}

// ibanAt cuts an IBAN to the length for its country and checks it; the pattern is greedy and may include following words.
func ibanAt(s string, start, end int) (stop int, value string, ok bool) {
	country := strings.ToUpper(s[start : start+2])
	length := ibanLength[country]
	if length == 0 {
		return 0, "", false
	}
	var out strings.Builder
	for stop = start; stop < end && out.Len() < length; stop++ {
		if c := s[stop]; c != ' ' && c != '-' {
			out.WriteByte(c)
		}
	}
	value = strings.ToUpper(out.String())
	return stop, value, len(value) == length && standsAlone(s, start, stop) && mod97(value) == 1
}

// mod97 is the ISO 7064 checksum of an IBAN: with its first four characters moved to the end, and letters as numbers from 10.
func mod97(value string) (remainder int) {
	for _, c := range value[4:] + value[:4] {
		switch {
		case c >= '0' && c <= '9':
			remainder = (remainder*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			remainder = (remainder*100 + int(c-'A') + 10) % 97
		default:
			return 0
		}
	}
	return remainder
}

// issued reports whether a social security number can have been issued.
func issued(digits string) bool {
	area, _ := strconv.Atoi(digits[:3])
	return area != 0 && area != 666 && area < 900 && digits[3:5] != "00" && digits[5:] != "0000"
}

// routingCheck reports whether a US bank routing number has a valid checksum.
func routingCheck(digits string) bool {
	sum := 0
	for i, weight := range []int{3, 7, 1, 3, 7, 1, 3, 7, 1} {
		sum += weight * int(digits[i]-'0')
	}
	return sum%10 == 0
}

// fewestInIBAN is less than the number of digits in any IBAN.
const fewestInIBAN = 8

// ibanLength is the number of characters in the IBANs of a country, by the registry of ISO 13616.
var ibanLength = map[string]int{"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
	"BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18,
	"FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
	"IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22,
	"MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29,
	"RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23,
	"TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30}
