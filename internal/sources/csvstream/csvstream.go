// Package csvstream reads tables that may be larger than memory, and damaged.
//
// In: a reader. Out: the rows of a table in CSV, one at a time. It must not know any export's format.
//
// A damaged row, such as one in which a quotation mark is missing, costs its first line: reading goes on with the line after that.
package csvstream

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// largestRow limits a row in memory.
const largestRow = 16 << 20

// Damage is the error of a row that cannot be read.
type Damage struct{ error }

// Unwrap returns what is wrong with the row.
func (d Damage) Unwrap() error { return d.error }

// Reader reads the rows of a table, which may have several lines.
type Reader struct {
	// Separator is between the fields, and Count is how many fields a row has.
	Separator rune
	Count     int

	in      *bufio.Reader
	pending []string // lines that were read ahead
	line    int      // the number of the next line
}

// New returns a reader of a table with commas.
func New(in io.Reader) *Reader {
	return &Reader{Separator: ',', in: bufio.NewReaderSize(in, 64<<10), line: 1}
}

// Header reads the first line, which has the names of the columns, and takes the separator and the count from it. Names are empty if
// the line is no row of a table.
func (r *Reader) Header() (names []string, err error) {
	line, err := r.take()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	line = strings.TrimRight(strings.TrimPrefix(line, "\uFEFF"), "\r\n")
	if strings.Count(line, ";") > strings.Count(line, ",") {
		r.Separator = ';'
	}
	names, err = split(line, r.Separator)
	if err != nil {
		return nil, nil
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	r.Count = len(names)
	return names, nil
}

// Next returns the fields of the next row and its line; nil at the end.
func (r *Reader) Next() (fields []string, line int, err error) {
	var lines []string
	var row strings.Builder
	line = r.line
	for quotes := 0; ; {
		text, err := r.take()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, line, err
		}
		if strings.TrimSpace(text) == "" && len(lines) == 0 {
			if err != nil {
				return nil, line, nil
			}
			line = r.line
			continue
		}
		if text != "" {
			lines = append(lines, text)
			row.WriteString(text)
		}
		if quotes += strings.Count(text, `"`); quotes%2 == 0 || err != nil || row.Len() > largestRow {
			break
		}
	}
	fields, err = split(row.String(), r.Separator)
	if err == nil && len(fields) != r.Count {
		err = fmt.Errorf("the row has %d columns, not %d", len(fields), r.Count)
	}
	if err != nil {
		r.pending = append(lines[1:len(lines):len(lines)], r.pending...)
		r.line = line + 1
		return nil, line, Damage{err}
	}
	return fields, line, nil
}

// take returns the next line with its end.
func (r *Reader) take() (line string, err error) {
	r.line++
	if len(r.pending) > 0 {
		line, r.pending = r.pending[0], r.pending[1:]
		return line, nil
	}
	var out strings.Builder
	for {
		part, err := r.in.ReadSlice('\n')
		out.Write(part)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return out.String(), err
		}
		if out.Len() > largestRow {
			return "", fmt.Errorf("line %d has more than %d MiB", r.line-1, largestRow>>20)
		}
	}
}

func split(row string, separator rune) ([]string, error) {
	if line := strings.TrimSuffix(strings.TrimSuffix(row, "\n"), "\r"); line != "" && !strings.ContainsAny(line, "\"\r\n") {
		return strings.Split(line, string(separator)), nil // as most rows are
	}
	r := csv.NewReader(strings.NewReader(row))
	r.Comma, r.FieldsPerRecord = separator, -1
	fields, err := r.Read()
	if err != nil {
		return nil, err
	}
	if _, err := r.Read(); err != io.EOF {
		return nil, errors.New("a quotation mark is missing")
	}
	return fields, nil
}
