package messages

import (
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

const (
	// sameTime is how far the clocks of two programs differ: some write whole seconds.
	sameTime = int64(2 * time.Second)
	minute   = int64(time.Minute)
)

// sameWords reports whether texts differ only in how letters are composed, and in white space around them.
func sameWords(a, b string) bool {
	return a == b || plainWords(a) == plainWords(b)
}

// plainWords returns the form of a text in which sameWords compares it.
func plainWords(text string) string { return strings.TrimSpace(norm.NFC.String(text)) }

// sameMoment reports whether two dates may be the time of one message. Some exports tell minutes, where the database of the same
// program tells seconds.
func sameMoment(earlier, later int64, oneProgram bool) bool {
	return later-earlier < sameTime || oneProgram && tellsMinutes(earlier) && earlier == later-later%minute
}

func tellsMinutes(date int64) bool { return date%minute == 0 }
