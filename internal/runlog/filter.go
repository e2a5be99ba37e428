package runlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/regularfile"
)

// mostOfLine limits the length of a line. Longer ones are skipped.
const mostOfLine = 8 << 20

// eachLine calls visit with each line of a stream that ends with a line feed and is not too long, without the line feed. It returns
// how many bytes it read, up to the end of the last complete line.
func eachLine(in io.Reader, visit func(line []byte) error) (read int64, err error) {
	buffered := bufio.NewReaderSize(in, 1<<16)
	var line []byte
	length := int64(0)
	for {
		piece, err := buffered.ReadSlice('\n')
		length += int64(len(piece))
		if length <= mostOfLine {
			line = append(line, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return read, nil
		case err != nil:
			return read, err
		}
		if read += length; length <= mostOfLine {
			if err := visit(line[:len(line)-1]); err != nil {
				return read, err
			}
		}
		line, length = line[:0], 0
	}
}

// filter replaces the lines of a log by those that change returns, nil for none. change is called twice for each line. A last line
// that was cut short is dropped. The file is not written if nothing changes.
func filter(path string, change func(number int, line []byte) []byte) error {
	changed, number := false, 0
	if err := through(path, func(f io.Reader, size int64) error {
		read, err := eachLine(f, func(line []byte) error {
			number++
			changed = changed || !bytes.Equal(change(number, line), line)
			return nil
		})
		changed = changed || read != size
		return err
	}); err != nil || !changed {
		return err
	}
	return through(path, func(f io.Reader, _ int64) error {
		return atomicfile.Write(path, func(w io.Writer) error {
			number := 0
			_, err := eachLine(f, func(line []byte) error {
				number++
				if line = change(number, line); line == nil {
					return nil
				}
				_, err := w.Write(append(line[:len(line):len(line)], '\n'))
				return err
			})
			return err
		})
	})
}

// through calls read with an open file and its size. A file that does not exist is empty.
func through(path string, read func(f io.Reader, size int64) error) error {
	f, err := regularfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return read(f, info.Size())
}

// head is what all events have.
type head struct {
	Event string `json:"event"`
	Step  int    `json:"step"`
}

// Forget removes a person from a log: samples of their conversations, and their loss. It returns how many samples it removed.
// Nothing may write the log meanwhile.
func Forget(path, person string) (samples int, err error) {
	removed := map[int]bool{}
	err = filter(path, func(number int, line []byte) []byte {
		var h head
		if json.Unmarshal(line, &h) != nil {
			return nil // damaged: it may hold anything
		}
		switch h.Event {
		case SampleEvent:
			var s Sample
			if json.Unmarshal(line, &s) != nil || s.names(person) {
				removed[number] = true
				return nil
			}
		case EvaluationEvent:
			var e Evaluation
			if json.Unmarshal(line, &e) != nil {
				return nil
			}
			if _, has := e.PerContact[person]; has {
				delete(e.PerContact, person)
				return encode(e)
			}
		}
		return line
	})
	return len(removed), err
}

// Redact replaces the texts of the samples in a log. It returns how many samples it changed. Nothing may write the log meanwhile.
func Redact(path string, text func(string) string) (samples int, err error) {
	changed := map[int]bool{}
	err = filter(path, func(number int, line []byte) []byte {
		var h head
		if json.Unmarshal(line, &h) != nil {
			return nil // damaged: it may hold anything
		}
		if h.Event != SampleEvent {
			return line
		}
		var s Sample
		if json.Unmarshal(line, &s) != nil {
			return nil
		}
		if !s.redact(text) {
			return line
		}
		changed[number] = true
		return encode(s)
	})
	return len(changed), err
}

// redact replaces all texts, and reports whether one changed.
func (s *Sample) redact(text func(string) string) (changed bool) {
	replace := func(t *string) {
		if with := text(*t); with != *t {
			*t, changed = with, true
		}
	}
	replace(&s.Real.Text)
	replace(&s.Text)
	for i := range s.Context {
		replace(&s.Context[i].Text)
	}
	return changed
}

// encode returns an event as a line. Characters that only HTML treats specially stay as they are.
func encode(event any) []byte {
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(event); err != nil {
		return nil // a loss that is not finite ends a run, so that no event has one
	}
	return bytes.TrimSuffix(line.Bytes(), []byte("\n"))
}
