package jsonstream

import (
	"bytes"
	"errors"
)

// longestForm limits the text by which elements are recognized.
const longestForm = 256

// learn takes the form of an element of an array.
func (s *Scanner) learn(at int) {
	if s.levels[at].form != "" {
		return
	}
	s.more(longestForm)
	if form, is := formOf(s.buf[s.pos:]); is {
		s.levels[at].form = form
	}
}

// formOf returns how an object at the beginning of a text begins: its first key, and the second one if the first value is a text or a
// number.
func formOf(text []byte) (form string, is bool) {
	text = text[:min(len(text), longestForm)]
	if len(text) == 0 || text[0] != '{' {
		return "", false
	}
	first, rest, is := keyOf(text[1:])
	if !is {
		return "", false
	}
	content, rest, err := value(rest)
	if err != nil || content[0] == '{' || content[0] == '[' {
		return first, true
	}
	if rest = trim(rest); len(rest) > 0 && rest[0] == ',' {
		if second, _, is := keyOf(rest[1:]); is {
			return first + second, true
		}
	}
	return first, true
}

// keyOf returns a key with its quotes, and what follows its colon.
func keyOf(text []byte) (key string, rest []byte, is bool) {
	text = trim(text)
	if len(text) == 0 || text[0] != '"' {
		return "", nil, false
	}
	end := bytes.IndexByte(text[1:], '"')
	if end < 0 {
		return "", nil, false
	}
	rest = trim(text[end+2:])
	if len(rest) == 0 || rest[0] != ':' {
		return "", nil, false
	}
	return string(text[:end+2]), trim(rest[1:]), true
}

// find looks for the beginning of an element in the buffer, and returns its level. The position is then that of the element.
func (s *Scanner) find(from int) (level int, found bool) {
	for at := from; at < len(s.buf); at++ {
		next := bytes.IndexByte(s.buf[at:], '{')
		if next < 0 {
			return 0, false
		}
		at += next
		form, is := formOf(s.buf[at:])
		if !is {
			continue
		}
		for n := len(s.levels) - 1; n >= 0; n-- {
			if s.levels[n].form == form {
				s.pos = at
				return n, true
			}
		}
	}
	return 0, false
}

// resume goes on behind a damaged element, which begins at the current position. It returns unwind, which says with which array.
func (s *Scanner) resume(damage *Damage) error {
	if s.damages++; s.damages > mostDamage {
		return &tooDamaged{damage}
	}
	if s.damaged != nil {
		s.damaged(damage)
	}
	s.mark, s.depth = -1, 0
	for from := s.pos + 1; ; from = s.pos {
		if level, found := s.find(min(from, len(s.buf))); found {
			return unwind{level}
		}
		if s.ended {
			s.pos = len(s.buf)
			if s.failed != nil {
				return s.failed
			}
			return ErrRest
		}
		s.pos = min(max(from, len(s.buf)-longestForm), len(s.buf)) // an element may begin at the end of what was read
		s.fill()
	}
}

// ErrRest is the error of a stream behind whose last damage, which was told, nothing could be read.
var ErrRest = errors.New("nothing can be read behind the damage")

// tooDamaged is the error of a stream with more damage than is passed over.
type tooDamaged struct{ last *Damage }

func (t *tooDamaged) Error() string {
	return "it is damaged in very many places, the last at " + t.last.Error()
}
