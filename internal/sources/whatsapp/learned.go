package whatsapp

import (
	"context"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/sources"
)

// learned is what a first reading shows about the form of a file's lines.
type learned struct {
	letters letters           // that are not UTF-8
	islamic islamic           // the variant of the Islamic calendar
	crlf    bool              // items end with CR LF, and lines within them with LF
	names   map[string]bool   // senders
	second  map[string]string // the rest of names that contain a colon
	pasted  map[int64]bool    // numbers of lines that belong to a chat which a member pasted
}

// letters describes how a file encodes its letters.
type letters struct {
	encoding string // a guess, "" for UTF-8
	invalid  int    // lines with bytes that are no characters
}

// note tells the user about letters that are not UTF-8.
func (l *letters) note(path string, sink sources.Sink) {
	sources.NoteEncoding(sink, path, l.encoding)
	if l.invalid > 0 {
		sink.Note("%s: %d lines have bytes that are not UTF-8; these became U+FFFD", path, l.invalid)
	}
}

const (
	longestSecond = 40 // bytes of the part of a name behind a colon
	leastSecond   = 3  // messages that show such a name
)

// learn takes what a survey shows, and reports whether the file must be read again.
func (l *learned) learn(s *survey) (again bool) {
	l.crlf = s.afterLF > 0 && 3*s.afterCR > s.afterLF && s.afterCR > 1
	l.names, l.second = map[string]bool{}, map[string]string{}
	for name, n := range s.said {
		l.names[name] = true
		again = again || countQuotes(name)%2 == 1
		if second := s.second[name]; second != "" && n >= leastSecond {
			l.second[name] = second
			again = true
		}
	}
	if s.civil > 0 && l.islamic == ummAlQura {
		l.islamic, again = civil, true
	}
	return again || l.crlf
}

// sender is sender for a file about which this is known.
func (l *learned) sender(rest string) (name, text string, found bool) {
	name, text, found = sender(rest, func(name string) bool { return l.names[name] })
	if second := l.second[name]; found && second != "" {
		if after, has := strings.CutPrefix(text, second+": "); has {
			return cleanName(name + ": " + second), after, true
		}
	}
	return name, text, found
}

// leap is how many seconds a message must be older than the message before to count as pasted. Messages that arrive late
// are a little older.
const leap = 24 * 60 * 60

// mostPasted limits the items of a pasted chat.
const mostPasted = 500

// pastedLines returns the lines that only look like items: they are older than their surroundings, and somebody speaks in
// them who speaks nowhere else.
func (t *text) pastedLines(ctx context.Context, o order) (map[int64]bool, error) {
	type run struct {
		lines   []int64
		senders []string
	}
	var runs []run
	var latest int64
	inside := false
	speaks := map[string]bool{} // outside of all runs
	_, _, err := t.eachItem(ctx, func(at *stamp) bool { return at.hasDay() }, func(at *item) error {
		_, _, _, ok := at.stamp.day(o)
		if !ok {
			return nil
		}
		when := at.stamp.time(o, time.UTC).Unix()
		if latest == 0 || when >= latest-leap {
			latest, inside = max(latest, when), false
			speaks[at.sender] = true
			return nil
		}
		if !inside {
			runs, inside = append(runs, run{}), true
		}
		r := &runs[len(runs)-1]
		if len(r.lines) <= mostPasted {
			r.lines = append(r.lines, at.line)
		}
		if at.sender != "" && !slices.Contains(r.senders, at.sender) {
			r.senders = append(r.senders, at.sender)
		}
		return nil
	})
	pasted := map[int64]bool{}
	for _, r := range runs {
		strange := slices.ContainsFunc(r.senders, func(name string) bool { return !speaks[name] })
		if !strange || len(r.lines) > mostPasted {
			continue
		}
		for _, line := range r.lines {
			pasted[line] = true
		}
	}
	return pasted, err
}

// dropHost removes the name of the group from the senders. An iPhone puts the notices of a group under the group's name,
// which is the first to appear; in a direct chat, with the other person's name there, no third person speaks.
func (s *survey) dropHost() {
	others := len(s.senders)
	if s.said[s.host] > 0 {
		others--
	}
	if s.host == "" || others < 2 {
		s.host = ""
		return
	}
	delete(s.said, s.host)
	s.senders = slices.DeleteFunc(s.senders, func(name string) bool { return name == s.host })
	s.notice, s.inGroup = s.host, true
}
