package windows

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/usererr"
)

// Export writes all windows of db as a window file. It streams, and renders and escapes each message once, although a message
// is part of up to a hundred windows. Progress counts windows.
func Export(ctx context.Context, db *messages.DB, out io.Writer, progress Progress) error {
	s, err := openTables(ctx, db, nil)
	if err != nil {
		return err
	}
	defer s.selectRange.Close()
	rows, err := s.selectRange.QueryContext(ctx, 1, s.messages)
	if err != nil {
		return db.Explain(err)
	}
	defer rows.Close()
	e := exporter{rows: rows}
	for i, w := range s.windows {
		if err := e.advance(w.first, w.last); err != nil {
			return db.Explain(err)
		}
		e.text = appendEscaped(e.text[:0], AppendHeader(nil, NewHeader("", s.members[w.conversation], StartDate(time.Unix(0, e.at(w.first).date)))))
		e.text = append(e.text, e.at(w.first).opening...)
		e.text = append(e.text, e.middle(w.first+1, w.last)...)
		e.row = appendRow(e.row[:0], e.text, int(w.targets))
		if _, err := out.Write(e.row); err != nil {
			return err
		}
		if i%256 == 0 {
			progress.Report(int64(i), int64(len(s.windows)))
		}
	}
	progress.Report(int64(len(s.windows)), int64(len(s.windows)))
	return nil
}

// ExportList writes the windows of a list as a window file. It renders each window by itself; Export is faster where windows have no
// memories.
func ExportList(ctx context.Context, l List, out io.Writer, progress Progress) error {
	var text, row []byte
	for i := range l.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		w, err := l.Window(i)
		if err != nil {
			return err
		}
		text = appendEscaped(text[:0], w.Header)
		for _, line := range w.Memory {
			text = appendEscaped(text, line)
		}
		for _, line := range w.Lines {
			text = appendEscaped(text, line.Text)
		}
		row = appendRow(row[:0], text, w.Targets)
		if _, err := out.Write(row); err != nil {
			return err
		}
		progress.Report(int64(i+1), int64(l.Len()))
	}
	return nil
}

// exporter holds the messages of the current window, from id first on, escaped for the inside of a JSON string. Neither end
// of a window ever moves back from one window to the next.
type exporter struct {
	rows    *sql.Rows
	scanner messageScanner
	first   int64          // id of lines[0]
	lines   []exportedLine // one per message
	middles []byte         // the lines as they are in the middle of a window, end to end
	text    []byte         // of the current window, escaped
	row     []byte
}

type exportedLine struct {
	date    int64
	opening []byte // the line as the first of a window
	end     int    // of the line in middles
}

func (e *exporter) at(id int64) *exportedLine { return &e.lines[id-e.first] }

// middle returns the text of messages first to last as they are in the middle of a window.
func (e *exporter) middle(first, last int64) []byte {
	return e.middles[e.at(first-1).end:e.at(last).end]
}

// advance discards the messages before first and reads up to last.
func (e *exporter) advance(first, last int64) error {
	if e.lines == nil {
		e.first = 1
	}
	for next := e.first + int64(len(e.lines)); next <= last; next++ {
		if !e.rows.Next() {
			if err := e.rows.Err(); err != nil {
				return err
			}
			return missing(next)
		}
		if err := e.read(next); err != nil {
			return err
		}
	}
	if gone := int(first - e.first); gone > len(e.lines)/2 {
		e.discard(gone)
	}
	return nil
}

func missing(id int64) error {
	return usererr.With(fmt.Errorf("training message %d is missing", id), "run: vqctl preprocess")
}

// read reads the next message, which must have this id.
func (e *exporter) read(id int64) error {
	m, err := e.scanner.scan(e.rows)
	if err != nil {
		return err
	}
	if m.id != id {
		return missing(id)
	}
	e.text = AppendMessage(e.text[:0], &m.Message)
	e.middles = appendEscaped(e.middles, e.text)
	m.Delta = Deltas[0]
	e.text = AppendMessage(e.text[:0], &m.Message)
	e.lines = append(e.lines, exportedLine{date: m.date, opening: appendEscaped(nil, e.text), end: len(e.middles)})
	return nil
}

// discard removes the first n messages.
func (e *exporter) discard(n int) {
	cut := e.lines[n-1].end
	e.middles = e.middles[:copy(e.middles, e.middles[cut:])]
	e.lines = e.lines[:copy(e.lines, e.lines[n:])]
	for i := range e.lines {
		e.lines[i].end -= cut
	}
	e.first += int64(n)
}
