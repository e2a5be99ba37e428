package lines_test

import (
	"testing"

	"ventriloquist/internal/lines"
)

func TestWithoutMark_OnlyAtBeginning(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "a": "a", "\uFEFF": "", "\uFEFFa\uFEFF": "a\uFEFF", "\uFEFF\uFEFF": "\uFEFF", "\xEF\xBB": "\xEF\xBB", " \uFEFF": " \uFEFF"} {
		if got := lines.WithoutMark([]byte(text)); string(got) != want {
			t.Errorf("%q without its mark is %q", text, got)
		}
	}
}
