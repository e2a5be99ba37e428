package whatsapp

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// style is how an export writes the times of all its messages.
type style struct {
	bracket   bool // [date, time] as on an iPhone, else date, time -
	colon     bool // date, time: as on an iPhone before 2018
	timeFirst bool
	separator rune // between the numbers of a date
	seconds   bool
}

// iPhone reports which of the two ways notices and files are written in.
func (s *style) iPhone() bool { return s.bracket || s.colon }

// stamp is the time at the beginning of a message, as written.
type stamp struct {
	style
	date   [3]int
	digits [3]int // the number of digits of each number
	era    int    // the year before the first year of another calendar; 0 is ours
	// islamic is the variant in which a year of the Islamic calendar is meant.
	islamic islamic
	clock
	upper bool // AM and PM in capitals, as in America
	// koreanHalf reports whether the half of the day is in Korean, where the year comes first, even a two-digit one.
	koreanHalf bool
}

// header reads the beginning of a line. A line without a time continues the message before.
func header(line string) (s stamp, rest string, ok bool) {
	if c, _ := utf8.DecodeRuneInString(line); !isMark(c) && c != '[' && digit(c) < 0 && !isWordOfTime(c) && !beginsEra(line) {
		return s, "", false
	}
	p := scanner{rest: line}
	p.marks()
	s.bracket = p.take("[")
	if !p.moment(&s) {
		return s, "", false
	}
	p.spaces()
	if s.bracket {
		if !p.take("]") {
			return s, "", false
		}
		p.space()
		return s, p.rest, true
	}
	if s.colon = p.take(":"); !s.colon && !p.take("-") && !p.take("–") && !p.take("—") {
		return s, "", false
	}
	if !p.space() {
		return s, "", p.rest == ""
	}
	return s, p.rest, true
}

// moment reads date and time, in either order.
func (p *scanner) moment(s *stamp) bool {
	begin, empty := *p, *s
	if p.date(s) && p.between() && p.time(s) {
		return true
	}
	*p, *s = begin, empty
	s.timeFirst = true
	return p.time(s) && p.between() && p.date(s)
}

// isWordOfTime reports whether a line may begin with a word of the time: some write 下午 or "le" first.
func isWordOfTime(c rune) bool { return c > 0x7f && unicode.IsLetter(c) }

// beginsEra reports whether a line may begin with a year such as R6.
func beginsEra(line string) bool {
	return len(line) > 1 && (line[0] == 'R' || line[0] == 'H') && line[1] >= '0' && line[1] <= '9'
}

// scanner reads a header from left to right. Direction marks may occur anywhere in it.
type scanner struct {
	rest   string
	korean bool // the word for the half of the day was Korean
}

// isMark reports whether r is an invisible direction mark, or the byte order mark.
func isMark(c rune) bool {
	return c == '\u200e' || c == '\u200f' || c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069' || c == '\uFEFF' || c == '\u061c'
}

// isSpace reports whether r is white space within a line, such as the narrow one before PM.
func isSpace(c rune) bool { return c != '\n' && c != '\r' && unicode.IsSpace(c) }

func (p *scanner) marks() {
	if p.rest != "" && p.rest[0] < utf8.RuneSelf { // most often
		return
	}
	p.rest = strings.TrimLeftFunc(p.rest, isMark)
}

func (p *scanner) spaces() {
	if p.rest != "" && p.rest[0] > ' ' && p.rest[0] < utf8.RuneSelf {
		return
	}
	p.rest = strings.TrimLeftFunc(p.rest, func(c rune) bool { return isMark(c) || isSpace(c) })
}

// space takes one space, and leaves the rest unchanged.
func (p *scanner) space() bool {
	c, size := utf8.DecodeRuneInString(p.rest)
	if !isSpace(c) {
		return false
	}
	p.rest = p.rest[size:]
	return true
}

func (p *scanner) take(text string) bool {
	p.marks()
	rest, found := strings.CutPrefix(p.rest, text)
	if found {
		p.rest = rest
	}
	return found
}

// zeros are the digits 0 of the scripts that phones use for times.
var zeros = []rune{'0', '\u0660', '\u06f0', '\u0966', '\u09e6', '\u0a66', '\u0ae6', '\u0b66', '\u0be6', '\u0c66', '\u0ce6', '\u0d66', '\u0e50', '\u1040', '\uff10'}

// digit returns the value of a decimal digit of any script, or -1.
func digit(c rune) int {
	switch {
	case c < '0', c > '9' && c < zeros[1]:
		return -1
	case c <= '9':
		return int(c - '0')
	}
	for _, zero := range zeros {
		if c >= zero && c <= zero+9 {
			return int(c - zero)
		}
	}
	return -1
}

// number reads a number of up to four digits.
func (p *scanner) number() (n, digits int) {
	p.marks()
	for digits <= 4 {
		c, size := utf8.DecodeRuneInString(p.rest)
		d := digit(c)
		if d < 0 {
			break
		}
		n = n*10 + d
		digits++
		p.rest = p.rest[size:]
	}
	return n, digits
}

// date reads three numbers between the same separators: 3/15/24, 15.03.2024, 2024-3-15, 2024. 3. 15.
func (p *scanner) date(s *stamp) bool {
	for i := range s.date {
		if year, found := p.era(); found {
			s.era = year
		}
		n, digits := p.number()
		if digits == 0 || digits > 4 {
			return false
		}
		s.date[i], s.digits[i] = n, digits
		if i == 2 {
			break
		}
		p.marks()
		c, size := utf8.DecodeRuneInString(p.rest)
		if i == 0 {
			s.separator = c
		}
		if s.separator == '年' || s.separator == '년' {
			if c != []rune("年月")[i] && c != []rune("년월")[i] {
				return false
			}
		} else if c != s.separator || !strings.ContainsRune("./-", c) && !isSpace(c) {
			return false
		}
		p.rest = p.rest[size:]
		p.spaces()
	}
	p.marks()
	switch s.separator {
	case '.':
		p.take(".") // as in Korean and in Hungarian
	case '年', '년':
		if !p.take("日") {
			p.take("일")
		}
	}
	if p.unit("г") { // the word for year in Bulgarian and Russian
		p.take(".")
	}
	rest, found := strings.CutPrefix(strings.TrimLeft(p.rest, " "), "BE")
	if found {
		p.rest, s.era = rest, buddhistEra
	}
	if c, _ := utf8.DecodeRuneInString(p.rest); c == ',' { // most often
		return true
	}
	for _, era := range yearMarks {
		if rest, found := strings.CutPrefix(strings.TrimLeftFunc(p.rest, isSpace), era); found {
			p.rest = rest
		}
	}
	return true
}

// yearMarks follow a year of the Islamic or the Persian calendar.
var yearMarks = []string{"هـ", "AH", "AP", "ه\u200d.ش.", "ه.ش."}

// buddhistEra is the year before the first year of the Buddhist calendar.
const buddhistEra = -543

// eras are the years before the first ones of eras of Japan and Taiwan.
var eras = []struct {
	name string
	year int
}{{"R", 2018}, {"H", 1988}, {"令和", 2018}, {"平成", 1988}, {"民國", 1911}, {"民国", 1911}}

// era takes the name of an era before its year.
func (p *scanner) era() (year int, found bool) {
	p.marks()
	if c, _ := utf8.DecodeRuneInString(p.rest); digit(c) >= 0 {
		return 0, false
	}
	for _, e := range eras {
		rest, is := strings.CutPrefix(p.rest, e.name)
		if c, _ := utf8.DecodeRuneInString(rest); is && digit(c) >= 0 {
			p.rest = rest
			return e.year, true
		}
	}
	return 0, false
}

// joiners separate date and time in some languages.
var joiners = []string{"à ", "um ", "at ", "kl. ", "klo ", "o ", "alle ", "às ", "a las ", "в ", "во ", "u "}

func (p *scanner) between() bool {
	p.spaces()
	if !p.take(",") {
		p.take("،")
	}
	p.spaces()
	for _, word := range joiners {
		if rest, found := strings.CutPrefix(p.rest, word); found {
			p.rest = rest
			break
		}
	}
	p.spaces()
	return true
}
