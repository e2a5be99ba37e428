package lines_test

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"ventriloquist/internal/lines"
)

func TestSkipMark_OnlyAtBeginning(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "a": "a", "\uFEFF": "", "\uFEFFa\uFEFF": "a\uFEFF", "\uFEFF\uFEFF": "\uFEFF", "\xEF\xBB": "\xEF\xBB", " \uFEFF": " \uFEFF"} {
		in := bufio.NewReader(strings.NewReader(text))
		n, err := lines.SkipMark(in)
		rest, failure := io.ReadAll(in)
		if err != nil || failure != nil || string(rest) != want || int(n) != len(text)-len(want) {
			t.Errorf("behind the mark of %q is %q, after %d bytes (%v, %v)", text, rest, n, err, failure)
		}
		if got := lines.WithoutMark([]byte(text)); string(got) != want {
			t.Errorf("%q without its mark is %q", text, got)
		}
	}
}
