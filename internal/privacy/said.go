package privacy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// link is what stands between a word and the value that it introduces.
type link int

const (
	beside link = iota // nothing: password hunter2
	copula             // a verb: the password is hunter2
	mark               // a mark: password: hunter2
)

// said is a value that a word introduces: its position, its link to the word, and how it stands there.
type said struct {
	start, end int
	link       link
	quoted     bool
	apart      int // number of words between, without the link
	// last reports whether a clause ends after the value.
	last bool
}

const (
	mostBetween = 6 // words between a word and the link: the password for the drive of the office is
	linkReach   = 60
)

// between are words that may stand between a word and its value without a link: the wifi password here hunter2.
var between = set("the for my our your here of number no nr wifi wi-fi wlan wpa new now login this " +
	"für fürs der die das vom von zum zur neue neu hier du de la le les des del della dello do da el los na on od van het voor til för på " +
	"от для на входа вайфая вайфай домофона к новый новая к ile için kata ka se bila kartu zu au aux pour para per con " +
	"portão portao porta porte puerta portón portone gate door garage garagem garaje cancello deur poort brama bramy drzwi двери подъезда ворот tor tür haustür dveří dveře kapı ajtó " +
	"konta konto account compte cuenta conta poczty почты почте аккаунта акаунта maila mejla mail email laptopa komputera telefonu facebooka " +
	"gmail netflix hulu spotify icloud instagram facebook windows iphone ipad steam amazon paypal router laptop google apple number# no. nr. n° n°: #")

// fillers may stand between a verb and the value: the password is now hunter2.
var fillers = set("now just still currently simply actually really changed set to jetzt einfach nun immer noch ahora simplemente maintenant juste ora adesso agora nu теперь просто сейчас şimdi teraz nyní " +
	"number literally probably basically temporarily the word: called")

// after returns the value that the word at w introduces.
func (t *text) after(w hit) (v said, ok bool) {
	i := w.end
	for _, s := range []string{"'s ", "’s "} {
		if strings.HasPrefix(t.lower[i:], s) {
			v.link = copula
			i += len(s)
		}
	}
	if strings.HasPrefix(t.s[i:], ". ") {
		i++ // of an abbreviation
	}
	for limit := min(len(t.s), w.end+linkReach); v.link == beside && i < limit; {
		i = t.skipSpaces(i)
		if n := linkMark(t.s[i:]); n > 0 {
			i, v.link = i+n, mark
			break
		}
		stop := t.wordEnd(i)
		if stop == i { // a quote or bracket, or the end of a clause
			if v, ok := t.quotedAt(i, v); ok {
				return v, true
			}
			if strings.HasPrefix(t.s[i:], "(") {
				if n := strings.IndexAny(t.s[i:], ")\n"); n > 0 && n < linkReach && t.s[i+n] == ')' {
					i += n + 1
					continue
				}
			}
			return v, false
		}
		token := t.lower[i:stop]
		if isCopula(w.lang, strings.TrimRight(token, ":")) || setTo[token] && (token == "to" || w.class&passWord != 0) && t.isSet(w) {
			i, v.link = stop, copula
			break
		}
		if n := particle(t.s[i:]); n > 0 {
			i, v.link = i+n, copula
			break
		}
		if !t.between(token) {
			if v.apart <= 3 && t.allBetween(w, i) {
				u := v
				if u.start, u.end = t.valueAt(i); u.end > u.start && t.standsOut(w, u) && (strengthOf(t.s[u.start:u.end]) == strong || t.linkAfter(w.lang, u.end) == 0) {
					u.last = t.endsClause(u.end)
					return u, true
				}
			}
			if strings.HasSuffix(token, ":") {
				i, v.link = stop, mark
				break
			}
		}
		if v.apart++; v.apart > mostBetween || strings.ContainsAny(token[len(token)-1:], ",.;!?") && !between[token] {
			return v, false
		}
		i = stop
	}
	if v.link == beside {
		return v, false
	}
	return t.linked(i, v)
}

// linked returns the value after a link that ends at i.
func (t *text) linked(i int, v said) (said, bool) {
	for range 4 {
		i = t.skipSpaces(i)
		if v.link == mark {
			for i < len(t.s) && (t.s[i] == '\n' || t.s[i] == '\r' || t.s[i] == ' ' || t.s[i] == ':' || t.s[i] == '>' || t.s[i] == '#' && i+1 < len(t.s) && t.s[i+1] == ' ') {
				i++
			}
		}
		if n := linkMark(t.s[i:]); n > 0 && t.s[i] != '-' {
			i, v.link = i+n, mark
			continue
		}
		stop := t.wordEnd(i)
		if stop == i || !fillers[t.lower[i:stop]] {
			break
		}
		i = stop
	}
	if v, ok := t.quotedAt(i, v); ok {
		return v, true
	}
	if i < len(t.s) && (t.s[i] == '(' || t.s[i] == '[') {
		i++
	}
	v.start, v.end = t.valueAt(i)
	if v.link == mark && strings.HasPrefix(t.s[v.end:], "!") && strings.ContainsAny(t.s[v.start:v.end], "0123456789") {
		v.end++ // after a colon, a mark is rather part of a password than of the sentence
	}
	v.last = t.endsClause(v.end)
	return v, v.end > v.start
}

// standsOut reports whether a value is no ordinary word: it has a digit or a mark, or is Latin after a word of another script.
func (t *text) standsOut(w hit, v said) bool {
	value := t.s[v.start:v.end]
	return strings.ContainsAny(value, "0123456789") || strengthOf(value) > weak || latin(value) && !latin(t.s[w.start:w.end])
}

// setTo are the words between a password that someone sets and its value.
var setTo = set("to auf in en por para em pra na w till til naar як как a")

// isSet reports whether a text says that someone sets what the word at w means: i changed the password to.
func (t *text) isSet(w hit) bool {
	before := t.lower[max(0, w.start-25):w.start]
	for _, verb := range []string{"set ", "chang", "made ", "reset ", "updat", "put ", "änder", "setz", "stell", "cambi", "puse ", "mudei", "mudou", "troquei", "alter", "messo ", "impost", "zmieni", "ustawi", "wijzig", "verander", "bytt", "ändra", "endre", "ændre", "меня", "смени", "постав", "зміни"} {
		if strings.Contains(before, verb) {
			return true
		}
	}
	return false
}

// between reports whether a word may stand between a word and its value.
func (t *text) between(token string) bool {
	if strings.HasSuffix(token, ":") {
		return false
	}
	if len(token) > 6 { // netflixa, facebooku
		for _, cut := range []int{1, 2} {
			if bare := token[:len(token)-cut]; len(bare) >= 5 && between[bare] && latin(bare) {
				return true
			}
		}
	}
	return between[token]
}

// allBetween reports whether all words from the one at w to end may stand between a word and its value. After a word of another
// script, all words of that script may: the value is the Latin word.
func (t *text) allBetween(w hit, end int) bool {
	foreign := !latin(t.s[w.start:w.end])
	for word := range strings.FieldsSeq(t.lower[w.end:end]) {
		if !t.between(word) && !fillers[word] && word != "'s" && !(foreign && !latin(word)) {
			return false
		}
	}
	return true
}

// linkAfter returns the length of the link that follows a word, 0 if none does.
func (t *text) linkAfter(langs string, at int) int {
	i := t.skipSpaces(at)
	if n := linkMark(t.s[i:]); n > 0 && i+n < len(t.s) && strings.IndexByte(")(DPp/-'", t.s[i+n]) < 0 {
		return n
	}
	if stop := t.wordEnd(i); stop > i && isCopula(langs, t.lower[i:stop]) && t.lower[i:stop] != "to" {
		return stop - i
	}
	return 0
}

// linkMark returns the length of a mark before a value, 0 if there is none.
func linkMark(s string) int {
	for _, m := range []string{"=>", "->", ":=", "→", "➡️", "➡", "👉", ":", "=", "— ", "– ", "- "} {
		if strings.HasPrefix(s, m) {
			return len(m)
		}
	}
	return 0
}

// particle returns the length of a word of Chinese, Japanese or Korean that links a word with its value.
func particle(s string) int {
	for _, p := range []string{"は", "が", "是", "为", "為", "는", "은", "이", "가", "改成", "改为", "設定為", "を"} {
		if strings.HasPrefix(s, p) {
			return len(p)
		}
	}
	return 0
}

// skipSpaces returns the position after the spaces at i.
func (t *text) skipSpaces(i int) int {
	for i < len(t.s) && (t.s[i] == ' ' || t.s[i] == '\t') {
		i++
	}
	return i
}

// openers and closers are the quotes around values.
const (
	openers = "\"'`“‘«„「『*"
	closers = "\"'`”’»“」』*"
)

// wordEnd returns the end of the word at i: i itself if none begins there. A word of Chinese or Japanese has one character.
func (t *text) wordEnd(i int) int {
	start := i
	for i < len(t.s) {
		c, size := utf8.DecodeRuneInString(t.s[i:])
		if c <= ' ' || i == start && (strings.ContainsRune(openers, c) || strings.ContainsRune("([{,.;!?)]}\x00…、。「」【】", c)) {
			break
		}
		if c == 0 || c == '"' || c == '。' || c == '、' {
			break
		}
		i += size
		if c >= utf8.RuneSelf && spaceless(c) {
			break
		}
		if next, _ := utf8.DecodeRuneInString(t.s[i:]); spaceless(next) && next >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// spaceless reports whether a character belongs to a script without spaces between words.
func spaceless(c rune) bool {
	return c >= 0x2e80 && unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) || c >= 0xe00 && c < 0xe80
}

// quotedAt returns the value in the quotes that open at i.
func (t *text) quotedAt(i int, v said) (said, bool) {
	if i >= len(t.s) {
		return v, false
	}
	open, size := utf8.DecodeRuneInString(t.s[i:])
	if !strings.ContainsRune(openers, open) {
		return v, false
	}
	n := strings.IndexAny(t.s[i+size:], closers)
	if n < 1 || n > 64 || strings.ContainsAny(t.s[i+size:i+size+n], "\n\x00") {
		return v, false
	}
	v.start, v.end, v.quoted, v.last = i+size, i+size+n, true, true
	return v, true
}

// valueAt returns the value at i: up to a space, without the marks that end it.
func (t *text) valueAt(i int) (start, end int) {
	start = i
	for i < len(t.s) {
		c, size := utf8.DecodeRuneInString(t.s[i:])
		if c <= ' ' || strings.ContainsRune("\"`“”«»「」『』【】、。，！？…", c) || spaceless(c) || unicode.Is(unicode.So, c) {
			break
		}
		i += size
	}
	value := strings.TrimRight(t.s[start:i], ".,;:?)]}'’*\"")
	if strings.HasPrefix(t.s[start+len(value):], "*") && mixed(value) && strings.LastIndexByte(t.s[:start], '*') < 0 {
		value += "*" // the end of a password, as no * before it begins emphasis
	}
	next, _ := utf8.DecodeRuneInString(t.s[start+len(value):])
	goesOn := mixed(value) && unicode.In(next, unicode.Hangul, unicode.Hiragana, unicode.Katakana)
	if bare := strings.TrimRight(value, "!"); !goesOn && (!mixed(bare) || strings.ToLower(bare) == bare) {
		value = bare // an exclamation mark belongs to a password only if that has capitals and digits, or if the sentence goes on
	}
	if strings.Count(value, "(") == 0 {
		value = strings.TrimRight(value, ")")
	}
	return start, start + len(value)
}

// endsClause reports whether a clause ends at i.
func (t *text) endsClause(i int) bool {
	rest := strings.TrimLeft(t.s[i:], " \t'\"”’`*")
	if rest == "" {
		return true
	}
	c, _ := utf8.DecodeRuneInString(rest)
	if strings.HasPrefix(rest, ":)") || strings.HasPrefix(rest, ";)") || strings.HasPrefix(rest, ":(") {
		return true
	}
	return strings.ContainsRune(",.;!)(\n\r/|—–。、，！", c) || unicode.Is(unicode.So, c) || spaceless(c) || strings.HasPrefix(rest, "- ")
}
