package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/joho/godotenv"

	"ventriloquist/internal/usererr"
)

// parseDotEnv reads a .env file as editors save it: with a byte order mark, as UTF-16, with curly quotes around a value. Its errors
// quote nothing of the file, which holds keys.
func parseDotEnv(data []byte) (map[string]string, error) {
	text := decodeUnicode(data)
	switch {
	case bytes.HasPrefix(text, []byte(`{\rtf`)):
		return nil, badDotEnv("it is rich text (RTF), not plain text", "in TextEdit choose Format > Make Plain Text, and save it again")
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		return nil, badDotEnv("it is a document of a word processor, not plain text", "save it as plain text")
	case bytes.IndexByte(text, 0) >= 0:
		return nil, badDotEnv("it is not a text file", "write it with a text editor: one NAME=value per line")
	}
	lines := strings.SplitAfter(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	for i, line := range lines {
		straight, ok := straighten(line)
		if !ok {
			return nil, badDotEnv(fmt.Sprintf("line %d has a curly quote on one side of its value", i+1), `write straight quotes: NAME="value"`)
		}
		lines[i] = straight
	}
	if cause := checkSettings(lines); cause != "" {
		return nil, badDotEnv(cause, oneAssignment)
	}
	values, err := godotenv.Unmarshal(strings.Join(lines, ""))
	if err != nil {
		return nil, badDotEnv("it is not valid", oneAssignment)
	}
	return values, nil
}

const oneAssignment = "write one NAME=value per line, and put values with spaces in quotes"

func badDotEnv(cause, advice string) error {
	return usererr.With(fmt.Errorf("cannot read %s: %s", dotEnvPath(), cause), "%s", advice)
}

// decodeUnicode returns a text without its byte order mark, in UTF-8.
func decodeUnicode(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xef, 0xbb, 0xbf}):
		return data[3:]
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return data
	}
	var units []uint16
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, order.Uint16(data[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// An assignment whose value begins or ends with a curly quote.
var (
	curlyAssignment = regexp.MustCompile(`^(\s*(?:export\s+)?[\w.]+\s*[=:]\s*)[“”„‟«»‘’‚‛](.*)[“”„‟«»‘’‚‛](\s*)$`)
	halfAssignment  = regexp.MustCompile(`^\s*(?:export\s+)?[\w.]+\s*[=:]\s*(?:[“”„‟«»‘‚‛].*|["'][^"']*[“”„‟«»])\s*$`)
)

// straighten turns curly quotes around the value of a line into straight ones, and reports whether the value has quotes on both
// sides or none.
func straighten(line string) (straight string, ok bool) {
	if m := curlyAssignment.FindStringSubmatch(line); m != nil {
		value := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(m[2])
		return m[1] + `"` + value + `"` + m[3], true
	}
	return line, !halfAssignment.MatchString(line)
}
