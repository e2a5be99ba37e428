package androidsms

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// Recognize reports whether a file is a backup of messages.
func Recognize(h *sources.Head) bool {
	const far = 4 << 10 // a comment and a style sheet may come first
	return bytes.Contains(h.Text[:min(len(h.Text), far)], []byte("<smses"))
}

// Reader reads one backup.
type Reader struct {
	path    string
	name    string // the store's name for it
	reading sources.Reading

	absolute string
	plain    bool // not an archive
}

// Open returns a reader for the file at path.
func Open(path string, reading sources.Reading) (*Reader, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	return &Reader{path: path, name: "sms " + absolute, reading: reading.Remembering(), absolute: absolute, plain: isNoArchive(path)}, nil
}

// Path returns the file's path.
func (r *Reader) Path() string { return r.path }

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "rows" }

// Close does nothing: there is nothing to free.
func (r *Reader) Close() error { return nil }

// Read reads the backup.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	in, err := sources.Open(r.path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	defer func() { sources.NoteEncoding(sink, r.path, in.Encoding()) }()
	s := newScanner(in)
	e := emitter{reader: r, sink: sink, chats: map[string]*sources.Chat{}, own: own{reading: r.reading, sink: sink, learned: map[string]bool{}}}
	for damages := 0; ; {
		err := e.next(s)
		if errors.Is(err, io.EOF) && !isDamage(err) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			continue
		}
		line := s.line()
		err = r.explain(line, err)
		if !e.begun || e.row == 0 && !s.canResume() || errors.Is(err, errLimit) || ctx.Err() != nil || !isDamage(err) {
			return e.row, err
		}
		isMessage := s.isMessage()
		if damages++; damages > mostDamage || !s.canResume() || !s.resume() {
			if e.row == 0 {
				return 0, err
			}
			return e.damaged(err), nil
		}
		e.passOver(err, isMessage)
	}
	if !e.begun {
		return 0, usererr.With(fmt.Errorf("%s holds no <smses>", r.path), "it is no backup of messages of SMS Backup & Restore; one of calls is another")
	}
	if e.replaced > 0 {
		sink.Note("%s: %d elements have bytes that are no characters; these became U+FFFD", r.path, e.replaced)
	}
	if e.count > 0 && e.count != e.row {
		sink.Note("it says that it holds %d messages, but there are %d", e.count, e.row)
	}
	sink.Progress(e.row, e.row)
	return e.row, nil
}

// isDamage reports whether an error is one of the file's content.
func isDamage(err error) bool { return errors.As(err, new(damageError)) }

// damageError is the error of a file that is no XML from some place on.
type damageError struct{ error }

// damaged records what a file that ends early, or is no XML from some place on, does not have, and returns the number of
// rows.
func (e *emitter) damaged(err error) int64 {
	units := int64(0)
	if e.mms != nil {
		units = 1 // it was begun
	}
	if missing := e.count - e.row; missing > 0 && missing < mostMissing {
		e.row, units = e.count, units+missing
	}
	e.sink.Unreadable(err.Error(), units)
	e.sink.Progress(e.row, e.row)
	return e.row
}

// mostMissing limits how many missing messages a file is believed to have had.
const mostMissing = 1 << 40

// explain adds the position in the file to an error.
func (r *Reader) explain(line int, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if errors.As(err, new(flate.CorruptInputError)) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = damageError{err} // of a compressed file
	}
	advice := "the backup may not have been written to its end: make another"
	if errors.Is(err, errLimit) {
		advice = "no backup of SMS Backup & Restore has such a message: it may be damaged, or made by another program"
	}
	return usererr.With(fmt.Errorf("%s:%d: %w", r.path, line, err), "%s", advice)
}

// passOver records a damaged message, behind which the next one was found.
func (e *emitter) passOver(err error, isMessage bool) {
	units := int64(0)
	switch {
	case e.mms != nil:
		e.mms, units = nil, 1
	case isMessage:
		e.row++
		units = 1
	}
	e.sink.Unreadable(err.Error(), units)
}

// next reads the next element of the file.
func (e *emitter) next(s *scanner) error {
	begins, closed, err := s.next()
	if err != nil {
		return err
	}
	if s.depth > deepest {
		return fmt.Errorf("%w: elements are nested deeper than %d levels", errLimit, deepest)
	}
	if begins {
		if err := e.start(s.name, s.values); err != nil {
			return err
		}
		if s.replaced {
			e.replaced++
			s.replaced = false
		}
	}
	if (!begins || closed) && s.name == "mms" {
		err = e.endMMS()
	}
	if e.mms == nil {
		s.reset()
	}
	return err
}

// endMMS emits the current mms, if there is one.
func (e *emitter) endMMS() error {
	m := e.mms
	if m == nil {
		return nil
	}
	e.mms = nil
	return e.emit(m.message(e.reader, &e.own))
}

func (e *emitter) start(name string, values map[string]string) error {
	switch name {
	case "smses":
		e.begun = true
		e.count, _ = strconv.ParseInt(values["count"], 10, 64)
	case "sms":
		e.row++
		return e.emit(sms(values))
	case "mms":
		if err := e.endMMS(); err != nil {
			return err
		}
		e.row++
		e.mms = &mms{values: values}
	case "part":
		if e.mms != nil {
			e.mms.parts = append(e.mms.parts, values)
			return checkCount(len(e.mms.parts), "parts")
		}
	case "addr":
		if e.mms != nil {
			e.mms.addresses = append(e.mms.addresses, values)
			return checkCount(len(e.mms.addresses), "addresses")
		}
	}
	return nil
}
