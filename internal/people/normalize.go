package people

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
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
	number, err := phonenumbers.Parse(trim(address), "")
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

// normalize returns the one form that all spellings of an address share: lower case for e-mail, E.164 (+12345678900) for
// telephone numbers, and only digits for anything else, such as the short numbers of companies.
func normalize(address, region string) string {
	address = trim(address)
	if strings.ContainsRune(address, '@') {
		return strings.ToLower(address)
	}
	if number, err := phonenumbers.Parse(address, region); err == nil && !isShort(address) && phonenumbers.IsPossibleNumber(number) {
		number.Extension = nil
		return phonenumbers.Format(number, phonenumbers.E164)
	}
	if strings.ContainsFunc(address, isLetter) {
		return strings.ToLower(address)
	}
	return strings.Map(func(c rune) rune {
		if c == '+' || c >= '0' && c <= '9' || c == '*' || c == '#' {
			return c
		}
		return -1
	}, address)
}

// isShort reports whether an address is a short number of a company, which has no country code but can look like a local
// number in some regions.
func isShort(address string) bool {
	const longest = 6
	digits := 0
	for _, c := range address {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return !strings.HasPrefix(address, "+") && digits <= longest
}

func isLetter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c > 0x7f }

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
