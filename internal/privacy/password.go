package privacy

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"ventriloquist/internal/lazyregexp"
)

// strength is how much a word looks like a password.
type strength int

const (
	never  strength = iota // a time, a price, a path, a placeholder
	weak                   // an ordinary word
	number                 // digits only
	strong                 // letters with digits or marks
)

var (
	// quantity matches amounts, times, dates, sizes, versions, shares and ordinals.
	quantity = lazyregexp.New(`(?i)^[~<>+]?[$€£¥₽₹#]?\d[\d.,:/\-–]*(?:%|k|m|h|s|x|am|pm|a\.m\.?|p\.m\.?|st|nd|rd|th|gb|mb|tb|kb|kg|km|cm|mm|px|hz|mhz|ghz|min|mins|sec|secs|hrs?|hours?|days?|bits?|bytes?|chars?|characters?|times|years?|€|\$|£|₽|円|元)?$`)
	// placeholder matches what stands for a password in instructions.
	placeholder = lazyregexp.New(`(?i)^(?:[<\[{%$].*|x{3,}|\*{3,}|\.{3,}|_{3,}|your[_\-]?\w+|my[_\-]?(?:password|pass|secret|key|token)|\w+://.*|[/~].*|--?\w.*|.*\.(?:com|org|net|io|html?|php|txt|pdf|conf|cfg|py|sh|js|json|ya?ml|deb|exe|zip|jpe?g|png|so|list)|.*[()]{2}.*|#\w+|@\w+|&\w+;?)$`)
)

// strengthOf returns how much a value looks like a password.
func strengthOf(v string) strength {
	if n := utf8.RuneCountInString(v); n < 4 || n > 128 || strings.ContainsRune(v, 0) {
		return never
	}
	digits, letters, marks, lower, camel := 0, 0, 0, false, false
	for i, c := range v {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case unicode.IsLetter(c):
			letters++
			camel = camel || lower && unicode.IsUpper(c)
		case i > 0 && strings.ContainsRune("!@#$%^&*_+=~?", c) && i < len(v)-1, strings.ContainsRune("#$%^&*_~", c):
			marks++
		}
		lower = unicode.IsLower(c)
	}
	switch {
	case digits == len(v):
		return number
	case quantity.Get().MatchString(v) || placeholder.Get().MatchString(v) || unit.Get().MatchString(v):
		return never
	case letters > 0 && (digits > 0 || marks > 0 || camel && len(v) > 7):
		return strong
	case digits > 3 && marks > 0:
		return strong
	case letters == utf8.RuneCountInString(v) || letters > 3 && digits == 0:
		return weak
	}
	return never
}

// unit matches words with a digit that are no passwords: keys of a keyboard, names of systems and hardware.
var unit = lazyregexp.New(`(?i)^(?:f\d{1,2}|ctrl.*|alt[+-].*|x86\w*|win(?:dows)?\d+|sha-?\d+\w*|md5\w*|aes-?\d*|base64|utf-?8|wpa\d?(?:-\w+)?|wep\d*|ps/?2|mp[34]|ext[234]|sd[a-z]\d+|hd[a-z]\d+|eth\d|wlan\d|ipv[46]|v\d[\d.]*|\d+(?:x|-)\d+\w*|python\d[\d.]*|php\d|gtk\d|sudo\w*|ubuntu[\d.]+|\d+\w{0,2}\.\d+\S*)$`)

// findPasswords finds what a text introduces as a password or key, but not ordinary words: "the password is wrong".
func (t *text) findPasswords() (spans []span) {
	network := t.has(wifiWord)
	for i, w := range t.words {
		if w.class&(passWord|passMaybe|keyWord|wifiWord|loginWord|privateWord|wifiKey) == 0 && !(w.class&(codeWord|plainCode) != 0 && network) || w.start > 0 && strings.IndexByte("/\\!@.<", t.s[w.start-1]) >= 0 {
			continue // a path, a command, a host
		}
		if start, end := t.label(w); end > start && (w.class&passWord != 0 || w.class&(passMaybe|wifiKey) != 0 && t.has(wifiWord|networkWord)) {
			spans = append(spans, span{start: start, end: end, value: t.s[start:end]})
		}
		if v, ok := t.after(w); ok {
			if end := t.passwordEnd(w, v, i); end > v.start {
				spans = append(spans, span{start: v.start, end: end, value: t.s[v.start:end]})
			}
		}
		if w.class&(passWord|pinWord|wifiWord|loginWord) != 0 && !isUser(t.lower[w.start:w.end]) {
			if start, end := t.before(w); end > start {
				spans = append(spans, span{start: start, end: end, value: t.s[start:end]})
			}
		}
		if w.class&(loginWord|wifiWord) != 0 {
			spans = append(spans, t.pairs(w)...)
		}
	}
	spans = append(spans, t.loosePasswords()...)
	spans = append(spans, t.phrases()...)
	if strings.IndexByte(t.s, '@') > 0 {
		for _, at := range afterEmail.Get().FindAllStringSubmatchIndex(t.s, -1) {
			start, end := t.valueAt(at[2])
			if strings.HasPrefix(t.s[end:], "!") {
				end++
			}
			if v := t.s[start:end]; strengthOf(v) == strong && mixed(v) && !strings.ContainsAny(v, "@/") {
				spans = append(spans, span{start: start, end: end, value: v})
			}
		}
	}
	if strings.Contains(t.lower, "p:") || strings.Contains(t.lower, "p=") || strings.Contains(t.lower, "p :") {
		for _, at := range shortPair.Get().FindAllStringSubmatchIndex(t.s, -1) {
			if start, end := t.valueAt(at[2]); strengthOf(t.s[start:end]) > never {
				spans = append(spans, span{start: start, end: end, value: t.s[start:end]})
			}
		}
	}
	return apart(spans)
}

// afterEmail matches what stands after an e-mail address like the password of its account.
var afterEmail = lazyregexp.New(`[\p{L}\p{N}._%+\-]@[\p{L}\p{N}.\-]+\.\p{L}{2,}(?: ?[/|:,;&] ?| (?:and|und|et|y|e|en|i|и) |\n| - | )([^\s\x00]{6,64})(?:$|[\s,;])`)

// shortPair matches a user's name and password with one letter each.
var shortPair = lazyregexp.New(`(?i)\b(?:u|un|usr|user|username|login|id|email|l|n)\s?[:=]\s?[^\s\x00]+[\s,;/|]+p\s?[:=]\s?([^\s\x00]{4,})`)

// passwordEnd returns the end of a value if it is a password, 0 if it is not.
func (t *text) passwordEnd(w hit, v said, index int) int {
	if inside(t.urls, []int{v.start, v.end}) || index+1 < len(t.words) && t.words[index+1].start < v.end && t.words[index+1].end > v.start && !v.quoted && t.words[index+1].class&^placeWord != 0 && t.lower[v.start:v.end] == t.lower[t.words[index+1].start:t.words[index+1].end] {
		return 0
	}
	value := t.s[v.start:v.end]
	if strings.IndexByte(value, '@') > 0 && email.Get().FindString(value) == value {
		return 0
	}
	s := strengthOf(value)
	switch {
	case w.class&passWord != 0:
		return t.wordPassword(w, v, s)
	case w.class&(codeWord|plainCode) != 0 && w.class&wifiKey == 0:
		if s == strong && v.link != beside && len(value) >= 6 && mixed(value) {
			return v.end
		}
	case w.class&(wifiKey|passMaybe) != 0 && t.has(wifiWord|networkWord) && t.networkKey(v, s):
		return v.end
	case w.class&wifiWord != 0:
		if !v.quoted && t.keyFollows(v.end) {
			return 0 // the name of the network
		}
		if v.link == copula && s == strong && v.apart <= 4 && v.last && mixed(value) && len(value) >= 8 && strings.ContainsFunc(value, unicode.IsLower) {
			return v.end
		}
		if v.link == beside && s == strong && len(value) >= 8 && mixed(value) && t.near(passWord|codeWord|plainCode, w.start, w.start, 12) {
			return v.end
		}
		if v.link == copula && s == strong && v.apart == 0 && len(value) >= 6 || v.link == mark && s == strong && len(value) >= 6 || v.quoted && s == strong {
			return v.end
		}
	case w.class&(keyWord|privateWord) != 0:
		if s == strong && (len(value) >= 12 || v.link == mark && len(value) >= 8) && mixed(value) {
			return v.end
		}
		if s == strong && v.link != beside && len(value) >= 6 && strings.Contains(t.s[w.start:w.end], "pass") {
			return v.end
		}
	case w.class&passMaybe != 0:
		if s == strong && (v.link != beside || len(value) >= 8 || t.has(loginWord)) && len(value) >= 5 || s == number && v.link == mark && len(value) >= 6 || s == weak && v.link == mark && (v.last && v.apart == 0 || v.quoted) && !ordinary(value) {
			return v.end
		}
	}
	return 0
}

// networkKey reports whether a value is the key of the network that a text speaks of.
func (t *text) networkKey(v said, s strength) bool {
	value := t.s[v.start:v.end]
	switch s {
	case strong:
		return len(value) >= 6 && mixed(value) || v.quoted
	case number:
		return len(value) >= 8 && (v.link != beside || len(value) >= 10)
	case weak:
		return v.link != beside && v.last && len(value) >= 5 && !ordinary(value) && !predicate(value) && !talk[strings.ToLower(value)]
	}
	return false
}

// wordPassword returns the end of the value of a word that only introduces passwords.
func (t *text) wordPassword(w hit, v said, s strength) int {
	value := t.s[v.start:v.end]
	switch {
	case v.quoted && strings.ContainsRune(value, ' '):
		if v.link != beside && (!ordinaryPhrase(value) || mixed(value)) {
			return v.end
		}
	case s == strong:
		if v.link == beside && !v.quoted && (!strongBeside(value) || t.lower[w.start:w.end] == "passwd") {
			return 0
		}
		return v.end
	case s == number:
		if w.class&codeWord != 0 {
			return 0
		}
		if v.link == beside && v.apart > 0 && len(value) < 5 && !t.near(doorWord, v.start, v.start, 4) {
			return 0
		}
		return v.end
	case s == weak:
		foreign := latin(value) && !latin(t.s[w.start:w.end]) && len(value) >= 5 // a Latin word after one of another script
		switch {
		case ordinary(value):
		case v.quoted, foreign:
			return v.end
		case v.link == mark && v.last, v.link == copula && v.last && v.apart <= 4 && !predicate(value):
			return v.end
		case v.link == mark:
			return t.phraseEnd(v)
		}
	}
	return 0
}

// phraseEnd returns the end of a line if it is a password of several ordinary words.
func (t *text) phraseEnd(v said) int {
	end := v.start + strings.IndexAny(t.s[v.start:]+"\n", "\n,.;!?(")
	phrase := strings.TrimRight(t.s[v.start:end], " ")
	list := strings.Fields(phrase)
	if len(list) < 3 || len(list) > 8 || strings.HasPrefix(t.s[end:], "..") || unicode.IsUpper(rune(phrase[0])) {
		return 0
	}
	for _, w := range list {
		if len(w) < 3 || ordinary(w) || strings.ContainsFunc(w, func(c rune) bool { return !unicode.IsLetter(c) }) {
			return 0
		}
	}
	return v.start + len(phrase)
}

// strongBeside reports whether a value looks like a password even without a link to its word.
func strongBeside(v string) bool {
	digits := 0
	for i := range len(v) {
		if v[i] >= '0' && v[i] <= '9' {
			digits++
		}
	}
	return len(v) >= 6 && (digits > 0 || strings.ContainsAny(v[:len(v)-1], "!@#$%^&*?"))
}

// mixed reports whether a value has letters and digits, as keys do.
func mixed(v string) bool {
	return strings.ContainsAny(v, "0123456789") && strings.ContainsFunc(v, unicode.IsLetter)
}

func latin(s string) bool {
	c, _ := utf8.DecodeRuneInString(s)
	return c < 0x250
}

// before returns the value that the word at w explains: "hunter2 is the password", "hunter2 (the new password)".
func (t *text) before(w hit) (start, end int) {
	prefix := t.s[max(0, w.start-80):w.start]
	at := explained.Get().FindStringSubmatchIndex(prefix)
	if at == nil {
		at = forThat.Get().FindStringSubmatchIndex(prefix)
	}
	if at == nil {
		return 0, 0
	}
	shift := max(0, w.start-80)
	start, end = at[2]+shift, at[3]+shift
	value := strings.Trim(t.s[start:end], `"'“”‘’`)
	if value != t.s[start:end] {
		start++
		end = start + len(value)
	}
	if strengthOf(value) == strong && strongBeside(value) && strings.ContainsAny(value, "0123456789") && !strings.HasSuffix(value, ":") && !t.inURL(start, end) {
		return start, end
	}
	return 0, 0
}

// isUser reports whether a word for logins means the user's name.
func isUser(w string) bool {
	for _, part := range []string{"user", "usuario", "utente", "nutzer", "gebruiker"} {
		if strings.Contains(w, part) {
			return true
		}
	}
	return false
}

var explained = lazyregexp.New(`(?i)(?:^|\s)([^\s\x00]{6,64}),? (?:(?:is|was|=|ist|est|es|è|é|—|–|-|\() ?(?:the|my|our|your|her|his|das|mein|unser|le|mon|notre|la|mi|il|a|o|minha)|(?:is|as)(?: the| my)?|\(the|\() (?:[\p{L}\-]+ ){0,2}$`)

// forThat matches a password before what it is for: its hunter2 for the wifi.
var forThat = lazyregexp.New(`(?i)(?:^|\b(?:it's|its|it’s|is|use|try|enter|type) )["'“]?([^\s\x00"'”]{6,64})["'”]? (?:for|on) (?:the |my |our |your )?(?:[\p{L}\-]+ )?$`)

// pairs finds the passwords of users: "creds: dave:hunter2", "login dave / hunter2".
func (t *text) pairs(w hit) (spans []span) {
	rest := t.s[w.end:min(len(t.s), w.end+linkReach)]
	rest = strings.ReplaceAll(rest, "\x00", "x") // what follows a value that was already replaced may still be the password
	for from := 0; ; {
		at := pair.Get().FindStringSubmatchIndex(rest[from:])
		if at == nil {
			break
		}
		start, end := t.valueAt(w.end + from + at[2])
		from += at[2] - 1 // a name may come before the pair: at home: Cabin / hunter22
		if v := t.s[start:end]; strengthOf(v) >= number && len(v) >= 6 && strings.ContainsAny(v, "0123456789") && !t.inURL(start, end) && email.Get().FindString(v) == "" && !strings.ContainsRune(v, 0) {
			spans = append(spans, span{start: start, end: end, value: v})
		}
	}
	return spans
}

// keyFollows reports whether a word for passwords that has a value of its own, or one that was already replaced, comes after i.
func (t *text) keyFollows(i int) bool {
	if strings.IndexByte(t.s[i:], 0) >= 0 {
		return true
	}
	for _, w := range t.words {
		if w.start < i || w.class&(passWord|passMaybe|wifiKey) == 0 {
			continue
		}
		if v, ok := t.after(w); ok && strengthOf(t.s[v.start:v.end]) > never && !ordinary(t.s[v.start:v.end]) {
			return true
		}
	}
	return false
}

var pair = lazyregexp.New(`(?i)(?:^|\s)[^\s:/]+(?:: ?| / |/| [|] |\s+p(?:w|ass|wd)?[:=] ?)([^\s/:]{4,})(?:\s|$|[,;.!?)])`)
