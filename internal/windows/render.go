package windows

import (
	"slices"
	"time"
	"unicode/utf8"

	"ventriloquist/internal/messages"
)

// Message is one line of a window.
type Message struct {
	Name        string
	Delta       string  // one of Deltas: the time since the previous message
	ReplyTo     *string // the text it answers or reacts to, cut by Quote; nil is null
	ContentType string  // one of ContentTypes
	Text        string
}

// Deltas are the values of "delta", in ascending order.
var Deltas = []string{"<1m", "<5m", "<1h", "<12h", "<1d", "1d+"}

// ContentTypes are the values of "content_type".
var ContentTypes = contentTypes(messages.Text, messages.Image, messages.Video, messages.Audio, messages.Document,
	messages.Reaction, messages.File, messages.Contact, messages.Location)

func contentTypes(kinds ...messages.Kind) []string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = kind.String()
	}
	return names
}

// Delta returns the delta of a message sent this long after the previous one; "<1m" for zero and negative times.
func Delta(since time.Duration) string {
	switch {
	case since < time.Minute:
		return "<1m"
	case since < 5*time.Minute:
		return "<5m"
	case since < time.Hour:
		return "<1h"
	case since < 12*time.Hour:
		return "<12h"
	case since < 24*time.Hour:
		return "<1d"
	}
	return "1d+"
}

// quoteLength is the number of code points quoted from an answered message.
const quoteLength = 50

// Quote returns the "reply_to" of a reply to text: its first 50 code points, and "..." if it has more.
func Quote(text string) string {
	n := 0
	for at := range text {
		if n == quoteLength {
			return text[:at] + "..."
		}
		n++
	}
	return text
}

// Header is the first line of a window.
type Header struct {
	Type    string   // "dm" or "group"
	Members []string // sorted
	Start   string   // 2024-03-15, the UTC date of the first message in the window
}

// NewHeader returns the header of a conversation between members, in any order, that starts on a date in the form of
// StartDate. An empty kind stands for "dm" with two members and "group" with more.
func NewHeader(kind string, members []string, start string) Header {
	_, sorted := conversationKey(members)
	if kind == "" {
		kind = "group"
		if len(sorted) <= 2 {
			kind = "dm"
		}
	}
	return Header{Type: kind, Members: sorted, Start: start}
}

// StartDate formats the "start" of a header: the UTC date of the first message.
func StartDate(first time.Time) string { return first.UTC().Format(time.DateOnly) }

// AppendHeader appends the header line, with its newline.
func AppendHeader(dst []byte, h Header) []byte {
	dst = append(dst, `{"type": `...)
	dst = AppendString(dst, h.Type)
	dst = append(dst, `, "members": `...)
	dst = appendNames(dst, h.Members)
	dst = append(dst, `, "start": `...)
	dst = AppendString(dst, h.Start)
	return append(dst, "}\n"...)
}

// appendNames appends a JSON array of names.
func appendNames(dst []byte, names []string) []byte {
	dst = append(dst, '[')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = AppendString(dst, name)
	}
	return append(dst, ']')
}

// AppendMessage appends the line of a message, with its newline.
func AppendMessage(dst []byte, m *Message) []byte {
	dst = append(dst, `{"name": `...)
	dst = AppendString(dst, m.Name)
	dst = append(dst, `, "delta": `...)
	dst = AppendString(dst, m.Delta)
	dst = append(dst, `, "reply_to": `...)
	if m.ReplyTo == nil {
		dst = append(dst, "null"...)
	} else {
		dst = AppendString(dst, *m.ReplyTo)
	}
	dst = append(dst, `, "content_type": `...)
	dst = AppendString(dst, m.ContentType)
	dst = append(dst, `, "text": `...)
	dst = AppendString(dst, m.Text)
	return append(dst, "}\n"...)
}

// escaped[b] is true if byte b cannot stand for itself in a JSON string or begins a sequence that needs checking.
var escaped = func() (table [256]bool) {
	for b := range 256 {
		table[b] = b < 0x20 || b == '"' || b == '\\' || b >= utf8.RuneSelf
	}
	return table
}()

// AppendString appends s as a JSON string exactly as Python's json.dumps(s, ensure_ascii=False) writes it: quotes, the
// backslash and the control characters below U+0020 are escaped, and nothing else (not /, <, U+007F or U+2028). Each
// byte that is not part of valid UTF-8 becomes U+FFFD.
func AppendString[S string | []byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// appendEscaped is AppendString without the quotes.
func appendEscaped[S string | []byte](dst []byte, s S) []byte {
	dst = slices.Grow(dst, len(s)+len(s)/8)
	from := 0 // s[from:i] needs no change
	for i := 0; i < len(s); {
		b := s[i]
		if !escaped[b] {
			i++
			continue
		}
		if b >= utf8.RuneSelf {
			size := validRune(s, i)
			if size > 0 {
				i += size
				continue
			}
			dst = append(dst, s[from:i]...)
			dst = append(dst, "\uFFFD"...)
		} else {
			dst = append(dst, s[from:i]...)
			dst = appendControl(dst, b)
		}
		i++
		from = i
	}
	return append(dst, s[from:]...)
}

// validRune returns the length of the UTF-8 sequence at s[i:]; 0 if it is invalid.
func validRune[S string | []byte](s S, i int) int {
	r, size := utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
	if r != utf8.RuneError || size > 1 {
		return size
	}
	return 0
}

func appendControl(dst []byte, b byte) []byte {
	const hex = "0123456789abcdef"
	switch b {
	case '"', '\\':
		return append(dst, '\\', b)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
}
