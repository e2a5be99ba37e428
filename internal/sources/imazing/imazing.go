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
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// Recognize reports whether a file is a table of iMazing, or a folder holds one.
func Recognize(h *sources.Head) bool {
	if !h.Dir {
		return isTable(string(h.Text))
	}
	for _, name := range h.Names {
		if !isCSV(name) {
			continue
		}
		if head, err := sources.ReadHead(filepath.Join(h.Path, name)); err == nil && isTable(string(head.Text)) {
			return true
		}
	}
	return false
}

func isCSV(name string) bool { return strings.EqualFold(filepath.Ext(name), ".csv") }

// isTable reports whether a text begins with the names of iMazing's columns.
func isTable(text string) bool {
	line, _, _ := strings.Cut(text, "\n")
	_, err := newColumns(line)
	return err == nil
}

// Reader reads the tables of an export.
type Reader struct {
	path    string
	files   []string
	reading sources.Reading
}

// Open returns a reader for the file or folder at path.
func Open(path string, reading sources.Reading) (*Reader, error) {
	r := &Reader{path: path, reading: reading}
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && !sources.IsLitter(name) && (name == path || isCSV(name)) {
			r.files = append(r.files, name)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	if len(r.files) == 0 {
		return nil, usererr.With(fmt.Errorf("%s holds no tables (.csv)", path), "export the messages again in iMazing, to CSV")
	}
	return r, nil
}

// Path returns the export's path.
func (r *Reader) Path() string { return r.path }

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "rows" }

// Close does nothing: there is nothing to free.
func (r *Reader) Close() error { return nil }

// Read reads the tables.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	e := emitter{reader: r, sink: sink, chats: map[string]*chat{}}
	for _, file := range r.files {
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
func each(ctx context.Context, file string, visit func(c *columns, fields []string, line int) error, damaged func(what string)) error {
	in, err := sources.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	rows := newRecords(in)
	c, err := rows.header()
	if err != nil {
		return err
	}
	for {
		fields, line, err := rows.next(c)
		switch {
		case fields == nil && err == nil:
			return nil
		case isDamage(err):
			damaged(fmt.Sprintf("%s:%d: %v", file, line, err))
			continue
		case err != nil:
			return fmt.Errorf("%s: %w", file, err)
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
func (t *table) place(date, name string) string {
	if t.names == nil {
		t.names = map[string]string{}
		filepath.WalkDir(filepath.Dir(t.file), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && len(t.names) < mostFiles {
				relative, err := filepath.Rel(filepath.Dir(t.file), path)
				if err == nil {
					t.names[entry.Name()] = filepath.ToSlash(relative)
				}
			}
			return nil
		})
	}
	if path, there := t.names[name]; there {
		return path
	}
	stamp := strings.NewReplacer(":", " ", "T", " ").Replace(date)
	return t.names[stamp+" - "+t.session+" - "+name]
}

// mostFiles limits the files of a folder that are looked at.
const mostFiles = 1_000_000
