package imazing

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// largestRecord limits a row in memory.
const largestRecord = 16 << 20

// errNoTable matches the error of a file that is no table of iMazing.
var errNoTable = errors.New("it is no table of iMazing")

// columns are the places of iMazing's columns, by their names; -1 for those that a table lacks.
type columns struct {
	separator rune
	count     int

	session, id, date, deleted, kind, senderID, senderName, subject, text, reactions, attachment, attachmentType int
}

// newColumns reads the first line of a table.
func newColumns(line string) (*columns, error) {
	line = strings.TrimRight(strings.TrimPrefix(line, "\uFEFF"), "\r\n")
	c := &columns{separator: ','}
	if strings.Count(line, ";") > strings.Count(line, ",") {
		c.separator = ';'
	}
	names, err := split(line, c.separator)
	if err != nil {
		return nil, errNoTable
	}
	at := map[string]int{}
	for i, name := range names {
		at[strings.TrimSpace(name)] = i
	}
	find := func(name string) int {
		if i, there := at[name]; there {
			return i
		}
		return -1
	}
	c.count = len(names)
	c.session, c.id, c.date, c.deleted, c.kind = find("Chat Session"), find("Message ID"), find("Message Date"), find("Deleted Date"), find("Type")
	c.senderID, c.senderName, c.subject, c.text = find("Sender ID"), find("Sender Name"), find("Subject"), find("Text")
	c.reactions, c.attachment, c.attachmentType = find("Reactions"), find("Attachment"), find("Attachment type")
	if c.session < 0 || c.date < 0 || c.kind < 0 || c.text < 0 {
		return nil, errNoTable
	}
	return c, nil
}

// of returns a column of a row, "" if the table lacks it.
func of(fields []string, column int) string {
	if column < 0 {
		return ""
	}
	return fields[column]
}

func split(record string, separator rune) ([]string, error) {
	r := csv.NewReader(strings.NewReader(record))
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

// damage is the error of a row that is not read.
type damage struct{ error }

func isDamage(err error) bool { return errors.As(err, new(damage)) }

// records reads the rows of a table, which may have several lines.
type records struct {
	in      *bufio.Reader
	pending []string // lines that were read ahead
	line    int      // of the next line
}

func newRecords(in io.Reader) *records { return &records{in: bufio.NewReaderSize(in, 1<<20), line: 1} }

// header reads the first row.
func (r *records) header() (*columns, error) {
	line, err := r.take()
	if err != nil && err != io.EOF {
		return nil, err
	}
	return newColumns(line)
}

// take returns the next line with its end.
func (r *records) take() (line string, err error) {
	r.line++
	if len(r.pending) > 0 {
		line, r.pending = r.pending[0], r.pending[1:]
		return line, nil
	}
	var out strings.Builder
	for {
		part, err := r.in.ReadSlice('\n')
		out.Write(part)
		if err != bufio.ErrBufferFull {
			return out.String(), err
		}
		if out.Len() > largestRecord {
			return "", fmt.Errorf("line %d has more than %d MiB", r.line-1, largestRecord>>20)
		}
	}
}

// next returns the fields of the next row and its line; nil at the end. A row that is damaged costs its first line: reading goes on
// with the line after that.
func (r *records) next(c *columns) (fields []string, line int, err error) {
	var lines []string
	var record strings.Builder
	line = r.line
	for quotes := 0; ; {
		text, err := r.take()
		if err != nil && err != io.EOF {
			return nil, line, err
		}
		if strings.TrimSpace(text) == "" && len(lines) == 0 {
			if err == io.EOF {
				return nil, line, nil
			}
			line = r.line
			continue
		}
		if text != "" {
			lines = append(lines, text)
			record.WriteString(text)
		}
		if quotes += strings.Count(text, `"`); quotes%2 == 0 || err == io.EOF || record.Len() > largestRecord {
			break
		}
	}
	fields, err = split(record.String(), c.separator)
	if err == nil && len(fields) != c.count {
		err = fmt.Errorf("the row has %d columns, not %d", len(fields), c.count)
	}
	if err != nil {
		r.pending = append(lines[1:len(lines):len(lines)], r.pending...)
		r.line = line + 1
		return nil, line, damage{err}
	}
	return fields, line, nil
}
