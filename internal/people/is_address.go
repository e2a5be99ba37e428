package people

import "strings"

// fewestDigits is the least that a number has.
const fewestDigits = 3

// IsAddress reports whether a text can be a telephone number, also the short one of a company, or an e-mail address. In some
// exports people have only names.
func IsAddress(text string) bool {
	text = trim(PlainText(text))
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return at > 0 && at < len(text)-1 && !strings.ContainsAny(text, " ,;<>")
	}
	number := withoutExtension(text)
	return isNumeric(number) && len(onlyDigits(asciiDigits(number))) >= fewestDigits
}

// isCutNumber reports whether a text has only digits and what separates them, and fewer digits than any number.
func isCutNumber(text string) bool {
	text = trim(PlainText(text))
	return isNumeric(text) && len(onlyDigits(asciiDigits(text))) < fewestDigits
}
