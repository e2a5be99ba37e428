package windows

import (
	"encoding/json"
	"errors"
	"fmt"
)

// parseRow reads one row of a window file. Keys are told apart as JSON does, by every letter; of a key that occurs
// twice the last counts.
func parseRow(row []byte) (text []byte, targets int, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(row, &fields); err != nil {
		return nil, 0, fmt.Errorf("not a JSON object: %w", err)
	}
	raw, ok := fields["text"]
	var s *string
	if !ok || json.Unmarshal(raw, &s) != nil || s == nil {
		return nil, 0, errors.New(`no string "text"`)
	}
	targets = 1
	if raw, ok := fields["targets"]; ok {
		if json.Unmarshal(raw, &targets) != nil || targets < 1 {
			return nil, 0, fmt.Errorf(`"targets" is %s, not a whole number from 1 up`, raw)
		}
	}
	return []byte(*s), targets, nil
}

// appendRow appends the row of a window file: text is escaped already, targets is left out where it is the usual 1.
func appendRow(dst, escapedText []byte, targets int) []byte {
	dst = append(dst, `{"text": "`...)
	dst = append(dst, escapedText...)
	dst = append(dst, '"')
	if targets > 1 {
		dst = fmt.Appendf(dst, `, "targets": %d`, targets)
	}
	return append(dst, "}\n"...)
}
