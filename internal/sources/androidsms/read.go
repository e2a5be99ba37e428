package androidsms

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/xml"
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
	return &Reader{path: path, name: "sms " + absolute, reading: reading, absolute: absolute, plain: isNoArchive(path)}, nil
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
	limited := &limitedReader{in: newMender(in)}
	d := xml.NewDecoder(limited)
	d.Strict = false
	e := emitter{reader: r, sink: sink, chats: map[string]*sources.Chat{}, own: own{reading: r.reading, sink: sink, learned: map[string]bool{}}}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = e.token(token)
		}
		if err == nil && e.mms == nil {
			limited.reset()
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			err = r.explain(d, err)
			if e.row == 0 || errors.Is(err, errLimit) || ctx.Err() != nil || !isDamage(err) {
				return e.row, err
			}
			return e.damaged(err), nil
		}
	}
	if !e.begun {
		return 0, usererr.With(fmt.Errorf("%s holds no <smses>", r.path), "it is no backup of messages of SMS Backup & Restore; one of calls is another")
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
func (r *Reader) explain(d *xml.Decoder, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	line, _ := d.InputPos()
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		line, err = syntax.Line, damageError{errors.New(syntax.Msg)}
	} else if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, new(flate.CorruptInputError)) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, zip.ErrChecksum) {
		err = damageError{err} // of a compressed file
	}
	advice := "the backup may not have been written to its end: make another"
	if errors.Is(err, errLimit) {
		advice = "no backup of SMS Backup & Restore has such a message: it may be damaged, or made by another program"
	}
	return usererr.With(fmt.Errorf("%s:%d: %w", r.path, line, err), "%s", advice)
}

// token reads the next token of the file.
func (e *emitter) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		if e.depth++; e.depth > deepest {
			return fmt.Errorf("%w: elements are nested deeper than %d levels", errLimit, deepest)
		}
		return e.start(t)
	case xml.EndElement:
		e.depth--
		if t.Name.Local == "mms" {
			return e.endMMS()
		}
	}
	return nil
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

func (e *emitter) start(t xml.StartElement) error {
	values := attributes(t.Attr)
	switch t.Name.Local {
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

// attributes returns the attributes of an element. The app writes "null" for missing values.
func attributes(list []xml.Attr) map[string]string {
	values := make(map[string]string, len(list))
	for _, a := range list {
		if a.Value != "null" {
			values[a.Name.Local] = a.Value
		}
	}
	return values
}
