package chat

import (
	"fmt"
	"strings"

	"ventriloquist/internal/windows"
)

// Format is a message as people read it: `John <5m>: hey`, with what it is when it is no plain text.
func Format(m *windows.Message) string { return formatAuthor(m) + ": " + Printable(m.Text) }

// formatAuthor is what stands before the text of a shown message.
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
	return fmt.Sprintf("%s <%s>%s", Printable(m.Name), strings.TrimPrefix(m.Delta, "<"), note)
}

// Printable takes out control characters, which could make a terminal do things.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 {
			return -1
		}
		return r
	}, text)
}
