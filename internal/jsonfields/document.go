package jsonfields

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxDocument is the size of the largest file of fields that is read: far above any configuration.
const MaxDocument = 16 << 20

// maxDepth is how deep objects and lists of a document may be nested.
const maxDepth = 64

// ParseDocument is Parse for a whole file. It also refuses repeated names, of which encoding/json would keep the last, and deep
// nesting.
func ParseDocument(path string, content []byte) (*Fields, error) {
	f, err := Parse(path, content)
	if err != nil {
		return nil, err
	}
	if err := CheckNames(content); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// level is an object or a list that CheckNames is in.
type level struct {
	names map[string]bool // of an object; nil for a list
	isKey bool            // the next token is a name
}

// CheckNames returns an error if an object in valid JSON repeats a name, or if the nesting is too deep.
func CheckNames(content []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var stack []level
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var top *level
		if len(stack) > 0 {
			top = &stack[len(stack)-1]
		}
		delimiter, isDelimiter := token.(json.Delim)
		if isDelimiter && (delimiter == '}' || delimiter == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if top != nil && top.names != nil {
			if top.isKey {
				name := token.(string)
				if top.names[name] {
					return fmt.Errorf("%q is there twice in one object", abridge([]byte(name)))
				}
				top.names[name], top.isKey = true, false
				continue
			}
			top.isKey = true
		}
		if !isDelimiter {
			continue
		}
		if len(stack) == maxDepth {
			return fmt.Errorf("nested deeper than %d levels", maxDepth)
		}
		next := level{}
		if delimiter == '{' {
			next = level{names: map[string]bool{}, isKey: true}
		}
		stack = append(stack, next)
	}
}

// IsEmpty reports whether a field is absent, null, false, 0, "", [] or {}.
func (f *Fields) IsEmpty(key string) bool {
	if !f.Has(key) {
		return true
	}
	var value any
	if json.Unmarshal(f.raw[key], &value) != nil {
		return false
	}
	switch v := value.(type) {
	case bool:
		return !v
	case float64:
		return v == 0
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
