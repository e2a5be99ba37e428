package privacy

import (
	"slices"
	"strings"

	"ventriloquist/internal/lazyregexp"

	"github.com/nyaruka/phonenumbers"
)

var (
	email = lazyregexp.New(`[\p{L}\p{N}][\p{L}\p{N}._%+'\-]*@(?:[\p{L}\p{N}](?:[\p{L}\p{N}\-]*[\p{L}\p{N}])?\.)+\p{L}{2,}`)
	// spelled matches an e-mail address that is written so that programs do not find it: dana (at) web.de, john dot smith at gmail dot com.
	spelled = lazyregexp.New(`(?i)\b([\p{L}\d][\p{L}\d._+\-]*)(?: dot [\p{L}\d]+)*(?: ?[(\[]\s?(?:at|arroba|ät|@)\s?[)\]] ?(?:[\p{L}\d\-]+(?:\.| ?[(\[]?(?:dot|punkt|point|punto|ponto)[)\]]? ?))+| (?:at|arroba|ät) (?:([\p{L}\d\-]+) (?:dot|punkt|point|punto|ponto) )+)(?:com|org|net|edu|gov|io|me|co|info|uk|de|fr|es|it|nl|pl|ru|eu|ch|at|be|se|no|dk|fi|pt|br|mx|ar|in|jp|kr|cn|au|ca|us|dev|app|email)\b`)
	url     = lazyregexp.New(`(?i)\b(?:https?://|www\.)\S+`)
)

func findEmails(t *text) (spans []span) {
	if t.has(mailWord) {
		for _, at := range spelled.Get().FindAllStringSubmatchIndex(t.s, -1) {
			if ordinary(t.s[at[2]:at[3]]) || at[4] >= 0 && ordinary(t.s[at[4]:at[5]]) {
				continue // we meet at the dot com building
			}
			spans = append(spans, span{start: at[0], end: at[1], value: strings.ToLower(t.s[at[0]:at[1]])})
		}
	}
	if strings.IndexByte(t.s, '@') < 0 {
		return spans
	}
	for _, at := range email.Get().FindAllStringIndex(t.s, -1) {
		spans = append(spans, span{start: at[0], end: at[1], value: strings.ToLower(t.s[at[0]:at[1]])})
	}
	return spans
}

var (
	// numberRun is a sequence of digit groups, as telephone numbers are written.
	numberRun = lazyregexp.New(`(?:\+\s?|\b00\s?)?\(?\d+\)?(?:[ .\-/\x{2013}]{0,3}\(?\d+\)?)*`)
	// group is one group, with the plus and the parentheses that belong to it.
	group = lazyregexp.New(`(?:\+\s?)?\(?\d+\)?`)
	// dated matches IP addresses and dates.
	dated = lazyregexp.New(`\b(?:\d{1,3}(?:\.\d{1,3}){3}|\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2}))\b`)
	// notPhone matches dates, IP addresses, fractions, spans of years, and numbers of cards and the like.
	notPhone = lazyregexp.New(`^(?:\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:\d{2}|\d{4})|\d{1,3}(?:\.\d{1,3}){3}|\d{1,3}(?:\.\d{3})+|\d+\.\d+(?:/\d+\.\d+)?|(?:19|20)\d\d ?[-–/] ?(?:19|20)?\d\d|\d{4}(?: \d{4}){2,}(?: \d{1,4})?)$`)
	// pointed matches a mobile number with a point after its prefix, and one in groups like those of a card, which only a
	// word before it tells from other numbers.
	pointed = lazyregexp.New(`^\d{3}\.\d{6,7}$|^0[1-9]\d\d \d{4} \d{4}$`)
	// thousands matches what may be a large sum.
	thousands = lazyregexp.New(`^[1-9]\d{0,2}(?: \d{3})+$`)
	clock     = lazyregexp.New(`^:\d\d`)
	// northAmerican is the usual form of a North American number, also with area codes that do not exist.
	northAmerican = lazyregexp.New(`^(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}$`)
	localNumber   = lazyregexp.New(`^\d{3}[-. ]\d{4}$`)
	// mine matches what introduces the writer's own number without a word for it: mine is 601 482 937.
	mine      = lazyregexp.New(`(?i)(?:^|[\s,.!?;:])(?:mine|my (?:new )?one|o meu|el m[ií]o|le mien|il mio|mój|môj|můj|meine[rs]?|mein neue[rs]?|(?:de )?mijne|mitt?|min|мой|мій|benimki|az enyém|a?l meu)(?: (?:new|novo|nuevo|nouveau|nuovo|nowy|nový|novi|новый|новий))?(?:'s|’s| is| é| es| est| è| to| je| ist| är| er| on| e|:| —| -)? (?:o |el |le )?$`)
	saidPhone = lazyregexp.New(`(?i)(?:call|text|phone|tel|cell|mobile|number|dial|ring|fax|whatsapp)\W*(?:me|is|at|on|under)?\W*(?:at|on)?\W*$`)
)

// findPhones finds the longest parts of each sequence of digit groups that are telephone numbers.
func findPhones(t *text) (spans []span) {
	if t.digits < shortestPhone {
		return nil
	}
	if t.phones != nil {
		return t.phones
	}
	s := t.s
	others := slices.Clone(t.urls)
	for _, at := range dated.Get().FindAllStringIndex(s, -1) {
		if !continues(s, at[0], at[1]) {
			others = append(others, at)
		}
	}
	t.phones = []span{}
	for _, at := range numberRun.Get().FindAllStringIndex(s, -1) {
		if len(digitsOf(s[at[0]:at[1]])) < shortestPhone {
			continue
		}
		groups := group.Get().FindAllStringIndex(s[at[0]:at[1]], -1)
		for from := 0; from < len(groups); from++ {
			for to := min(len(groups), from+mostPhoneGroups); to > from; to-- {
				p := span{start: at[0] + groups[from][0], end: at[0] + groups[to-1][1]}
				if inside(others, []int{p.start, p.end}) || !t.cutAtSpaces(p, at) {
					continue
				}
				if p.value = t.phoneOf(p.start, p.end, from == 0 && to == len(groups)); p.value != "" {
					t.phones = append(t.phones, p)
					from = to - 1
					break
				}
			}
		}
	}
	return t.phones
}

// cutAtSpaces reports whether a part of a sequence of groups is set apart by spaces: 2 of 212-555-0123 3, but not version 2.6.12-10-386.
func (t *text) cutAtSpaces(p span, run []int) bool {
	return (p.start == run[0] || t.s[p.start-1] == ' ') && (p.end == run[1] || t.s[p.end] == ' ')
}

// continues reports whether a date or IP address is part of a longer sequence of numbers.
func continues(s string, start, end int) bool {
	after := end+1 < len(s) && strings.IndexByte("./-", s[end]) >= 0 && isDigit(s[end+1])
	before := start > 1 && strings.IndexByte("./-", s[start-1]) >= 0 && isDigit(s[start-2])
	return after || before
}

// shortestPhone and longestPhone limit the number of digits, mostPhoneGroups the number of groups.
const (
	shortestPhone   = 7
	longestPhone    = 17 // with 00 before the country code
	mostPhoneGroups = 8
)

func inside(ranges [][]int, at []int) bool {
	for _, r := range ranges {
		if at[0] < r[1] && r[0] < at[1] {
			return true
		}
	}
	return false
}

// phoneOf returns a part of a text as a number in E.164, "" if it is not one. whole reports whether it is all of the digit groups
// that stand together.
func (t *text) phoneOf(start, end int, whole bool) string {
	s, written := t.s, t.s[start:end]
	digits := len(digitsOf(written))
	if digits < shortestPhone || digits > longestPhone || !standsAlone(s, start, end) || notPhone.Get().MatchString(written) && !(pointed.Get().MatchString(written) && t.saidPhone(start, end)) || clock.Get().MatchString(s[end:]) {
		return ""
	}
	if start > 0 && strings.IndexByte("$€£#", s[start-1]) >= 0 || strings.Contains(written, ". ") {
		return ""
	}
	groups := group.Get().FindAllString(written, -1)
	if strings.HasPrefix(written, "00") {
		written = "+" + written[2:]
	}
	for i, g := range groups[1:] {
		if len(digitsOf(g)) < 2 && !(written[0] == '+' && i < 2) {
			return ""
		}
	}
	if written[0] == '+' {
		number, err := phonenumbers.Parse(written, t.regions[0])
		if err != nil || !phonenumbers.IsValidNumber(number) && phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE {
			return ""
		}
		return phonenumbers.Format(number, phonenumbers.E164)
	}
	if t.saidOtherwise([]int{start, end}) || strings.Contains(written, ".") && strings.ContainsAny(written, " -") {
		return ""
	}
	return t.localPhone(start, end, written, groups, whole)
}

// localPhone returns a number without a country code in E.164. A number of the owner's region needs to be valid; one of another
// region also needs to look or to be called like a telephone number.
func (t *text) localPhone(start, end int, written string, groups []string, whole bool) string {
	said := t.saidPhone(start, end)
	sole := whole && (len(strings.Trim(t.s[:start]+t.s[end:], " \t\n.,!?:)(>-")) == 0 || mine.Get().MatchString(t.s[:start]) && t.endsClause(end))
	if thousands.Get().MatchString(written) && !said && (!sole || strings.HasSuffix(written, " 000")) {
		return ""
	}
	digits := digitsOf(written)
	for i, region := range t.regions {
		if i > 0 && !said && !sole && !likePhone(digits, groups, whole) {
			break
		}
		if len(digits) < 9 && i > 0 && !said {
			break
		}
		number, err := phonenumbers.Parse(written, region)
		if err != nil || number.GetCountryCode() == 1 && !asInNorthAmerica(groups) {
			continue
		}
		if phonenumbers.IsValidNumber(number) && (said || withTrunk(digits, number, region)) && (i == 0 || said || digits[0] == '0' || isMobile(number) || len(groups) > 1 && isFixed(number)) ||
			likeMobile(digits, groups, whole) && phonenumbers.IsPossibleNumberWithReason(number) == phonenumbers.IS_POSSIBLE ||
			said && digits[0] == '0' && len(digits) >= 9 && phonenumbers.IsPossibleNumberWithReason(number) == phonenumbers.IS_POSSIBLE ||
			i == 0 && (northAmerican.Get().MatchString(written) || localNumber.Get().MatchString(written) && saidPhone.Get().MatchString(t.s[:start])) {
			return phonenumbers.Format(number, phonenumbers.E164)
		}
	}
	if northAmerican.Get().MatchString(written) || said && whole && len(groups) > 1 && len(digits) >= 8 && len(digits) <= 12 && saidPhone.Get().MatchString(t.s[:start]) {
		return digits
	}
	return ""
}

// withTrunk reports whether a number begins with the zero that a call from within its country needs. India and Turkey often leave
// it out.
func withTrunk(digits string, number *phonenumbers.PhoneNumber, region string) bool {
	return digits[0] == '0' || (region == "IN" || region == "TR") && isMobile(number) || !strings.HasPrefix(digitsOf(phonenumbers.Format(number, phonenumbers.NATIONAL)), "0")
}

func isFixed(number *phonenumbers.PhoneNumber) bool {
	return phonenumbers.GetNumberType(number) == phonenumbers.FIXED_LINE
}

// asInNorthAmerica reports whether digits are grouped as in North America: not at all, 3-7, 3-3-4, with or without a 1 before.
func asInNorthAmerica(groups []string) bool {
	var lengths []int
	for _, g := range groups {
		lengths = append(lengths, len(digitsOf(g)))
	}
	if len(lengths) > 1 && lengths[0] == 1 {
		lengths = lengths[1:]
	}
	return len(lengths) == 1 || slices.Equal(lengths, []int{3, 7}) || slices.Equal(lengths, []int{3, 3, 4}) || slices.Equal(lengths, []int{3, 4}) || slices.Equal(lengths, []int{6, 4})
}

func isMobile(number *phonenumbers.PhoneNumber) bool {
	kind := phonenumbers.GetNumberType(number)
	return kind == phonenumbers.MOBILE || kind == phonenumbers.FIXED_LINE_OR_MOBILE
}

// saidPhone reports whether a word near a number says that it is a telephone number.
func (t *text) saidPhone(start, end int) bool {
	for _, w := range t.words {
		if w.class&phoneWord == 0 {
			continue
		}
		if w.end <= start && start-w.end <= phoneReach && !strings.ContainsAny(t.s[w.end:start], "\n;!") && !sentenceEnds(t.s[w.end:start]) || w.start >= end && w.start-end <= phoneReach/2 {
			return true
		}
	}
	return false
}

// sentenceEnds reports whether a sentence ends in a part of a text: a full stop after more than an abbreviation.
func sentenceEnds(s string) bool {
	i := strings.Index(s, ". ")
	return i > len("nr no")
}

// phoneReach is the distance of a number from a word for telephone numbers before it, in bytes.
const phoneReach = 40

// likeMobile reports whether digits that stand together look like a mobile number of a range that the plans do not have yet.
func likeMobile(digits string, groups []string, whole bool) bool {
	return whole && len(groups) <= 2 && len(digits) == 11 && strings.HasPrefix(digits, "07")
}

// likePhone reports whether the digits begin with a zero, or are grouped like a number that is dialed.
func likePhone(digits string, groups []string, whole bool) bool {
	if !whole || len(digits) < 9 {
		return false
	}
	return digits[0] == '0' && len(digits) <= 12 || len(groups) > 1 && len(digits) >= 10 && len(digits) <= 13 || len(groups) > 2
}
