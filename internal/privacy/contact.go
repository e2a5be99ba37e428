package privacy

import (
	"regexp"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

var (
	email = regexp.MustCompile(`[\p{L}\p{N}][\p{L}\p{N}._%+'\-]*@(?:[\p{L}\p{N}](?:[\p{L}\p{N}\-]*[\p{L}\p{N}])?\.)+\p{L}{2,}`)
	url   = regexp.MustCompile(`(?i)\b(?:https?://|www\.)\S+`)
)

func findEmails(s, _ string) (spans []span) {
	if strings.IndexByte(s, '@') < 0 {
		return nil
	}
	for _, at := range email.FindAllStringIndex(s, -1) {
		spans = append(spans, span{start: at[0], end: at[1], value: strings.ToLower(s[at[0]:at[1]])})
	}
	return spans
}

var (
	// numberRun is a sequence of digit groups, as telephone numbers are written.
	numberRun = regexp.MustCompile(`(?:\+\s?|\b00\s?)?\(?\d+\)?(?:[ \x{a0}\x{202f}.\-/\x{2010}-\x{2013}]{0,2}\(?\d+\)?)*`)
	// group is one group, with the plus and the parentheses that belong to it.
	group = regexp.MustCompile(`(?:\+\s?)?\(?\d+\)?`)
	// dated matches dates and IP addresses.
	dated = regexp.MustCompile(`\b(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2})|\d{1,3}(?:\.\d{1,3}){3})\b`)
	// notPhone matches dates, IP addresses, large sums, fractions, and numbers of cards and the like.
	notPhone = regexp.MustCompile(`^(?:\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:\d{2}|\d{4})|\d{1,3}(?:\.\d{1,3}){3}|\d{1,3}(?:[. ]\d{3})+|\d+\.\d+(?:/\d+\.\d+)?|(?:19|20)\d\d ?[-–/] ?(?:19|20)?\d\d|\d{4}(?: \d{4}){2,}(?: \d{1,4})?)$`)
	clock    = regexp.MustCompile(`^:\d\d`)
	// northAmerican is the usual form of a North American number, also with area codes that do not exist.
	northAmerican = regexp.MustCompile(`^(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}$`)
	localNumber   = regexp.MustCompile(`^\d{3}[-. ]\d{4}$`)
	phoneWord     = regexp.MustCompile(`(?i)(?:call|text|phone|tel|cell|mobile|number|dial|ring|fax|whatsapp)\W*(?:me|is|at|on|under)?\W*(?:at|on)?\W*$`)
)

// findPhones finds the longest parts of each sequence of digit groups that are telephone numbers.
func findPhones(s, region string) (spans []span) {
	if !hasDigits(s, shortestPhone) {
		return nil
	}
	others := append(url.FindAllStringIndex(s, -1), dated.FindAllStringIndex(s, -1)...)
	for _, at := range numberRun.FindAllStringIndex(s, -1) {
		if len(digitsOf(s[at[0]:at[1]])) < shortestPhone {
			continue
		}
		groups := group.FindAllStringIndex(s[at[0]:at[1]], -1)
		for from := 0; from < len(groups); from++ {
			for to := len(groups); to > from; to-- {
				p := span{start: at[0] + groups[from][0], end: at[0] + groups[to-1][1]}
				if inside(others, []int{p.start, p.end}) {
					continue
				}
				if p.value = phoneOf(s, p.start, p.end, region); p.value != "" {
					spans = append(spans, p)
					from = to - 1
					break
				}
			}
		}
	}
	return spans
}

// shortestPhone and longestPhone limit the number of digits.
const (
	shortestPhone = 7
	longestPhone  = 17 // with 00 before the country code
)

func inside(ranges [][]int, at []int) bool {
	for _, r := range ranges {
		if at[0] < r[1] && r[0] < at[1] {
			return true
		}
	}
	return false
}

// phoneOf returns a part of a text as a number in E.164, "" if it is not one.
func phoneOf(s string, start, end int, region string) string {
	text := s[start:end]
	digits := len(digitsOf(text))
	if digits < shortestPhone || digits > longestPhone || !standsAlone(s, start, end) || notPhone.MatchString(text) || clock.MatchString(s[end:]) {
		return ""
	}
	if start > 0 && strings.IndexByte("$€£#", s[start-1]) >= 0 {
		return ""
	}
	if groups := group.FindAllString(text, -1); len(groups) > 1 {
		for _, g := range groups[1:] {
			if len(digitsOf(g)) < 2 {
				return ""
			}
		}
	}
	if strings.HasPrefix(text, "00") {
		text = "+" + text[2:]
	}
	number, err := phonenumbers.Parse(text, region)
	if err != nil {
		return ""
	}
	switch {
	case phonenumbers.IsValidNumber(number):
	case strings.HasPrefix(text, "+") && phonenumbers.IsPossibleNumberWithReason(number) == phonenumbers.IS_POSSIBLE:
	case northAmerican.MatchString(text):
	case localNumber.MatchString(text) && phoneWord.MatchString(s[:start]):
	default:
		return ""
	}
	return phonenumbers.Format(number, phonenumbers.E164)
}
