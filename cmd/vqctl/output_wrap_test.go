package main

import "testing"

// Errors, hints and notices fit the terminal; elsewhere they are single lines for scripts.
func TestFitLines_WrapsLongLinesOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		width      int
	}{
		{"one two three", "one two three", 0}, {"one two three", "one two three", 13}, {"one two three\na  table", "one two\nthree\na  table", 9},
		{"  indented text that is longer", "  indented text that is\n  longer", 24}, {"你好 你好", "你好\n你好", 6}, {"", "", 40},
	} {
		if got := fitLines(c.text, c.width); got != c.want {
			t.Errorf("%q in %d cells is %q, want %q", c.text, c.width, got, c.want)
		}
	}
}
