package windows

import (
	"strings"

	"ventriloquist/internal/messages"
)

// linesOf returns the lines that a message becomes, and their "reply_to". A reaction to something without words has none.
func linesOf(m *messages.WindowMessage) (quote *string, lines []string) {
	quote = replyQuote(m)
	if m.Kind == messages.Reaction && quote == nil {
		return nil, nil
	}
	return quote, splitMessage(m.Text, m.Kind)
}

// splitMessage returns the lines that a message becomes; none if it has no words. A text is split at LF, CR and CR LF, but not
// at U+2028 or U+2029; white space around a line is removed, and empty lines are dropped. Any other message is one line: line
// breaks in a description or transcript become spaces.
func splitMessage(words string, kind messages.Kind) []string {
	words = strings.ReplaceAll(words, objectReplacement, "")
	if kind == messages.Text && !strings.ContainsAny(words, "\r\n") {
		return nonEmpty(strings.TrimSpace(words))
	}
	lines := strings.FieldsFunc(words, func(r rune) bool { return r == '\n' || r == '\r' })
	kept := lines[:0]
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			kept = append(kept, line)
		}
	}
	if kind == messages.Text {
		return kept
	}
	return nonEmpty(strings.Join(kept, " "))
}

// objectReplacement marks the position of an attachment in a text; the attachment is a message of its own.
const objectReplacement = "\uFFFC"

func nonEmpty(line string) []string {
	if line == "" {
		return nil
	}
	return []string{line}
}

// replyQuote returns the "reply_to" of a message; nil if it answers nothing or something without words.
func replyQuote(m *messages.WindowMessage) *string {
	if !m.Replies {
		return nil
	}
	lines := splitMessage(m.QuotedText, m.QuotedKind)
	if len(lines) == 0 {
		return nil
	}
	quote := Quote(lines[0])
	return &quote
}
