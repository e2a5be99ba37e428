package people

import (
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"
)

// defaultRegion is the region of numbers without a country code if the owner's own numbers do not show another.
const defaultRegion = "US"

// regionOf returns the region of the first of the owner's addresses that is a number with a country code.
func regionOf(own []string) string {
	for _, address := range own {
		if region := numberRegion(address); region != "" {
			return region
		}
	}
	return defaultRegion
}

// numberRegion returns the region of an address that is a number with a country code, "" of any other.
func numberRegion(address string) string {
	number, err := phonenumbers.Parse(trim(PlainText(address)), "")
	if err != nil {
		return ""
	}
	if region := phonenumbers.GetRegionCodeForNumber(number); len(region) == 2 && region != "ZZ" {
		return region
	}
	if region := phonenumbers.GetRegionCodeForCountryCode(int(number.GetCountryCode())); len(region) == 2 && region != "ZZ" {
		return region
	}
	return ""
}

// Region returns the region of numbers without a country code for an owner with these addresses.
func Region(own []string) string { return regionOf(own) }

// Regions returns the regions of the addresses that are numbers with a country code, each once, in the order in which they first
// appear.
func Regions(addresses []string) (regions []string) {
	for _, address := range addresses {
		if region := numberRegion(address); region != "" && !slices.Contains(regions, region) {
			regions = append(regions, region)
		}
	}
	return regions
}

// Normalize normalizes an address as a book of that region does.
func Normalize(address, region string) string { return normalize(address, region) }

// normalize returns the one form that all spellings of an address share: lower case for e-mail and names, E.164
// (+12345678900) for telephone numbers, and only digits for anything else without letters, such as the short numbers of
// companies. Invisible marks and letter forms make no difference.
func normalize(address, region string) string {
	address = trim(PlainText(address))
	if strings.ContainsRune(address, '@') {
		return strings.ToLower(address)
	}
	number := withoutExtension(address)
	if !isNumeric(number) {
		if !strings.ContainsFunc(address, isNamed) {
			return dialed(address)
		}
		return strings.ToLower(address)
	}
	number = asciiDigits(number)
	if canonical := phoneNumber(number, region); canonical != "" {
		return canonical
	}
	return dialed(number)
}

// dialed returns the characters of a number that one dials.
func dialed(number string) string {
	return strings.Map(func(c rune) rune {
		if c == '+' || c >= '0' && c <= '9' || c == '*' || c == '#' {
			return c
		}
		return -1
	}, number)
}

// isNamed reports whether a character can make a name.
func isNamed(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) || c > 0x7f }

// Spellings returns the normalized form of an address and the other forms in which earlier versions of this program stored
// it.
func Spellings(address, region string) []string {
	list := []string{normalize(address, region)}
	add := func(form string) {
		if form != "" && !slices.Contains(list, form) {
			list = append(list, form)
		}
	}
	add(formerForm(address, region))
	for _, other := range renumbered(list[0]) {
		add(other)
	}
	return list
}

// formerForm returns the normalized form that earlier versions gave an address.
func formerForm(address, region string) string {
	address = trim(address)
	if strings.ContainsRune(address, '@') {
		return strings.ToLower(address)
	}
	if number, err := phonenumbers.Parse(address, region); err == nil && !isShort(address) && phonenumbers.IsPossibleNumber(number) {
		number.Extension = nil
		return phonenumbers.Format(number, phonenumbers.E164)
	}
	if strings.ContainsFunc(address, unicode.IsLetter) {
		return strings.ToLower(address)
	}
	return dialed(address)
}

// PlainText returns a text in the form in which names and numbers are compared: compatibility forms of letters are composed
// and plain, marks that nobody sees are gone, dashes and apostrophes are those of ASCII, and white space is single spaces.
func PlainText(text string) string {
	ascii := true
	for i := range len(text) {
		ascii = ascii && text[i] < 0x80 && text[i] >= ' '
	}
	if ascii && !strings.Contains(text, "  ") {
		return strings.TrimSpace(text)
	}
	text = strings.Map(func(c rune) rune {
		switch {
		case c >= 0x2010 && c <= 0x2015 || c == 0x2212:
			return '-'
		case c == 0x2018 || c == 0x2019 || c == 0x02bc:
			return '\''
		case isInvisible(c):
			return -1
		}
		return c
	}, text)
	return strings.Join(strings.Fields(norm.NFKC.String(text)), " ")
}

// isInvisible reports whether a character is a mark that nobody sees: of direction, of joining, or of the form of an emoji.
func isInvisible(c rune) bool {
	return unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Variation_Selector, c) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, c)
}

// trim removes white space, URL prefixes of addresses, and the suffix that filters for unknown senders add to a handle:
// +12345678900(smsft).
func trim(address string) string {
	for {
		before := address
		address = strings.TrimSpace(address)
		for _, prefix := range []string{"tel:", "mailto:", "sms:"} {
			if len(address) >= len(prefix) && strings.EqualFold(address[:len(prefix)], prefix) {
				address = address[len(prefix):]
			}
		}
		if i := strings.LastIndexByte(address, '('); i > 0 && strings.HasSuffix(address, ")") && isMark(address[i+1:len(address)-1]) {
			address = address[:i]
		}
		if address == before {
			return address
		}
	}
}

func isMark(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return c < 'a' || c > 'z' })
}
