package windows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"ventriloquist/internal/jsonfields"
)

// parseRow parses one row of a window file. Keys match exactly, as in JSON, and the last of a repeated key counts.
func parseRow(row []byte) (text []byte, targets int, err error) {
	if text, targets, ok := parsePlainRow(row); ok {
		return text, targets, nil
	}
	return parseAnyRow(row)
}

// parseAnyRow parses a row in any form.
func parseAnyRow(row []byte) (text []byte, targets int, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(row, &fields); err != nil {
		return nil, 0, fmt.Errorf("not a JSON object: %w", jsonfields.InWords(err))
	}
	raw, ok := fields["text"]
	var s *string
	if !ok || json.Unmarshal(raw, &s) != nil || s == nil {
		return nil, 0, errors.New(`"text" is missing or not a string`)
	}
	targets = 1
	if raw, ok := fields["targets"]; ok {
		if json.Unmarshal(raw, &targets) != nil || targets < 1 {
			return nil, 0, fmt.Errorf(`"targets" is %s, not a positive integer`, raw)
		}
	}
	return []byte(*s), targets, nil
}

// parsePlainRow parses, ten times faster, the rows that appendRow and Python write: "text" first, then at most "targets", and
// no \u escapes. ok is false for anything else.
func parsePlainRow(row []byte) (text []byte, targets int, ok bool) {
	rest, ok := bytes.CutPrefix(row, []byte(`{"text": "`))
	if !ok {
		return nil, 0, false
	}
	text, rest, ok = unescape(rest)
	if !ok {
		return nil, 0, false
	}
	targets = 1
	if number, given := bytes.CutPrefix(rest, []byte(`, "targets": `)); given {
		targets = 0
		for rest = number; len(rest) > 0 && '0' <= rest[0] && rest[0] <= '9' && targets < 1<<24; rest = rest[1:] {
			targets = 10*targets + int(rest[0]-'0')
		}
		if targets == 0 || number[0] == '0' {
			return nil, 0, false
		}
	}
	rest = bytes.TrimSuffix(rest, []byte{'\n'})
	return text, targets, len(rest) == 1 && rest[0] == '}'
}

// unescape reads a JSON string after its opening quote, and returns what follows the closing one. ok is false for \u escapes
// and invalid UTF-8.
func unescape(in []byte) (text, rest []byte, ok bool) {
	text = make([]byte, 0, len(in))
	from := 0 // in[from:i] needs no change
	for i := 0; i < len(in); i++ {
		switch b := in[i]; {
		case b >= 0x20 && b != '"' && b != '\\':
		case b == '"':
			text = append(text, in[from:i]...)
			return text, in[i+1:], utf8.Valid(text)
		case b == '\\' && i+1 < len(in) && unescaped[in[i+1]] != 0:
			text = append(text, in[from:i]...)
			text = append(text, unescaped[in[i+1]])
			i++
			from = i + 1
		default:
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// unescaped is what a letter after a backslash stands for; 0 for letters that form no escape.
var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// appendRow appends a row of a window file. The text is already escaped; "targets" is omitted if it is 1.
func appendRow(dst, escapedText []byte, targets int) []byte {
	dst = append(dst, `{"text": "`...)
	dst = append(dst, escapedText...)
	dst = append(dst, '"')
	if targets > 1 {
		dst = fmt.Appendf(dst, `, "targets": %d`, targets)
	}
	return append(dst, "}\n"...)
}
