package jsonstream

import (
	"errors"
	"fmt"
	"io"
)

// Read reads the document of a file by what read does with its scanner; a value that must be in memory has at most so many bytes. It
// calls damaged with the place and the error of each damaged element that is passed over. Damage up to the end of the file is no error.
func Read(in io.Reader, file string, most int, damaged func(what string), read func(s *Scanner) error) error {
	s := New(in, most, func(d *Damage) { damaged(fmt.Sprintf("%s:%d: %v", file, d.Line, d.Err)) })
	if err := read(s); err != nil && !errors.Is(err, ErrRest) {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// Each calls visit for the elements of an array, as parse takes them from their bytes. An element that parse refuses is damaged; an
// error of visit ends the reading.
func Each[T any](s *Scanner, parse func(to *T, raw []byte) error, visit func(*T) error) error {
	return s.Array(func() error {
		raw, err := s.Value()
		if err != nil {
			return err
		}
		var one T
		if err := parse(&one, raw); err != nil {
			return s.Reject(raw, err)
		}
		return visit(&one)
	})
}
