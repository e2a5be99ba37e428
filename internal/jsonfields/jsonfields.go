// Package jsonfields reads one JSON object of a configuration file field by field, so that an error names the file and
// the field and says what it should be.
//
// In: the file's bytes. Out: values, or the first error. It knows nothing of what the fields mean.
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

// Fields reads the values of one JSON object by name. The first error is kept, with the file and the field named, and
// the zero value returned; so a caller reads everything and asks Err once.
type Fields struct {
	path   string
	prefix string // "rope_parameters." inside that object
	raw    map[string]json.RawMessage
	err    error
	parent *Fields
}

// Parse reads an object; path is for errors. Names are exact, which encoding/json's are not for structs.
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
		return fmt.Errorf("a JSON object was expected, not this %s", kind.Value)
	}
	return err
}

// Err is the first error.
func (f *Fields) Err() error { return f.err }

// Raw is a field as it stands in the file, shortened if it is long; for messages.
func (f *Fields) Raw(key string) string { return abridge(f.raw[key]) }

// Names lists the fields, sorted.
func (f *Fields) Names() []string { return slices.Sorted(maps.Keys(f.raw)) }

// Wrong records an error about a field, unless there is one already.
func (f *Fields) Wrong(key, format string, args ...any) {
	f.record(fmt.Errorf("%s: %s%s: %s", f.path, f.prefix, key, fmt.Sprintf(format, args...)))
}

// record keeps an error here and in the objects around.
func (f *Fields) record(err error) {
	for at := f; at != nil; at = at.parent {
		if at.err == nil {
			at.err = err
		}
	}
}

// Has says whether a field is there and not null.
func (f *Fields) Has(key string) bool {
	raw, ok := f.raw[key]
	return ok && string(raw) != "null"
}

// Decode reads a field into out; what says in words what it should be.
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

// Text reads a string that must be there.
func (f *Fields) Text(key string) (s string) {
	f.Decode(key, "a string", &s)
	return s
}

// TextOr reads a string that may be missing.
func (f *Fields) TextOr(key, otherwise string) string {
	if !f.Has(key) {
		return otherwise
	}
	return f.Text(key)
}

// Texts reads a list of strings, and says whether it is there.
func (f *Fields) Texts(key string) (list []string, ok bool) {
	ok = f.Has(key) && f.Decode(key, "a list of strings", &list)
	return list, ok
}

// Bool reads a truth value that may be missing.
func (f *Fields) Bool(key string, otherwise bool) bool {
	if !f.Has(key) {
		return otherwise
	}
	var b bool
	f.Decode(key, "true or false", &b)
	return b
}

// Number reads a number that must be there.
func (f *Fields) Number(key string) (x float64) {
	f.Decode(key, "a number", &x)
	return x
}

// Positive reads a number over 0 that fits a float32.
func (f *Fields) Positive(key string) float64 {
	var x float64
	if f.Decode(key, "a number over 0", &x) && !(x > 0 && x <= math.MaxFloat32) {
		f.Wrong(key, "%s is not a number over 0", f.Raw(key))
	}
	return x
}

// Integer takes 128 and 128.0, since both mean the same to Python's readers of such files.
func (f *Fields) Integer(key string) int {
	var x float64
	if !f.Decode(key, "a whole number", &x) {
		return 0
	}
	if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		f.Wrong(key, "%s is not a whole number", f.Raw(key))
		return 0
	}
	return int(x)
}

// Size reads a whole number from 1 to limit.
func (f *Fields) Size(key string, limit int) int {
	n := f.Integer(key)
	if f.Has(key) && (n < 1 || n > limit) {
		f.Wrong(key, "%s is not between 1 and %d", f.Raw(key), limit)
		return 0
	}
	return n
}

// SizeOr reads such a number that may be missing.
func (f *Fields) SizeOr(key string, limit, otherwise int) int {
	if !f.Has(key) {
		return otherwise
	}
	return f.Size(key, limit)
}

// IDs reads a number or a list of numbers; a missing field is an empty list.
func (f *Fields) IDs(key string) []int {
	if !f.Has(key) {
		return nil
	}
	var ids []int
	if json.Unmarshal(f.raw[key], &ids) != nil {
		ids = []int{f.Integer(key)}
	}
	for _, id := range ids {
		if id < 0 {
			f.Wrong(key, "%d is not a token id", id)
		}
	}
	return ids
}

// Object returns the fields of an inner object, nil if it is missing or not an object.
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

// Unsupported records that a field asks for something that is not implemented, unless there is an error already.
func (f *Fields) Unsupported(key, value, advice string) {
	f.record(usererr.With(fmt.Errorf("%s: %s%s is %s, which is not supported", f.path, f.prefix, key, value), "%s", advice))
}
