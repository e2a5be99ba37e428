package whatsapp

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clock is a time of day.
type clock struct{ hour, minute, second int }

// half is the half of the day that an hour on a twelve-hour clock is in.
type half int

const (
	none    half = iota // twenty-four hours
	morning             // 12 is midnight
	evening             // 12 is noon
	noon                // around 12
	night               // before and after 12
)

// halves are the words for it, before or after the time. Longer words come first.
var halves = []struct {
	word string
	half half
}{
	{"in the morning", morning}, {"in the afternoon", evening}, {"in the evening", evening}, {"at night", night},
	{"a. m.", morning}, {"p. m.", evening}, {"a.m.", morning}, {"p.m.", evening}, {"a.m", morning}, {"p.m", evening},
	{"am", morning}, {"pm", evening},
	{"上午", morning}, {"下午", evening}, {"凌晨", morning}, {"清晨", morning}, {"早上", morning}, {"中午", noon}, {"傍晚", evening}, {"晚上", night},
	{"午前", morning}, {"午後", evening}, {"오전", morning}, {"오후", evening},
	{"ص", morning}, {"م", evening}, {"ق.ظ.", morning}, {"ب.ظ.", evening}, {"ق.ظ", morning}, {"ب.ظ", evening}, {"قبل\u200cازظهر", morning}, {"بعدازظهر", evening},
	{"לפנה״צ", morning}, {"אחה״צ", evening}, {"לפנה\"צ", morning}, {"אחה\"צ", evening},
	{"π.μ.", morning}, {"μ.μ.", evening}, {"पूर्वाह्न", morning}, {"अपराह्न", evening}, {"ก่อนเที่ยง", morning}, {"หลังเที่ยง", evening},
	{"පෙ.ව.", morning}, {"ප.ව.", evening}, {"முற்பகல்", morning}, {"பிற்பகல்", evening}, {"ಪೂರ್ವಾಹ್ನ", morning}, {"ಅಪರಾಹ್ನ", evening}, {"म.पू.", morning}, {"म.उ.", evening},
	{"နံနက်", morning}, {"ညနေ", evening}, {"ກ່ອນທ່ຽງ", morning}, {"ຫຼັງທ່ຽງ", evening}, {"ጥዋት", morning}, {"ከሰዓት", evening},
	{"e paradites", morning}, {"e pasdites", evening}, {"ap.", morning}, {"ip.", evening}, {"f.h.", morning}, {"e.h.", evening}, {"vm.", morning}, {"nm.", evening},
	{"priešpiet", morning}, {"popiet", evening}, {"priekšp.", morning}, {"pēcp.", evening}, {"pop.", evening}, {"претпл.", morning}, {"попл.", evening}, {"ү.ө.", morning}, {"ү.х.", evening},
	{"öö", morning}, {"ös", evening}, {"sa", morning}, {"ch", evening}, {"fm", morning}, {"em", evening}, {"de.", morning}, {"du.", evening},
	{"pd", morning}, {"md", evening}, {"ptg", evening}, {"pg", morning}, {"dop.", morning}, {"odp.", evening}, {"пп", evening}, {"дп", morning}, {"пр.об.", morning}, {"сл.об.", evening},
}

// half takes a word for a half of the day, if there is one.
func (p *scanner) half() (h half, upper bool) {
	p.spaces()
	first, _ := utf8.DecodeRuneInString(p.rest)
	if !unicode.IsLetter(first) { // most often: no word begins so
		return none, false
	}
	for _, entry := range halves {
		end := foldedPrefix(p.rest, entry.word)
		if end < 0 {
			continue
		}
		next, _ := utf8.DecodeRuneInString(p.rest[end:])
		last, _ := utf8.DecodeLastRuneInString(entry.word)
		if unicode.IsLetter(next) && unicode.IsLetter(last) && next < 0x2e80 {
			continue // a longer word; Chinese has no spaces
		}
		p.korean = unicode.Is(unicode.Hangul, first)
		p.rest = p.rest[end:]
		return entry.half, unicode.IsUpper(first)
	}
	return none, false
}

// foldedPrefix returns the end of a prefix, ignoring case and the kind of spaces; -1 if it is not there.
func foldedPrefix(text, prefix string) int {
	at := 0
	for _, want := range prefix {
		c, size := utf8.DecodeRuneInString(text[at:])
		if size == 0 || unicode.ToLower(c) != want && (want != ' ' || !isSpace(c)) {
			return -1
		}
		at += size
	}
	return at
}

// time reads 19:02, 7:02:03 PM, 下午7:02, 19.02, 19 h 02.
func (p *scanner) time(s *stamp) bool {
	h, upper := p.half()
	p.spaces()
	hour, digits := p.number()
	if digits == 0 || digits > 2 || !p.colon() {
		return false
	}
	minute, digits := p.number()
	if digits != 2 {
		return false
	}
	s.minute = minute
	if before := p.rest; p.colon() {
		second, digits := p.number()
		if digits != 2 {
			p.rest = before
		} else {
			s.second, s.seconds = second, true
		}
	}
	p.unit("s")
	if p.unit("ч") { // the words for hour, after the time
		p.take(".")
	}
	p.unit("Uhr")
	if h == none {
		before := p.rest
		if h, upper = p.half(); h == none {
			p.rest = before
		}
	}
	s.upper, s.koreanHalf = upper, p.korean
	var valid bool
	s.hour, valid = h.hour(hour)
	return valid && s.minute < 60 && s.second < 60
}

// colon takes the separator between hours, minutes and seconds.
func (p *scanner) colon() bool {
	return p.take(":") || p.take(".") || p.unit("h") || p.unit("min")
}

// unit takes a unit with the spaces around it, as Canadians write: 19 h 02 min 03 s.
func (p *scanner) unit(name string) bool {
	rest, found := strings.CutPrefix(strings.TrimLeftFunc(p.rest, isSpace), name)
	if c, _ := utf8.DecodeRuneInString(rest); !found || unicode.IsLetter(c) {
		return false
	}
	p.rest = strings.TrimLeftFunc(rest, isSpace)
	return true
}

// hour returns the hour of the day. Some people write 13:00 PM.
func (h half) hour(n int) (hour int, valid bool) {
	if h == none || n > 12 {
		return n, n < 24
	}
	switch late := n >= 6; {
	case n == 0:
		return 0, true
	case h == morning, h == night && !late, h == night && n == 12:
		return n % 12, true
	case h == noon && n >= 10:
		return n, true
	}
	return n%12 + 12, true
}
