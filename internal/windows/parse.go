package windows

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"ventriloquist/internal/jsonfields"
)

// ParseMessage parses a line as AppendMessage writes it. Keys may come in any order, unknown keys are ignored, and missing
// keys leave their fields empty; but the line must be one JSON object from its first byte to its newline, with a name and a
// text.
func ParseMessage(line []byte) (Message, error) {
	var m struct {
		Name        *string
		Delta       string
		ReplyTo     *string
		ContentType string
		Text        *string
	}
	err := parseObject(line, map[string]any{"name": &m.Name, "delta": &m.Delta, "reply_to": &m.ReplyTo,
		"content_type": &m.ContentType, "text": &m.Text})
	if err != nil {
		return Message{}, err
	}
	if m.Name == nil {
		return Message{}, errors.New(`the message has no "name"`)
	}
	if m.Text == nil {
		return Message{}, errors.New(`the message has no "text"`)
	}
	return Message{Name: *m.Name, Delta: m.Delta, ReplyTo: m.ReplyTo, ContentType: m.ContentType, Text: *m.Text}, nil
}

// ParseHeader parses the first line of a window.
func ParseHeader(line []byte) (Header, error) {
	var h struct {
		Type    string
		Members *[]string
		Start   string
	}
	if err := parseObject(line, map[string]any{"type": &h.Type, "members": &h.Members, "start": &h.Start}); err != nil {
		return Header{}, err
	}
	if h.Members == nil {
		return Header{}, errors.New(`the header has no "members"`)
	}
	return Header{Type: h.Type, Members: *h.Members, Start: h.Start}, nil
}

// parseObject parses a JSON object that fills the line. The tokenizer may cut a window after every line only because lines
// begin with { and end with } and a newline.
func parseObject(line []byte, into map[string]any) error {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return fmt.Errorf("%s is not a JSON object", excerpt(line))
	}
	if err := jsonfields.ReadLine(line, into); err != nil {
		return fmt.Errorf("%s: %w", excerpt(line), err)
	}
	return nil
}

// excerpt quotes the beginning of a line for an error message.
func excerpt(line []byte) string {
	const length = 60
	if len(line) > length {
		return fmt.Sprintf("%q...", line[:length])
	}
	return fmt.Sprintf("%q", line)
}

// ValidDelta reports whether delta is one of Deltas.
func ValidDelta(delta string) bool { return slices.Contains(Deltas, delta) }

// ValidContentType reports whether t is one of ContentTypes.
func ValidContentType(t string) bool { return slices.Contains(ContentTypes, t) }
