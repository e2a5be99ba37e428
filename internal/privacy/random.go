package privacy

import (
	"strings"

	"ventriloquist/internal/lazyregexp"
)

var (
	// tokenWord matches what may be a key that no rule knows.
	tokenWord = lazyregexp.New(`[A-Za-z0-9_\-]{24,}`)
	// assigned matches a value after a name that ends in a word for keys: AccountKey=..., "stripe_secret": "...".
	assigned = lazyregexp.New(`(?i)\b[\w.\-]*(?:key|token|secret|passw(?:or)?d|pwd)["']?\s?[=:]\s?["']?([^\s"'\x00;,]{16,})`)
	// namedHex matches a key in hexadecimal digits after a word for it. They may be a digest or a commit as well.
	namedHex = lazyregexp.New(`(?i)(?:^|[^\p{L}])(?:keys?|token|login|secret|schlüssel|clé|clave|llave|chiave|chave|sleutel|klucz|ключ|токен|anahtar\w*|jeton)(?: [\p{L}\d.\-]+){0,4}?[:=]? ?["']?([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\b`)
	// digest matches words for what is no secret.
	digest = lazyregexp.New(`(?i)commit|sha|hash|md5|checksum|digest|fingerprint|public|branch|rev\b|revision|tree|blob|merge|cherry`)
	// base32Word matches the secret from which authenticators compute their codes.
	base32Word = lazyregexp.New(`\b[A-Z2-7]{16,64}\b`)
)

// takeUnknown takes keys that no rule for a service knows.
func (t *text) takeUnknown(take func(start, end int)) {
	for _, at := range assigned.Get().FindAllStringSubmatchIndex(t.s, -1) {
		if v := t.s[at[2]:at[3]]; mixed(v) && !placeholder.Get().MatchString(v) && !t.inURL(at[2], at[3]) {
			take(at[2], at[3])
		}
	}
	if !t.token {
		return
	}
	if t.contains("key", "token", "login", "secret", "schlüssel", "clé", "clave", "llave", "chiave", "chave", "sleutel", "klucz", "ключ", "токен", "anahtar", "jeton") && !digest.Get().MatchString(t.s) {
		for _, at := range namedHex.Get().FindAllStringSubmatchIndex(t.s, -1) {
			if v := t.s[at[2]:at[3]]; mixed(v) && !t.inURL(at[2], at[3]) {
				take(at[2], at[3])
			}
		}
	}
	t.takeRandom(take)
	if t.has(codeWord) || t.contains("authy", "authenticator", "totp", "2fa", "yubikey") {
		for _, at := range base32Word.Get().FindAllStringIndex(t.s, -1) {
			if w := t.s[at[0]:at[1]]; strings.ContainsAny(w, "234567") && !t.inURL(at[0], at[1]) {
				take(at[0], at[1])
			}
		}
	}
}

// takeRandom takes words that look drawn at random, so that they can hardly be anything but a key.
func (t *text) takeRandom(take func(start, end int)) {
	var coins []span
	for _, at := range tokenWord.Get().FindAllStringIndex(t.s, -1) {
		w := strings.Trim(t.s[at[0]:at[1]], "-_")
		start := at[0] + strings.Index(t.s[at[0]:at[1]], w)
		end := start + len(w)
		if !random(w) || checkedCoin(w) || t.inURL(start, end) || start > 0 && strings.IndexByte("/@.\\+", t.s[start-1]) >= 0 || end < len(t.s) && strings.IndexByte("/@\\+", t.s[end]) >= 0 {
			continue // among others a part of a path
		}
		if coins == nil {
			coins = t.findCoins()
		}
		if !overlaps(coins, span{start: start, end: end}) {
			take(start, end)
		}
	}
}

// checkedCoin reports whether a word has the form of an address or key with a check of its own, which the rules for coins know.
func checkedCoin(w string) bool {
	hex := strings.HasPrefix(w, "0x") && len(w) == 42
	return hex || base58Word.Get().FindString(w) == w && (len(w) <= 35 && strings.IndexByte("13rLMDT", w[0]) >= 0 || (len(w) == 51 || len(w) == 52) && strings.IndexByte("5KLc9", w[0]) >= 0)
}

// random reports whether a word has capitals, small letters and digits that change so often as in a key. In a key of letters and
// digits, six of ten neighbors are of different classes; in names that programmers make, half of them at most.
func random(w string) bool {
	var count [4]int
	changes, pairs, last := 0, 0, -1
	for i := range len(w) {
		class := 3
		switch c := w[i]; {
		case c >= 'a' && c <= 'z':
			class = 0
		case c >= 'A' && c <= 'Z':
			class = 1
		case isDigit(c):
			class = 2
		}
		count[class]++
		if class < 3 && last >= 0 && last < 3 {
			pairs++
			if class != last {
				changes++
			}
		}
		last = class
	}
	return count[0] >= 3 && count[1] >= 3 && count[2] >= 2 && pairs >= 18 && changes*100 >= pairs*45
}
