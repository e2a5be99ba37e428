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
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// Recognize reports whether a file is a backup of messages, or a folder or a zip holds one.
func Recognize(h *sources.Head) bool {
	if len(h.Text) > 0 {
		return begins(h.Text)
	}
	return h.Holds("*.xml", "*.XML") && h.Begins(isXML, begins)
}

func isXML(name string) bool { return strings.EqualFold(path.Ext(name), ".xml") }

func begins(text []byte) bool {
	const far = 4 << 10 // a comment and a style sheet may come first
	return bytes.Contains(text[:min(len(text), far)], []byte("<smses"))
}

// Reader reads a backup, or those in a folder or a zip.
type Reader struct {
	*sources.Files
	name    string // the store's name for it
	reading sources.Reading
	backups []string

	file     string // the path of the backup that is read
	absolute string // the same, absolute; empty if the contents of its files cannot be found again
}

// Open returns a reader for the file, the folder or the zip at path.
func Open(path string, reading sources.Reading) (*Reader, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	files, err := sources.OpenFiles(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{Files: files, name: "sms " + absolute, reading: reading.Remembering()}
	if names := files.Names(); len(names) == 1 {
		r.backups = names
		return r, nil
	}
	if r.backups = files.Matching(r.isBackup); len(r.backups) == 0 {
		files.Close()
		return nil, usererr.With(fmt.Errorf("%s holds no backup of messages", path), "the backups of SMS Backup & Restore are called sms-….xml")
	}
	return r, nil
}

// isBackup reports whether a file holds messages: backups of calls are beside them.
func (r *Reader) isBackup(name string) (is bool) {
	if !isXML(name) {
		return false
	}
	_ = r.Files.Read(name, func(in io.Reader) error { // what cannot be read is none
		head := make([]byte, 4<<10)
		n, _ := io.ReadFull(in, head)
		is = begins(head[:n])
		return nil
	})
	return is
}

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "rows" }

// Read reads the backups.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	e := emitter{reader: r, sink: sink, chats: map[string]*sources.Chat{}, own: own{reading: r.reading, sink: sink, learned: map[string]bool{}}}
	for _, name := range r.backups {
		err := r.backup(ctx, &e, name)
		if len(r.backups) > 1 && sources.IsDamage(ctx, sink, err) && !errors.Is(err, errLimit) {
			sink.Unreadable(err.Error(), 0)
			err = nil
		}
		if err != nil {
			return e.row, err
		}
	}
	sink.Progress(e.row, e.row)
	return e.row, nil
}

// backup reads one backup.
func (r *Reader) backup(ctx context.Context, e *emitter, name string) error {
	in, err := r.Files.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	r.file, r.absolute = r.At(name), ""
	if isNoArchive(r.file) {
		if r.absolute, err = filepath.Abs(r.file); err != nil {
			return err
		}
	}
	e.begun, e.count, e.from, e.mms, e.replaced = false, e.row, e.row, nil, 0
	s := newScanner(in)
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
		if !e.begun || e.row == e.from && !s.canResume() || errors.Is(err, errLimit) || ctx.Err() != nil || !isDamage(err) {
			return err
		}
		isMessage := s.isMessage()
		if damages++; damages > mostDamage || !s.canResume() || !s.resume() {
			if e.row == e.from {
				return err
			}
			e.damaged(err)
			return nil
		}
		e.passOver(err, isMessage)
	}
	if !e.begun {
		return usererr.With(fmt.Errorf("%s holds no <smses>", r.file), "it is no backup of messages of SMS Backup & Restore; one of calls is another")
	}
	if e.replaced > 0 {
		e.sink.Note("%s: %d elements have bytes that are no characters; these became U+FFFD", r.file, e.replaced)
	}
	if e.count > e.from && e.count != e.row {
		e.sink.Note("%s says that it holds %d messages, but there are %d", r.file, e.count-e.from, e.row-e.from)
	}
	return nil
}

// isDamage reports whether an error is one of the file's content.
func isDamage(err error) bool { return errors.As(err, new(damageError)) }

// damageError is the error of a file that is no XML from some place on.
type damageError struct{ error }

// damaged records what a file that ends early, or is no XML from some place on, does not have.
func (e *emitter) damaged(err error) {
	units := int64(0)
	if e.mms != nil {
		units = 1 // it was begun
	}
	if missing := e.count - e.row; missing > 0 && missing < mostMissing {
		e.row, units = e.count, units+missing
	}
	e.sink.Unreadable(err.Error(), units)
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
	return usererr.With(fmt.Errorf("%s:%d: %w", r.file, line, err), "%s", advice)
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
		count, _ := strconv.ParseInt(values["count"], 10, 64)
		e.count = e.from + max(0, min(count, mostMissing))
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
