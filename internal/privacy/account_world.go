package privacy

import (
	"slices"
	"strings"

	"ventriloquist/internal/lazyregexp"
)

// branches match the numbers of banks, branches and documents that a text tells in parts. Each group is a number.
var branches = []struct {
	mark    string // in lower case; "" for any text with a word for accounts
	pattern *lazyregexp.Regexp
}{
	// s/c 20-45-77, blz 37040044, bsb 062-001, reg 3409, clearing 8327-9, transit 00152
	{"", lazyregexp.New(`(?i)(?:^|[^\p{L}\d])(?:s/c|sort(?: code)?|blz|bankleitzahl|bsb|reg\.?(?: ?nr\.?)?|clearing(?:nr|nummer)?|transit(?: number)?|institution(?: number)?|branch(?: code)?|bank code|routing(?: number)?)\W{0,3}(?:is |ist |er |är )?(\d{2,6}(?:[ -]\d{1,4}){0,2})(?:$|[^\w-])`)},
	// bacs it to 62817341, sort 309626
	{"sort", lazyregexp.New(`(?i)\b(\d{8})[\s,;/]{1,3}(?:and )?(?:sort(?: code)?|s/c)\W{0,3}(\d{2}[- ]?\d{2}[- ]?\d{2})\b`)},
	// ag 1234 cc 56789-0
	{"ag", lazyregexp.New(`(?i)(?:^|[^\p{L}])ag(?:[êe]ncia)?[.:]? ?(\d{3,4}(?:-[\dx])?)[\s,;/|]+(?:c/?c|cc|conta(?: corrente)?|cp|poup(?:ança)?)[.:]? ?(\d[\d.]{2,12}(?:-[\dx])?)(?:$|[^\w-])`)},
	// chave pix 8b3f2c1a-5d4e-4f6a-9b8c-7d6e5f4a3b2c
	{"pix", lazyregexp.New(`(?i)\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b`)},
	{"aleat", lazyregexp.New(`(?i)\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b`)},
	// серия 4509 номер 123456; паспорт АЕ 123456
	{"сер", lazyregexp.New(`(?i)сер(?:ия|\.)?[ :№]{0,3}(\d{2} ?\d{2})[\s,;]*(?:номер|ном\.?|№|n)[ :]{0,2}(\d{6})(?:$|\D)`)},
	{"паспорт", lazyregexp.New(`(?i)паспорт\P{L}{0,4}(\p{Cyrillic}{2} ?№? ?\d{6})(?:$|\D)`)},
	// the last four of my social 8841
	{"last ", lazyregexp.New(`(?i)\blast (?:four|4)(?: digits?)?(?: of| on)?[^\d\n]{0,30}?(?:social|ssn|card|account|acct)[^\d\n]{0,12}(\d{4})(?:$|[^\w-])`)},
}

// findBranches finds numbers that a text tells in parts.
func (t *text) findBranches() (spans []span) {
	for _, b := range branches {
		if b.mark == "" && !t.has(accountWord) || !strings.Contains(t.lower, b.mark) {
			continue
		}
		for _, at := range b.pattern.Get().FindAllStringSubmatchIndex(t.s, -1) {
			for i := 2; i < len(at); i += 2 {
				if p := (span{start: at[i], end: at[i+1], value: compact(t.s[at[i]:at[i+1]])}); !t.inURL(p.start, p.end) && len(p.value) >= 3 {
					spans = append(spans, p)
				}
			}
		}
	}
	return spans
}

// payment matches the addresses to which payments in India go: rahul.k@okhdfcbank.
var payment = lazyregexp.New(`\b([\w.\-]{3,}@(?:ok(?:hdfcbank|icici|sbi|axis)|ybl|ibl|axl|apl|paytm|upi|hdfcbank|icici|sbi|kotak|axisbank|idfcbank|jupiteraxis|waicici|wahdfcbank|waaxis|wasbi|pt(?:hdfc|axis|sbi|yes)))(?:$|[^\w.@-])`)

// findHandles finds names that payments go to.
func (t *text) findHandles() (spans []span) {
	if strings.IndexByte(t.s, '@') < 0 {
		return nil
	}
	for _, at := range payment.Get().FindAllStringSubmatchIndex(t.s, -1) {
		spans = append(spans, span{start: at[2], end: at[3], value: t.lower[at[2]:at[3]]})
	}
	return spans
}

// sorted matches the two numbers of a British account, which stand together.
var sorted = lazyregexp.New(`(?:^|[^\d.,/-])(\d{2}-\d{2}-\d{2})[^\d\n]{1,20}(\d{8})(?:$|[^\w-])|(?:^|[^\d.,/-])(\d{8})[^\d\n]{1,20}(\d{2}-\d{2}-\d{2})(?:$|[^\w-])`)

// findSorted finds the numbers of British accounts, if the chat has a British number or speaks of accounts.
func (t *text) findSorted() (spans []span) {
	if t.digits < 14 || !t.has(accountWord) && !slices.Contains(t.regions, "GB") || t.has(orderWord) {
		return nil
	}
	for _, at := range sorted.Get().FindAllStringSubmatchIndex(t.s, -1) {
		for i := 2; i < len(at); i += 2 {
			if at[i] >= 0 {
				spans = append(spans, span{start: at[i], end: at[i+1], value: digitsOf(t.s[at[i]:at[i+1]])})
			}
		}
	}
	return spans
}

// bankNumber matches an account's number a word or two after the word for accounts: no rek bca 1234567890.
var bankNumber = lazyregexp.New(`^[:.]? (?:\p{L}{2,12}[:.]? ){1,2}(\d{7,16}|\d{2,4}(?:[ -]\d{2,6}){2,4})(?:$|[^\w-])`)

// findBankNumbers finds accounts after the name of their bank.
func (t *text) findBankNumbers() (spans []span) {
	for _, w := range t.words {
		if w.class&accountWord == 0 || plainIDs[t.lower[w.start:w.end]] && !strings.HasPrefix(t.lower[w.start:], "konto") {
			continue
		}
		if at := bankNumber.Get().FindStringSubmatchIndex(t.s[w.end:]); at != nil && !t.saidOtherwise([]int{w.end + at[2], w.end + at[3]}) {
			spans = append(spans, span{start: w.end + at[2], end: w.end + at[3], value: digitsOf(t.s[w.end+at[2] : w.end+at[3]])})
		}
	}
	return spans
}
