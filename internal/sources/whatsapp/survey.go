package whatsapp

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"ventriloquist/internal/lines"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// item is a message or a notice: a line with a time, and the lines without one that follow.
type item struct {
	line   int64 // number of its first line
	lines  int64
	stamp  stamp
	sender string // "" of a notice
	text   string
	// afterLF reports whether the line before its first one ended with LF rather than CR LF.
	afterLF bool
}

// longestMessage limits the length of a message with its continuation lines; WhatsApp sends 64 KiB.
const longestMessage = 16 << 20

// eachItem calls visit for every item. It returns the number of lines and how many of them precede the first item.
// A line in another style than the first item continues the item before: a member quoted a chat. So does a line within an
// item of an export that ends items with CR LF, and a line that t.learned counts as pasted.
func (t *text) eachItem(ctx context.Context, fits func(*stamp) bool, visit func(*item) error) (count, before int64, err error) {
	in, err := t.open()
	if err != nil {
		return 0, 0, err
	}
	defer in.Close()
	invalid := 0
	defer func() { t.learned.letters = letters{in.Encoding(), invalid} }()
	var at item
	var words strings.Builder // of an item with several lines
	var form *style
	within := false // the line before ended with LF alone
	finish := func() error {
		if at.lines == 0 {
			return nil
		}
		if at.lines > 1 {
			at.text = words.String()
		}
		return visit(&at)
	}
	count, err = lines.EachRaw(ctx, in, t.path, func(number, _ int64, raw []byte) error {
		raw = bytes.TrimSuffix(raw, []byte("\n"))
		raw, isEnd := bytes.CutSuffix(raw, []byte("\r"))
		continues := within && t.learned.crlf
		afterLF := within
		within = !isEnd
		if !utf8.Valid(raw) {
			invalid++
		}
		line := strings.ToValidUTF8(string(raw), "\uFFFD")
		s, rest, ok := header(line)
		s.islamic = t.learned.islamic
		if ok && (form == nil || s.style == *form) && fits(&s) && !continues && !t.learned.pasted[number] {
			if err := finish(); err != nil {
				return err
			}
			form = &s.style
			at = item{line: number, lines: 1, stamp: s, afterLF: afterLF}
			name, text, named := t.learned.sender(rest)
			if !named {
				text = rest
			}
			at.sender, at.text = name, text
			return nil
		}
		if at.lines == 0 {
			before++
			return nil
		}
		if at.lines++; at.lines == 2 {
			words.Reset()
			words.WriteString(at.text)
		}
		if words.Len()+len(line) > longestMessage {
			return usererr.With(fmt.Errorf("%s:%d: the message that begins here is longer than %d MiB", t.path, at.line, longestMessage>>20),
				"most of its lines begin with no time: the file may be no export of WhatsApp from here on")
		}
		words.WriteByte('\n')
		words.WriteString(line)
		return nil
	})
	if err != nil {
		return count, before, err
	}
	return count, before, finish()
}

// survey is what only the whole file shows.
type survey struct {
	calendar calendar
	reader   reader
	form     style
	items    int64
	senders  []string // in the order in which they first speak
	said     map[string]int
	mine     string // a sender who can only be the owner
	notice   string // the name on the first notice: of the group, or of the other person
	inGroup  bool   // a notice is about a group
	brackets map[string]int
	second   map[string]string // the text before a colon that all messages of a sender begin with
	afterLF  int               // items after a line that ended with LF, and after one that ended with CR LF
	afterCR  int
	islamic  int // dates with years of the Islamic calendar
	civil    int // those of them that only its civil variant has
	samples  samples
	host     string // the sender of the first notice, at the beginning of the file
}

// omissions is how often a text must be entirely in angle brackets to count as the placeholder for media.
const omissions = 3

// survey reads the file once, and again if that shows that some lines were misunderstood.
func (t *text) survey(ctx context.Context) (*survey, error) {
	s, err := t.surveyOnce(ctx)
	if err != nil {
		return nil, err
	}
	if t.learned.learn(s) {
		if s, err = t.surveyOnce(ctx); err != nil {
			return nil, err
		}
	}
	order, _ := s.calendar.order()
	if wrong := s.calendar.readings[order].wrong; 2*int64(wrong) > s.items {
		return nil, usererr.With(fmt.Errorf("%s: its dates cannot be: most are before %d or in the future, in whatever order of day, month and year", t.path, firstYear),
			"the phone may use a calendar that is not known here: set it to the Gregorian calendar and export again")
	}
	if s.calendar.readings[order].leaps > 0 {
		if t.learned.pasted, err = t.pastedLines(ctx, order); err == nil && len(t.learned.pasted) > 0 {
			s, err = t.surveyOnce(ctx)
		}
	}
	return s, err
}

func (t *text) surveyOnce(ctx context.Context) (*survey, error) {
	s := &survey{calendar: calendar{now: time.Now()}, said: map[string]int{}, brackets: map[string]int{}, second: map[string]string{}}
	_, _, err := t.eachItem(ctx, func(at *stamp) bool { return at.hasDay() }, s.item)
	if err != nil {
		return nil, err
	}
	s.dropHost()
	s.reader.learned = make(map[string]bool)
	for note, n := range s.brackets {
		if n >= omissions {
			s.reader.learned[note] = true
		}
	}
	return s, nil
}

// hasDay reports whether a date is a valid day in some order.
func (s *stamp) hasDay() bool {
	for o := range orders {
		if _, _, _, ok := s.day(o); ok {
			return true
		}
	}
	return s.isIslamic() && s.isCivil()
}

func (s *survey) item(at *item) error {
	if s.items++; s.items == 1 {
		s.form, s.reader.iPhone = at.stamp.style, at.stamp.iPhone()
	}
	s.calendar.add(&at.stamp)
	if at.stamp.isIslamic() {
		s.islamic++
		if at.stamp.isCivil() {
			s.civil++
		}
	}
	if at.afterLF {
		s.afterLF++
	} else {
		s.afterCR++
	}
	if at.sender == "" {
		s.event(at.text)
		return nil
	}
	b := s.reader.body(at.text)
	if b.fate == sources.Events {
		if s.notice == "" {
			s.notice = at.sender
		}
		if s.items == 1 && isEncryption(fold(strings.TrimSpace(at.text))) {
			s.host = at.sender
		}
		s.event(at.text)
		return nil
	}
	if b.mine {
		s.mine = at.sender
	}
	if b.omission != "" {
		s.brackets[b.omission]++
	}
	s.samples.add(at)
	second, _, _ := strings.Cut(at.text, ": ")
	if len(second) == len(at.text) || len(second) > longestSecond {
		second = ""
	}
	if s.said[at.sender]++; s.said[at.sender] == 1 {
		s.senders = append(s.senders, at.sender)
		s.second[at.sender] = second
	} else if s.second[at.sender] != second {
		s.second[at.sender] = ""
	}
	return nil
}

// event looks for groups in a notice.
func (s *survey) event(text string) {
	if s.inGroup {
		return
	}
	text = strings.ToLower(text)
	for _, word := range groupWords {
		s.inGroup = s.inGroup || strings.Contains(text, word)
	}
}
