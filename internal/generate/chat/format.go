package chat

import (
	"fmt"
	"strings"

	"ventriloquist/internal/windows"
)

// Format returns a message for people to read: `John, 5 min later: hey`, with its content type unless it is plain text.
func Format(m *windows.Message) string { return formatAuthor(m) + ": " + Printable(m.Text) }

// formatAuthor returns what Format puts before the text.
func formatAuthor(m *windows.Message) string {
	var notes []string
	if m.ContentType != "text" {
		notes = append(notes, m.ContentType)
	}
	if m.ReplyTo != nil {
		notes = append(notes, fmt.Sprintf("to “%s”", Printable(*m.ReplyTo)))
	}
	note := ""
	if len(notes) > 0 {
		note = " (" + strings.Join(notes, " ") + ")"
	}
	return Printable(m.Name) + later[m.Delta] + note
}

// later says in words how long after the message before a message was written, by its delta.
var later = map[string]string{
	"<5m": ", 5 min later", "<1h": ", within the hour", "<12h": ", hours later", "<1d": ", within a day", "1d+": ", a day or more later",
}

// Printable removes control characters, which could make a terminal do things.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 {
			return -1
		}
		return r
	}, text)
}
