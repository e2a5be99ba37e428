// Package usererr carries advice with an error: what the user can do about it.
//
// An error is made where the file, line or row is known, and names them; the hint says what to do next. cmd/vqctl prints
// both, once, as
//
//	vqctl: contacts.jsonl:3: "John" is listed twice
//	hint: merge the two lines into one
//
// Options are named by their fields (Option, Field): how a user spells them is the command line's business.
//
// Style: no capital at the start, no full stop at the end, input quoted with %q.
package usererr

import (
	"errors"
	"fmt"
)

type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// With returns err with advice attached. A nil err stays nil.
func With(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err: err, hint: fmt.Sprintf(format, args...)}
}

// Of returns the advice of the outermost hinted error in err's chain, or "".
func Of(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.hint
	}
	return ""
}

// ErrUsage marks an error as wrong usage of the command line: vqctl ends with status 2.
var ErrUsage = errors.New("wrong usage")

type usage struct{ msg string }

func (u *usage) Error() string        { return u.msg }
func (u *usage) Is(target error) bool { return target == ErrUsage }

// Usage returns an error that matches ErrUsage.
func Usage(format string, args ...any) error {
	return &usage{msg: fmt.Sprintf(format, args...)}
}
