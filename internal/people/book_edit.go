package people

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"ventriloquist/internal/lines"
)

// Addition gives somebody more addresses; somebody whom the file does not list yet gets a line of its own.
type Addition struct {
	Name string   `json:"contact"`
	IDs  []string `json:"ids"`
}

// Change is one line of the file as it was, empty for a new one, and as it is to be.
type Change struct {
	Number   int // of the line
	Old, New string
}

// AddContacts returns the contents of a contacts file with additions, and the lines that differ; everything else of the file
// stays byte for byte. What comes out is not checked: Read it.
func AddContacts(file []byte, additions []Addition) (added []byte, changes []Change, err error) {
	lines := splitLines(file)
	places := make(map[string]int) // line of a person
	for i, line := range lines {
		var p person
		if json.Unmarshal(trimLine(line, i), &p) == nil && p.Contact != "" {
			places[strings.TrimSpace(p.Contact)] = i
		}
	}
	for _, a := range additions {
		at, listed := places[a.Name]
		if !listed {
			line := newLine(a.Name, a.IDs)
			lines = append(lines, line)
			changes = append(changes, Change{len(lines), "", line})
			continue
		}
		old := lines[at]
		if lines[at], err = insertIDs(old, a.IDs); err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", at+1, err)
		}
		changes = append(changes, Change{at + 1, old, lines[at]})
	}
	out := strings.Join(lines, "\n")
	if len(lines) > 0 {
		out += "\n"
	}
	return []byte(out), changes, nil
}

// RemoveContact returns the contents of a contacts file without somebody's line.
func RemoveContact(file []byte, name string) (kept []byte, changed bool) {
	lines := splitLines(file)
	number := 0
	lines = slices.DeleteFunc(lines, func(line string) bool {
		var p person
		theirs := json.Unmarshal(trimLine(line, number), &p) == nil && strings.TrimSpace(p.Contact) == name
		number++
		changed = changed || theirs
		return theirs
	})
	out := strings.Join(lines, "\n")
	if len(lines) > 0 {
		out += "\n"
	}
	return []byte(out), changed
}

// splitLines are the lines of a file without their newlines; the last newline begins no line.
func splitLines(file []byte) []string {
	text := strings.TrimSuffix(string(file), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func trimLine(line string, number int) []byte {
	if number == 0 {
		line = lines.WithoutMark(line)
	}
	return bytes.TrimSpace([]byte(line))
}

// newLine is a line of the file, in the form of lineForm.
func newLine(name string, ids []string) string {
	return fmt.Sprintf(`{"contact": %s, "ids": [%s]}`, quote(name), quoteAll(ids))
}

func quoteAll(ids []string) string {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = quote(id)
	}
	return strings.Join(quoted, ", ")
}

// quote is a JSON string that leaves <, > and & as they are.
func quote(s string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// insertIDs puts ids behind those that a line has.
func insertIDs(line string, ids []string) (string, error) {
	end, empty, err := endOfIDs(line)
	if err != nil {
		return "", err
	}
	separator := ", "
	if empty {
		separator = ""
	}
	return line[:end] + separator + quoteAll(ids) + line[end:], nil
}

// endOfIDs is where the array "ids" of a line closes, and whether it is empty. Of several the last one counts, as it does
// for those who read the file.
func endOfIDs(line string) (end int, empty bool, err error) {
	skipped := len(line) - len(lines.WithoutMark(line))
	decoder := json.NewDecoder(strings.NewReader(line[skipped:]))
	var path []json.Delim
	atKey, key, last := false, "", json.Token(nil)
	for {
		token, err := decoder.Token()
		if err == io.EOF && end > 0 {
			return end, empty, nil
		}
		if err == io.EOF {
			return 0, false, errors.New(`there is no "ids"`)
		}
		if err != nil {
			return 0, false, err
		}
		switch delimiter, _ := token.(json.Delim); {
		case delimiter == '{' || delimiter == '[':
			path = append(path, delimiter)
			atKey = len(path) == 1
		case delimiter == '}' || delimiter == ']':
			path = path[:len(path)-1]
			if delimiter == ']' && len(path) == 1 && strings.EqualFold(key, "ids") {
				end, empty = skipped+int(decoder.InputOffset())-1, last == json.Delim('[')
			}
			atKey = len(path) == 1
		case len(path) == 1 && atKey:
			key, _ = token.(string)
			atKey = false
		case len(path) == 1:
			atKey = true
		}
		last = token
	}
}

// Missing are those of some ids that the book does not know yet, each address once.
func (b *Book) Missing(ids []string) []string {
	var missing, seen []string
	for _, id := range ids {
		address := b.Normalize(id)
		if _, listed := b.people[address]; !listed && !slices.Contains(seen, address) {
			missing, seen = append(missing, id), append(seen, address)
		}
	}
	return missing
}
