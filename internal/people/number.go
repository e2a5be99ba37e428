package people

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// extension is what is dialed after a number: 555-0123 ext. 4, and pauses.
var extension = regexp.MustCompile(`(?i)\s*(;ext=|,|;|extension|ext\.?|x)[\s\d,;*#]*$`)

// withoutExtension returns an address without what is dialed after its number.
func withoutExtension(address string) string {
	if at := extension.FindStringIndex(address); at != nil && isNumeric(address[:at[0]]) {
		return address[:at[0]]
	}
	return address
}

// isNumeric reports whether an address has digits, and nothing else than digits and what separates them in a telephone
// number.
func isNumeric(address string) bool {
	digits := false
	for _, c := range address {
		digit := unicode.IsDigit(c)
		if !digit && !strings.ContainsRune("+-()./*#~[] ", c) {
			return false
		}
		digits = digits || digit
	}
	return digits
}

// asciiDigits replaces the digits of other scripts.
func asciiDigits(number string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x80 || !unicode.IsDigit(c) {
			return c
		}
		first := c // the digits of a script follow each other, and begin at a multiple of ten from its first
		for unicode.IsDigit(first-1) && c-first < 9 {
			first--
		}
		return '0' + c - first
	}, number)
}

// exitCodes precede country codes where people dial abroad, in place of a plus sign.
var exitCodes = []string{"00", "011", "0011"}

// phoneNumber returns the E.164 form of a telephone number, or "" if it is none. Digits that are no number of the region may
// be one with its country code.
func phoneNumber(number, region string) string {
	if isShort(number) {
		return ""
	}
	local, err := phonenumbers.Parse(number, region)
	possible := err == nil && phonenumbers.IsPossibleNumber(local)
	if possible && phonenumbers.IsValidNumber(local) {
		return canonical(local)
	}
	digits := onlyDigits(number)
	if !strings.HasPrefix(strings.TrimLeft(number, "( "), "+") {
		if rest, found := strings.CutPrefix(digits, "80"); found && region == "UA" { // the trunk prefix of earlier years, before the zero
			if form := validNumber("+380" + rest); form != "" {
				return form
			}
		}
		for _, code := range exitCodes {
			if rest, found := strings.CutPrefix(digits, code); found {
				if abroad := validNumber("+" + rest); abroad != "" {
					return abroad
				}
			}
		}
	}
	if err == nil {
		if form := canonical(local); form != phonenumbers.Format(local, phonenumbers.E164) {
			return form
		}
	}
	if possible {
		return canonical(local)
	}
	const shortestAbroad = 10
	if len(digits) >= shortestAbroad {
		return validNumber("+" + digits)
	}
	return ""
}

// validNumber returns the E.164 form of a number with its country code, "" if no such number exists.
func validNumber(number string) string {
	parsed, err := phonenumbers.Parse(number, "")
	if err != nil {
		return ""
	}
	form := canonical(parsed)
	if again, err := phonenumbers.Parse(form, ""); err != nil || !phonenumbers.IsValidNumber(again) {
		return ""
	}
	return form
}

func onlyDigits(number string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, number)
}

// canonical returns the E.164 form of a number. In some countries one mobile telephone has several numbers: Brazil's gained
// a 9 before their eight digits, and those of Mexico and Argentina have a 1 and a 9 after the country code only when they
// are called from abroad or by some programs.
func canonical(number *phonenumbers.PhoneNumber) string {
	number.Extension = nil
	form := phonenumbers.Format(number, phonenumbers.E164)
	significant := phonenumbers.GetNationalSignificantNumber(number)
	switch number.GetCountryCode() {
	case 55:
		const area = 2
		if len(significant) == area+8 && significant[area] >= '6' {
			return "+55" + significant[:area] + "9" + significant[area:]
		}
	case 52:
		for _, prefix := range []string{"1", "044", "045", "01"} {
			if rest, found := strings.CutPrefix(significant, prefix); found && len(rest) == 10 {
				return "+52" + rest
			}
		}
	case 54:
		if rest, found := strings.CutPrefix(significant, "9"); found && len(rest) == 10 {
			return "+54" + rest
		}
	}
	return form
}

// renumbered returns the other forms of a canonical number.
func renumbered(number string) []string {
	switch {
	case strings.HasPrefix(number, "+55") && len(number) == len("+5511987654321") && number[5] == '9':
		return []string{number[:5] + number[6:]}
	case strings.HasPrefix(number, "+52") && len(number) == len("+525512345678"):
		return []string{"+521" + number[3:]}
	case strings.HasPrefix(number, "+54") && len(number) == len("+541123456789"):
		return []string{"+549" + number[3:]}
	}
	return nil
}

// isShort reports whether a number is a short one of a company, which has no country code but can look like a local number
// in some regions.
func isShort(number string) bool {
	const longest = 6
	return !strings.HasPrefix(number, "+") && len(onlyDigits(number)) <= longest
}
