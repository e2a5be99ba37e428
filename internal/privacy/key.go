package privacy

import (
	"strings"

	"ventriloquist/internal/lazyregexp"
	"ventriloquist/internal/privacy/secrets"
)

// shortestKey is the minimum length of a word that may be a key.
const shortestKey = 16

var (
	// privateKey is a private key in PEM.
	privateKey = lazyregexp.New(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$)`)
	// prefixed matches tokens that services mark with a prefix.
	prefixed = lazyregexp.New(`\b(?:(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[\w\-]{20,}|` +
		`sk-[A-Za-z0-9_\-]{20,}|[srp]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{20,}|xox[abeprs]-[A-Za-z0-9\-]{10,}|xapp-\d-[A-Z0-9]+-\d+-[a-f0-9]{20,}|AIza[0-9A-Za-z_\-]{35}|ya29\.[\w\-]{20,}|GOCSPX-[\w\-]{20,}|` +
		`(?:hf|api_org)_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[\w\-]{40,}|SG\.[\w\-]{16,}\.[\w\-]{16,}|do[op]_v1_[a-f0-9]{64}|eyJ[\w\-]{10,}\.eyJ[\w\-]{10,}\.[\w\-]{10,}|` +
		`gsk_[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{30,}|tskey-[a-z]+-[A-Za-z0-9]{8,}(?:-[A-Za-z0-9]{10,})?|xai-[A-Za-z0-9]{40,}|pplx-[A-Za-z0-9]{40,}|pcsk_[A-Za-z0-9_]{40,}|lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}|` +
		`sbp_[a-f0-9]{40}|nfp_[A-Za-z0-9]{36,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|lin_api_[A-Za-z0-9]{30,}|ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{40,}|figd_[\w\-]{30,}|dapi[a-f0-9]{32}|dckr_pat_[\w\-]{20,}|ATATT3[\w\-=]{100,}|` +
		`PMAK-[a-f0-9]{24}-[a-f0-9]{34}|NRAK-[A-Z0-9]{27}|sntry[su]_[A-Za-z0-9_=+/]{30,}|rubygems_[a-f0-9]{48}|pul-[a-f0-9]{40}|pscale_(?:tkn|pw)_[\w\-.]{30,}|sq0(?:atp|csp)-[\w\-]{22,}|key-[a-f0-9]{32}|[a-f0-9]{32}-us\d{1,2}\b|(?:nvapi-|tvly-|CCIPAT_|rnd_|glc_|ph[cx]_|fo1_|dp\.pt\.)[A-Za-z0-9_\-]{24,}|EAA[A-Za-z0-9]{60,}|` +
		`glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|hvs\.[\w\-]{24,}|CFPAT-[\w\-]{40,}|[SA]K[a-f0-9]{32}\b|AGE-SECRET-KEY-1[0-9A-Z]{58}|xprv[1-9A-HJ-NP-Za-km-z]{100,112}|[yz]prv[1-9A-HJ-NP-Za-km-z]{100,112}|A3-[A-Z0-9]{6}(?:-[A-Z0-9]{5,6}){4,5})`)
	// bots matches tokens of bots of Telegram and Discord.
	bots = lazyregexp.New(`\b(?:\d{8,10}:[A-Za-z0-9_\-]{35}|[MNO][A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,38})`)
	// hooks matches the secret part of addresses to which anyone may post.
	hooks = lazyregexp.New(`(?:hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/|outlook\.office\.com/webhook/|api\.telegram\.org/bot|webhook\.site/)([\w\-/:]{20,})`)
	// userInfo matches the password in a URL.
	userInfo = lazyregexp.New(`[A-Za-z][A-Za-z0-9+.\-]*://[^\s:@/\x00]*:([^\s@/\x00]{3,})@`)
	// query matches parameters of URLs that give access.
	query = lazyregexp.New(`(?i)[?&#;](?:[\w\-]*(?:token|api_?key|apikey|secret|signature|passw(?:or)?d|passwd|auth)|[\w\-]*_key|key|pwd|pw|pass|sig|appid|app_id|sid|session_?id|session|jwt|otp|magic)=([^&\s#"'<>\x00]{6,})`)
	// bigKey matches eight groups of six digits, as in recovery keys of disks, and keys of products.
	bigKey = lazyregexp.New(`\b(?:\d{6}(?:-\d{6}){7}|[A-Z0-9]{5}(?:-[A-Z0-9]{5}){4})\b`)
	// awsSecret is the second half of a pair.
	awsSecret = lazyregexp.New(`(?:^|[\s=:"'])([A-Za-z0-9/+]{40})(?:$|[\s"',;])`)
)

// findKeys finds keys, tokens, passwords and seed phrases.
func findKeys(t *text) (spans []span) {
	s := t.s
	take := func(start, end int) {
		if p := (span{start: start, end: end, value: s[start:end]}); start < end && !overlaps(spans, p) {
			spans = append(spans, p)
		}
	}
	var patterns []*lazyregexp.Regexp
	if strings.Contains(s, "PRIVATE KEY") {
		patterns = append(patterns, privateKey)
	}
	if t.token {
		patterns = append(patterns, prefixed, bots)
	}
	for _, pattern := range patterns {
		for _, at := range pattern.Get().FindAllStringIndex(s, -1) {
			take(at[0], at[1])
		}
	}
	for _, p := range t.findSeeds() {
		take(p.start, p.end)
	}
	if strings.Contains(s, "://") {
		t.takeFromURLs(take)
	}
	if t.digits >= 5 {
		for _, at := range bigKey.Get().FindAllStringIndex(s, -1) {
			if key := s[at[0]:at[1]]; strings.ContainsAny(key, "0123456789") && !t.inURL(at[0], at[1]) {
				take(at[0], at[1])
			}
		}
	}
	for _, p := range t.findPasswords() {
		take(p.start, p.end)
	}
	if !t.long {
		return spans
	}
	if t.token {
		t.takePrivate(take)
	}
	if strings.Contains(t.lower, "aws") || strings.Contains(s, "AKIA") {
		for _, at := range awsSecret.Get().FindAllStringSubmatchIndex(s, -1) {
			if v := s[at[2]:at[3]]; mixed(v) && strings.ToLower(v) != v {
				take(at[2], at[3])
			}
		}
	}
	for _, found := range secrets.Find(s) {
		for from := 0; found.Secret != ""; {
			at := strings.Index(s[from:], found.Secret)
			if at < 0 {
				break
			}
			take(from+at, from+at+len(found.Secret))
			from += at + len(found.Secret)
		}
	}
	t.takeUnknown(take)
	return spans
}

// takeFromURLs takes passwords and tokens in URLs.
func (t *text) takeFromURLs(take func(start, end int)) {
	for _, pattern := range []*lazyregexp.Regexp{userInfo, hooks, query} {
		for _, at := range pattern.Get().FindAllStringSubmatchIndex(t.s, -1) {
			v := t.s[at[2]:at[3]]
			if pattern != userInfo {
				v = strings.TrimRight(v, ".,;:!?)")
			}
			if pattern == query && !(len(v) >= 10 && mixed(v) || len(v) >= 6 && strengthOf(v) == strong && isSecretParameter(t.lower[at[0]:at[2]])) {
				continue
			}
			if pattern == userInfo && placeholder.Get().MatchString(v) {
				continue
			}
			take(at[2], at[2]+len(v))
		}
	}
}

// isSecretParameter reports whether a parameter of a URL can be nothing but a password or token.
func isSecretParameter(name string) bool {
	for _, part := range []string{"pass", "pwd", "pw=", "token", "secret", "sig", "key", "auth"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// hasLongWord reports whether a word is long enough for a key and mixes digits and letters, or is a long one of letters after a prefix.
func hasLongWord(s string) bool {
	length, digits, letters, joined := 0, false, false, false
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ':
			length, digits, letters, joined = 0, false, false, false
			continue
		case c >= '0' && c <= '9':
			digits = true
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letters = true
		case c == '_':
			joined = true
		}
		if length++; length >= shortestKey && letters && (digits || joined) {
			return true
		}
	}
	return false
}

// hasToken reports whether so many letters, digits, dashes and underscores stand together, some of them digits or underscores, as in
// the shortest key.
func hasToken(s string) bool {
	length, letters, others := 0, false, false
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c), c == '_':
			others = true
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letters = true
		case c == '-':
		default:
			length, letters, others = 0, false, false
			continue
		}
		if length++; length >= shortestKey && letters && others {
			return true
		}
	}
	return false
}
