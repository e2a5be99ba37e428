package windows

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// MemoryLine is a line about an earlier message of the same people. It stands between the header and the messages of a window.
type MemoryLine struct {
	Date string // 2023-07-01, the UTC date of the message
	Name string
	Text string
}

// memoryKey begins the line of a memory, and no other.
var memoryKey = []byte(`{"memory": `)

// AppendMemory appends the line of a memory, with its newline.
func AppendMemory(dst []byte, m *MemoryLine) []byte {
	dst = append(dst, memoryKey...)
	dst = AppendString(dst, m.Date)
	dst = append(dst, `, "name": `...)
	dst = AppendString(dst, m.Name)
	dst = append(dst, `, "text": `...)
	dst = AppendString(dst, m.Text)
	return append(dst, "}\n"...)
}

// IsMemory reports whether a line is that of a memory.
func IsMemory(line []byte) bool { return bytes.HasPrefix(line, memoryKey) }

// ParseMemory parses a line as AppendMemory writes it.
func ParseMemory(line []byte) (m MemoryLine, err error) {
	var date, name, text *string
	if err := parseObject(line, map[string]any{"memory": &date, "name": &name, "text": &text}); err != nil {
		return m, err
	}
	switch {
	case date == nil:
		return m, errors.New(`the memory has no date`)
	case name == nil || text == nil:
		return m, errors.New(`the memory needs a "name" and a "text"`)
	}
	if _, err := time.Parse(time.DateOnly, *date); err != nil {
		return m, fmt.Errorf("the memory's date %q is not in the form of 2023-07-01", *date)
	}
	return MemoryLine{*date, *name, *text}, nil
}

// cutMemory divides the lines after a header into those of memories, and the messages.
func cutMemory(lines [][]byte) (memory, messages [][]byte) {
	n := 0
	for n < len(lines) && IsMemory(lines[n]) {
		n++
	}
	return lines[:n:n], lines[n:]
}
