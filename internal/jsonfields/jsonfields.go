// Package jsonfields reads JSON objects field by field, so that errors name the file and the field and say what it should be.
//
// In: the bytes of a file or line. Out: values, or the first error. It must not know: what the fields mean.
package jsonfields

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"ventriloquist/internal/usererr"
)

// Fields reads the values of one JSON object by name. It keeps the first error, which names the file and the field, and
// returns zero values, so that the caller can read everything and call Err once.
type Fields struct {
	path   string
	prefix string // such as "rope_parameters.", inside that object
	raw    map[string]json.RawMessage
	err    error
	parent *Fields
}

// Parse parses an object; path is for errors. Field names match exactly, unlike those of structs in encoding/json.
func Parse(path string, content []byte) (*Fields, error) {
	f := &Fields{path: path}
	if err := json.Unmarshal(content, &f.raw); err != nil {
		return nil, fmt.Errorf("%s: %w", path, Describe(content, err))
	}
	if f.raw == nil {
		return nil, fmt.Errorf("%s: not a JSON object", path)
	}
	return f, nil
}

// Describe adds the line to a syntax error.
func Describe(content []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset := min(int(syntax.Offset), len(content))
		return fmt.Errorf("line %d: bad JSON: %w", 1+strings.Count(string(content[:offset]), "\n"), err)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("expected a JSON object, found %s", kind.Value)
	}
	return err
}

// Err returns the first error.
func (f *Fields) Err() error { return f.err }

// Raw returns a field as written in the file, shortened if it is long, for error messages.
func (f *Fields) Raw(key string) string { return abridge(f.raw[key]) }

// Names lists the fields, sorted.
func (f *Fields) Names() []string { return slices.Sorted(maps.Keys(f.raw)) }

// Wrong records an error about a field, unless there is already an error.
func (f *Fields) Wrong(key, format string, args ...any) {
	f.record(fmt.Errorf("%s: %s%s: %s", f.path, f.prefix, key, fmt.Sprintf(format, args...)))
}

// record keeps an error here and in the enclosing objects.
func (f *Fields) record(err error) {
	for at := f; at != nil; at = at.parent {
		if at.err == nil {
			at.err = err
		}
	}
}

// Has reports whether a field is present and not null.
func (f *Fields) Has(key string) bool {
	raw, ok := f.raw[key]
	return ok && string(raw) != "null"
}

// Decode reads a field into out; what describes the expected value.
func (f *Fields) Decode(key, what string, out any) bool {
	if !f.Has(key) {
		f.Wrong(key, "missing; it should be %s", what)
		return false
	}
	if err := json.Unmarshal(f.raw[key], out); err != nil {
		f.Wrong(key, "%s is not %s", f.Raw(key), what)
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

// Text reads a required string.
func (f *Fields) Text(key string) (s string) {
	f.Decode(key, "a string", &s)
	return s
}

// TextOr reads an optional string.
func (f *Fields) TextOr(key, otherwise string) string {
	if !f.Has(key) {
		return otherwise
	}
	return f.Text(key)
}

// Texts reads a list of strings, and reports whether it is present.
func (f *Fields) Texts(key string) (list []string, ok bool) {
	ok = f.Has(key) && f.Decode(key, "a list of strings", &list)
	return list, ok
}

// Bool reads an optional boolean.
func (f *Fields) Bool(key string, otherwise bool) bool {
	if !f.Has(key) {
		return otherwise
	}
	var b bool
	f.Decode(key, "true or false", &b)
	return b
}

// Number reads a required number.
func (f *Fields) Number(key string) (x float64) {
	f.Decode(key, "a number", &x)
	return x
}

// Positive reads a positive number that fits a float32.
func (f *Fields) Positive(key string) float64 {
	var x float64
	if f.Decode(key, "a positive number", &x) && !(x > 0 && x <= math.MaxFloat32) {
		f.Wrong(key, "%s is not a positive number up to %g", f.Raw(key), float32(math.MaxFloat32))
	}
	return x
}

// Integer reads a required integer. It accepts 128.0 for 128, as Python's readers of such files do.
func (f *Fields) Integer(key string) int {
	var x float64
	if !f.Decode(key, "an integer", &x) {
		return 0
	}
	if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		f.Wrong(key, "%s is not an integer", f.Raw(key))
		return 0
	}
	return int(x)
}

// Size reads an integer from 1 to limit.
func (f *Fields) Size(key string, limit int) int {
	n := f.Integer(key)
	if f.Has(key) && (n < 1 || n > limit) {
		f.Wrong(key, "%s is not between 1 and %d", f.Raw(key), limit)
		return 0
	}
	return n
}

// SizeOr reads an optional integer from 1 to limit.
func (f *Fields) SizeOr(key string, limit, otherwise int) int {
	if !f.Has(key) {
		return otherwise
	}
	return f.Size(key, limit)
}

// Indexes reads an integer from 0 or a list of them; a missing field is an empty list. what is for errors: "a token id".
func (f *Fields) Indexes(key, what string) []int {
	if !f.Has(key) {
		return nil
	}
	var ids []int
	if json.Unmarshal(f.raw[key], &ids) != nil {
		ids = []int{f.Integer(key)}
	}
	for _, id := range ids {
		if id < 0 {
			f.Wrong(key, "%d is not %s", id, what)
		}
	}
	return ids
}

// Object returns the fields of an inner object; nil if it is missing or not an object.
func (f *Fields) Object(key string) *Fields {
	if !f.Has(key) {
		return nil
	}
	inner := &Fields{path: f.path, prefix: f.prefix + key + ".", parent: f}
	if !f.Decode(key, "an object", &inner.raw) {
		return nil
	}
	return inner
}

// Unsupported records that the value of a field is not supported, unless there is already an error.
func (f *Fields) Unsupported(key, value, advice string) {
	f.record(usererr.With(fmt.Errorf("%s: %s%s is %s, which is not supported", f.path, f.prefix, key, value), "%s", advice))
}
