// Package imazing reads the tables (CSV) that iMazing exports of the messages and WhatsApp chats of a phone.
//
// In: the path of a table, or of a folder of them, and the owner's names. Out: its messages, through source.Sink. It must not know
// contacts, windows or training.
//
// Columns are found by their names, for iMazing's versions have different ones. The tables are read twice as streams: first for the
// people, then for the messages.
package imazing

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/csvstream"
	"ventriloquist/internal/usererr"
)

// Recognize reports whether a file is a table of iMazing, or a folder or a zip holds one.
func Recognize(h *sources.Head) bool {
	if len(h.Text) > 0 {
		return isTable(string(h.Text))
	}
	return h.Begins(isCSV, func(text []byte) bool { return isTable(string(text)) })
}

func isCSV(name string) bool { return strings.EqualFold(filepath.Ext(name), ".csv") }

// isTable reports whether a text begins with the names of iMazing's columns.
func isTable(text string) bool {
	names, err := csvstream.New(strings.NewReader(text)).Header()
	if err == nil {
		_, err = newColumns(names)
	}
	return err == nil
}

// Reader reads the tables of an export.
type Reader struct {
	*sources.Files
	tables  []string
	reading sources.Reading
}

// Open returns a reader for the file or folder at path.
func Open(path string, reading sources.Reading) (*Reader, error) {
	files, err := sources.OpenFiles(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{files, files.Matching(func(name string) bool { return files.Alone() || isCSV(name) }), reading}
	if len(r.tables) == 0 {
		files.Close()
		return nil, usererr.With(fmt.Errorf("%s holds no tables (.csv)", path), "export the messages again in iMazing, to CSV")
	}
	return r, nil
}

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "rows" }

// Read reads the tables.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	e := emitter{reader: r, sink: sink, chats: map[string]*chat{}}
	for _, file := range r.tables {
		if err := e.survey(ctx, file); err != nil {
			return 0, err
		}
	}
	e.people()
	for _, t := range e.tables {
		if err := e.table(ctx, t); err != nil {
			return e.done, err
		}
	}
	if e.local {
		r.reading.NoteZone(sink)
	}
	if e.reactions > 0 {
		sink.Note("%d messages have reactions, in a form that is not read", e.reactions)
	}
	sink.Progress(e.done, e.done)
	return e.done, nil
}

// each passes the rows of a table to visit, and damaged rows to damaged. A file that is no table of iMazing has the error errNoTable.
func (r *Reader) each(ctx context.Context, file string, visit func(c *columns, fields []string, line int) error, damaged func(what string)) error {
	in, err := r.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	rows := csvstream.New(in)
	names, err := rows.Header()
	if err != nil {
		return fmt.Errorf("%s: %w", r.At(file), err)
	}
	c, err := newColumns(names)
	if err != nil {
		return err
	}
	for {
		fields, line, err := rows.Next()
		switch {
		case fields == nil && err == nil:
			return nil
		case errors.As(err, new(csvstream.Damage)):
			damaged(fmt.Sprintf("%s:%d: %v", r.At(file), line, err))
			continue
		case err != nil:
			return fmt.Errorf("%s: %w", r.At(file), err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := visit(c, fields, line); err != nil {
			return err
		}
	}
}

// place finds the exported file of an attachment: iMazing puts the date and the chat before its name.
func (r *Reader) place(t *table, date, name string) string {
	if t.names == nil {
		t.names = map[string]string{}
		for _, file := range r.Beside(t.file) {
			t.names[path.Base(file)] = file
		}
	}
	if file, there := t.names[name]; there {
		return file
	}
	stamp := strings.NewReplacer(":", " ", "T", " ").Replace(date)
	return t.names[stamp+" - "+t.session+" - "+name]
}
