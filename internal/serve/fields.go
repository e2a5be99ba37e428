package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// maxBody is the size of the largest request in bytes.
const maxBody = 4 << 20

// readTimeout is how long a request may take to arrive.
const readTimeout = 30 * time.Second

// fields are the members of a JSON object of a request. The first that is wrong sets err; null is as good as absent.
type fields struct {
	raw    map[string]json.RawMessage
	prefix string // of names in errors: "messages[2]."
	err    *apiError
}

// readFields reads the body of a request.
func readFields(w http.ResponseWriter, r *http.Request) (*fields, *apiError) {
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(readTimeout))
	defer control.SetReadDeadline(time.Time{})
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, failed(http.StatusRequestEntityTooLarge, "invalid_request_error", "request_too_large", "the request is larger than %d bytes", maxBody)
	case err != nil:
		return nil, failed(http.StatusRequestTimeout, "invalid_request_error", "", "the request did not arrive completely")
	case !utf8.Valid(body):
		return nil, invalid("", "", "the request is not valid UTF-8")
	}
	f := &fields{}
	if err := json.Unmarshal(body, &f.raw); err != nil || f.raw == nil {
		return nil, invalid("", "", "the request is not a JSON object")
	}
	return f, nil
}

// get returns a member, nil if it is absent or null.
func (f *fields) get(name string) json.RawMessage {
	v := bytes.TrimSpace(f.raw[name])
	if len(v) == 0 || string(v) == "null" {
		return nil
	}
	return v
}

func (f *fields) refuse(name, code, format string, args ...any) {
	if f.err == nil {
		f.err = invalid(f.prefix+name, code, format, args...)
	}
}

func (f *fields) wrongType(name, want string) {
	f.refuse(name, "invalid_type", "'%s' must be %s", f.prefix+name, want)
}

// value decodes a member and reports whether it is there.
func (f *fields) value(name, want string, into any) bool {
	v := f.get(name)
	if v == nil {
		return false
	}
	if json.Unmarshal(v, into) != nil {
		f.wrongType(name, want)
		return false
	}
	return true
}

func (f *fields) text(name string) (s string) {
	f.value(name, "a string", &s)
	return s
}

func (f *fields) boolean(name string) (b bool) {
	f.value(name, "a boolean", &b)
	return b
}

// number sets a number from lo to hi and reports whether it is there.
func (f *fields) number(name string, lo, hi float64, into *float64) bool {
	var v float64
	if !f.value(name, "a number", &v) {
		return false
	}
	if !(v >= lo && v <= hi) {
		f.refuse(name, "invalid_value", "'%s' must be from %g to %g", f.prefix+name, lo, hi)
		return false
	}
	*into = v
	return true
}

// integer sets a whole number from lo to hi and reports whether it is there.
func (f *fields) integer(name string, lo, hi int, into *int) bool {
	var v float64
	if !f.value(name, "an integer", &v) {
		return false
	}
	if v != math.Trunc(v) {
		f.wrongType(name, "an integer")
		return false
	}
	if v < float64(lo) || v > float64(hi) {
		f.refuse(name, "invalid_value", "'%s' must be from %d to %d", f.prefix+name, lo, hi)
		return false
	}
	*into = int(v)
	return true
}

// strings decodes a string or an array of strings.
func (f *fields) strings(name string) []string {
	v := f.get(name)
	if v == nil {
		return nil
	}
	var one string
	if json.Unmarshal(v, &one) == nil {
		return []string{one}
	}
	var all []string
	if json.Unmarshal(v, &all) != nil || strings.Contains(string(v), "null") && len(all) == 0 {
		f.wrongType(name, "a string or an array of strings")
	}
	return all
}
