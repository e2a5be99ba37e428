// Package lazyregexp has regular expressions that are compiled when they are first used: commands that use none of a hundred
// do not wait for them.
//
// In: an expression, as a variable of a package. Out: the same, compiled. It must not know: what it finds.
package lazyregexp

import (
	"regexp"
	"sync"
)

// Regexp is a regular expression. It is safe for concurrent use.
type Regexp struct {
	compiled func() *regexp.Regexp
}

// New returns an expression. One that is wrong panics when it is first used, so tests must use each.
func New(pattern string) *Regexp {
	return &Regexp{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })}
}

// Get returns the compiled expression.
func (r *Regexp) Get() *regexp.Regexp { return r.compiled() }
