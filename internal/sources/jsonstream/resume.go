package jsonstream

import (
	"bytes"
	"errors"
)

// longestKey limits the keys by which elements are recognized.
const longestKey = 64

// learn takes the key with which an element of an array begins.
func (s *Scanner) learn(at int) {
	if s.levels[at].first != "" {
		return
	}
	s.more(longestKey + 16)
	if key, is := firstKey(s.buf[s.pos:]); is {
		s.levels[at].first = string(key)
	}
}

// firstKey returns the first key of an object at the beginning of a text, with its quotes.
func firstKey(text []byte) (key []byte, is bool) {
	if len(text) == 0 || text[0] != '{' {
		return nil, false
	}
	text = bytes.TrimLeft(text[1:], " \t\r\n")
	if len(text) == 0 || text[0] != '"' {
		return nil, false
	}
	end := bytes.IndexByte(text[1:min(len(text), longestKey)], '"')
	if end < 0 {
		return nil, false
	}
	key, text = text[:end+2], bytes.TrimLeft(text[end+2:], " \t\r\n")
	return key, len(text) > 0 && text[0] == ':'
}

// find looks for the beginning of an element in the buffer, and returns its level. The position is then that of the element.
func (s *Scanner) find(from int) (level int, found bool) {
	for at := from; at < len(s.buf); at++ {
		next := bytes.IndexByte(s.buf[at:], '{')
		if next < 0 {
			return 0, false
		}
		at += next
		key, is := firstKey(s.buf[at:])
		if !is {
			continue
		}
		for n := len(s.levels) - 1; n >= 0; n-- {
			if s.levels[n].first == string(key) {
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
		s.pos = min(max(from, len(s.buf)-2*longestKey), len(s.buf)) // an element may begin at the end of what was read
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
