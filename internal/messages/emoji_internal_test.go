package messages

import (
	"testing"
	"unicode/utf8"
)

func TestTodaysEmoji_OfIPhonesBefore2011(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "",
		"plain":                       "plain",
		"hi \ue415\ue057!":            "hi 😄😃!",
		"\ue001\ue04a\ue106\ue022":    "👦☀️😍❤️",
		"\ue421\ue00e":                "👎👍",
		"\ue537":                      "™️",
		"\ue50a \ue538 \ue000 \ue05b": "\ue50a \ue538 \ue000 \ue05b", // none of them
		"\uf8ff":                      "\uf8ff",
		"\ufffd \xee":                 "\ufffd \ufffd",
	} {
		if got := todaysEmoji(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	n := 0
	for _, block := range privateEmoji {
		for _, emoji := range block {
			if n++; emoji != "-" && (!utf8.ValidString(emoji) || todaysEmoji(emoji) != emoji) {
				t.Errorf("%q is no emoji of today", emoji)
			}
		}
	}
	if n != 471 {
		t.Errorf("%d characters are known", n)
	}
}
