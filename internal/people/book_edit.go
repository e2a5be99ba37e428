package people

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"ventriloquist/internal/charset"
	"ventriloquist/internal/lines"
)

// Addition is addresses to add to a person, who gets a new line if the file has none.
type Addition struct {
	Name string   `json:"contact"`
	IDs  []string `json:"ids"`
}

// Change is a changed line of the file: before, "" for a new line, and after.
type Change struct {
	Number   int // line number
	Old, New string
}

// AddContacts returns the contents of a contacts file with additions, and the changed lines; the rest of the file stays byte for
// byte the same. It does not check the result: use ReadBook.
func AddContacts(file []byte, additions []Addition) (added []byte, changes []Change, err error) {
	lines := splitLines(file)
	places := make(map[string]int) // line index of each person
	for i, line := range lines {
		var p person
		if json.Unmarshal(trimLine(line, i), &p) == nil && p.Contact != "" {
			places[strings.TrimSpace(p.Contact)] = i
		}
	}
	for _, a := range mergeAdditions(additions) {
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

// mergeAdditions joins the additions to one person, so that each line is changed once.
func mergeAdditions(additions []Addition) (merged []Addition) {
	places := make(map[string]int, len(additions))
	for _, a := range additions {
		at, known := places[a.Name]
		if !known {
			places[a.Name] = len(merged)
			merged = append(merged, Addition{a.Name, slices.Clone(a.IDs)})
			continue
		}
		merged[at].IDs = append(merged[at].IDs, a.IDs...)
	}
	return merged
}

// RemoveContact returns the contents of a contacts file without the line of a person.
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

// splitLines splits a file into lines without their newlines; there is no line after the last newline. A file that an editor saved
// in another encoding than UTF-8 is converted.
func splitLines(file []byte) []string {
	text := string(file)
	if !utf8.Valid(file) || charset.IsUTF16(file) {
		text, _ = charset.Decode(file)
	}
	text = strings.TrimSuffix(text, "\n")
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

// newLine returns a line of the file, in the form of lineExample.
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

// quote returns s as a JSON string that does not escape <, > and &.
func quote(s string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic(err) // encoding a string never fails
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// insertIDs appends ids to those of a line.
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

// endOfIDs returns the position where the array "ids" of a line ends, and whether the array is empty. The last of repeated
// arrays counts, as it does when the file is read.
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
			return 0, false, errors.New(`"ids" is missing`)
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

// Missing returns those ids that the book does not know, each address once.
func (b *Book) Missing(ids []string) []string {
	var missing []string
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		address := b.Normalize(id)
		if _, listed := b.people[address]; !listed && !seen[address] {
			missing = append(missing, id)
			seen[address] = true
		}
	}
	return missing
}
