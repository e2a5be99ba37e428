package privacy

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// codeWord is what texts call a one-time code, in some languages.
	codeWord = regexp.MustCompile(`(?i)(?:\b(?:pass|security |verification |confirmation |access |login |sign-?in |auth\w* |one[- ]time |gate |door |entry |lock )codes?\b|\bpasscode\b|\bpass ?codes?\b|\b(?:otp|pin|2fa|tan|mtan)\b|\bone[- ]time pass\w*|\bverif(?:y|ication|ied)\b|\w*(?:bestätigungs|sicherheits|verifizierungs|prüf|zugangs)code\b|\bcódigo\b|\bcodice\b|\bcodigo\b|\bkod\b|\bkode\b|\bcode de (?:vérification|sécurité|confirmation)\b|\bкод\b|验证码|驗證碼|認証コード|인증번호)`)
	// plainCode may be a code of another kind, so its number must be nearer.
	plainCode = regexp.MustCompile(`(?i)\bcodes?\b`)
	isCode    = regexp.MustCompile(`(?i)^\s*(?:is|ist|est|es|=|:|-|–)\s`)
	// otherCode is a code that is not secret.
	otherCode = regexp.MustCompile(`(?i)\b(?:zip|postal|post|area|dress|country|promo|promotion|discount|coupon|voucher|referral|source|error|status|exit|color|colour|building|tax|hs|qr|bar|dial(?:ling)?|sort)[ -]?codes?\b`)
	codeValue = regexp.MustCompile(`\b(?:[A-Z]-)?(?:\d{4,8}|\d{3}[- ]\d{3})\b`)
	// boundCode is a code for a web site that its browser reads: @example.com #123456.
	boundCode = regexp.MustCompile(`(?m)^@\S+ #(\w{4,12})\b`)
	year      = regexp.MustCompile(`^(?:19|20)\d\d$`)
)

// reach is the maximum distance of a code from a code word, in bytes, and plainReach that from a plain one.
const (
	reach      = 60
	plainReach = 20
)

// findCodes finds short numbers near a word for codes.
func findCodes(s, region string) (spans []span) {
	if !hasDigits(s, 4) && !strings.HasPrefix(s, "@") && !strings.Contains(s, "\n@") {
		return nil
	}
	for _, at := range boundCode.FindAllStringSubmatchIndex(s, -1) {
		spans = append(spans, span{start: at[2], end: at[3], value: s[at[2]:at[3]]})
	}
	others := otherCode.FindAllStringIndex(s, -1)
	words, plain := outside(codeWord.FindAllStringIndex(s, -1), others), outside(plainCode.FindAllStringIndex(s, -1), others)
	if len(words)+len(plain) == 0 {
		return spans
	}
	urls := url.FindAllStringIndex(s, -1)
	phones := findPhones(s, region)
	for _, at := range codeValue.FindAllStringIndex(s, -1) {
		p := span{start: at[0], end: at[1], value: strings.NewReplacer("-", "", " ", "").Replace(s[at[0]:at[1]])}
		if !standsAlone(s, p.start, p.end) || amount(s, p) || inside(urls, at) || overlaps(spans, p) || partOf(phones, p) {
			continue
		}
		near := nearest(plain, at)
		if near <= plainReach && !isCode.MatchString(s[at[1]:]) && !slices.ContainsFunc(plain, func(w []int) bool { return w[1] <= at[0] && at[0]-w[1] <= plainReach }) {
			near = len(s) // before a plain word, a number must be said to be the code
		}
		if distance := min(near, nearest(words, at)); (near <= plainReach || nearest(words, at) <= reach) && !(year.MatchString(p.value) && distance > len(" is: ")) {
			spans = append(spans, p)
		}
	}
	return spans
}

// partOf reports whether a span is part of one of some longer ones.
func partOf(longer []span, p span) bool {
	return slices.ContainsFunc(longer, func(q span) bool { return q.start <= p.start && p.end <= q.end && q.end-q.start > p.end-p.start })
}

// outside returns the ranges that none of the others overlaps.
func outside(ranges, others [][]int) (kept [][]int) {
	for _, at := range ranges {
		if !inside(others, at) {
			kept = append(kept, at)
		}
	}
	return kept
}

// amount reports whether a number is a sum, share, time or part of a longer number rather than a code.
func amount(s string, p span) bool {
	before, after := s[:p.start], s[p.end:]
	if len(after) > 1 && strings.IndexByte(".,:/-", after[0]) >= 0 && after[1] >= '0' && after[1] <= '9' {
		return true
	}
	if n := len(before); n > 1 && strings.IndexByte(".,:/-+", before[n-1]) >= 0 && before[n-2] >= '0' && before[n-2] <= '9' {
		return true
	}
	return strings.HasSuffix(before, "$") || strings.HasSuffix(before, "€") || strings.HasSuffix(before, "£") || strings.HasSuffix(before, "+") ||
		strings.HasPrefix(after, "%") || strings.HasPrefix(after, "€")
}

// nearest returns the distance of a range from the nearest of the others.
func nearest(words [][]int, at []int) int {
	best := 1 << 30
	for _, w := range words {
		best = min(best, max(w[0]-at[1], at[0]-w[1], 0))
	}
	return best
}
