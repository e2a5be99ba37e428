package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// fields reads the values of one JSON object by name. The first error is kept in err, with the file and the field
// named, and the zero value returned; so a caller reads everything and looks once.
type fields struct {
	path   string
	prefix string // "rope_parameters." inside that object
	raw    map[string]json.RawMessage
	err    error
	parent *fields
}

// parseFields keeps to exact names, which encoding/json does not do for structs.
func parseFields(path string, content []byte) (*fields, error) {
	f := &fields{path: path}
	if err := json.Unmarshal(content, &f.raw); err != nil {
		return nil, fmt.Errorf("%s: %w", path, describeJSON(content, err))
	}
	if f.raw == nil {
		return nil, fmt.Errorf("%s: not a JSON object", path)
	}
	return f, nil
}

// describeJSON adds the line to a syntax error.
func describeJSON(content []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset := min(int(syntax.Offset), len(content))
		return fmt.Errorf("line %d: bad JSON: %w", 1+strings.Count(string(content[:offset]), "\n"), err)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("not a JSON object, but a %s", kind.Value)
	}
	return err
}

// wrong records an error about a field, unless there is one already.
func (f *fields) wrong(key, format string, args ...any) {
	err := fmt.Errorf("%s: %s%s: %s", f.path, f.prefix, key, fmt.Sprintf(format, args...))
	for at := f; at != nil; at = at.parent {
		if at.err == nil {
			at.err = err
		}
	}
}

// has says whether a field is there and not null.
func (f *fields) has(key string) bool {
	raw, ok := f.raw[key]
	return ok && string(raw) != "null"
}

// decode reads a field into out; what says in words what it should be.
func (f *fields) decode(key, what string, out any) bool {
	if !f.has(key) {
		f.wrong(key, "missing; it should be %s", what)
		return false
	}
	if err := json.Unmarshal(f.raw[key], out); err != nil {
		f.wrong(key, "%s is not %s", abridge(f.raw[key]), what)
		return false
	}
	return true
}

func abridge(raw []byte) string {
	if len(raw) > 60 {
		return string(raw[:60]) + "…"
	}
	return string(raw)
}

func (f *fields) text(key string) (s string) {
	f.decode(key, "a string", &s)
	return s
}

func (f *fields) textOr(key, otherwise string) string {
	if !f.has(key) {
		return otherwise
	}
	return f.text(key)
}

// texts reads a list of strings, and says whether it is there.
func (f *fields) texts(key string) (list []string, ok bool) {
	return list, f.has(key) && f.decode(key, "a list of strings", &list)
}

func (f *fields) boolean(key string, otherwise bool) bool {
	if !f.has(key) {
		return otherwise
	}
	var b bool
	f.decode(key, "true or false", &b)
	return b
}

func (f *fields) number(key string) (x float64) {
	f.decode(key, "a number", &x)
	return x
}

func (f *fields) positive(key string) float64 {
	var x float64
	if f.decode(key, "a number over 0", &x) && !(x > 0 && x <= math.MaxFloat32) {
		f.wrong(key, "%s is not a number over 0", abridge(f.raw[key]))
	}
	return x
}

// integer takes 128 and 128.0, since both mean the same to Python's readers of such files.
func (f *fields) integer(key string) int {
	var x float64
	if !f.decode(key, "a whole number", &x) {
		return 0
	}
	if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		f.wrong(key, "%s is not a whole number", abridge(f.raw[key]))
		return 0
	}
	return int(x)
}

func (f *fields) size(key string, limit int) int {
	n := f.integer(key)
	if f.has(key) && (n < 1 || n > limit) {
		f.wrong(key, "%s is not between 1 and %d", abridge(f.raw[key]), limit)
		return 0
	}
	return n
}

func (f *fields) sizeOr(key string, otherwise int) int {
	if !f.has(key) {
		return otherwise
	}
	return f.size(key, maxDimension)
}

// tokenIDs reads a number or a list of numbers; a missing field is an empty list.
func (f *fields) tokenIDs(key string) []int {
	if !f.has(key) {
		return nil
	}
	var ids []int
	if json.Unmarshal(f.raw[key], &ids) != nil {
		ids = []int{f.integer(key)}
	}
	for _, id := range ids {
		if id < 0 {
			f.wrong(key, "%d is not a token id", id)
		}
	}
	return ids
}

// object returns the fields of an inner object, nil if it is missing or not an object.
func (f *fields) object(key string) *fields {
	if !f.has(key) {
		return nil
	}
	inner := &fields{path: f.path, prefix: f.prefix + key + ".", parent: f}
	if !f.decode(key, "an object", &inner.raw) {
		return nil
	}
	return inner
}
