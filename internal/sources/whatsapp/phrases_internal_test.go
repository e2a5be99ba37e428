package whatsapp

import (
	"strings"
	"testing"
)

// A text that needs no folding is recognized as such.
func TestFold_LeavesOnlyFoldedTextsAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "a", "a b", " a", "a ", "a  b", "a\tb", "a\nb", "A b", "a.", "a. ", "a b。", "\u200ea", "é b", "\x7f a", "a\u00a0b", "... a ..."} {
		if want := strings.TrimRight(strings.ToLower(strings.Join(strings.Fields(withoutMarks(text)), " ")), ".。 "); fold(text) != want {
			t.Errorf("%q becomes %q, want %q", text, fold(text), want)
		}
	}
}

// Notices are found by their first byte, or without one if they begin with a name.
func TestIsNotice_AnyBeginning(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": false, "john created this group": true, "you created this group": true, "you blocked this contact. tap to change": true,
		"wachten op dit bericht": true, "ожидание сообщения": true, "john created this group!": false, "created": false} {
		if got := isNotice(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
