package generate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"ventriloquist/internal/lines"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// contextForm is the advice for a line that cannot be read.
const contextForm = `a context line is a window line: {"name": "John", "delta": "<5m", "reply_to": null, "content_type": "text", "text": "hey"}`

// ReadContext reads window lines: an optional header (else nil) and messages, oldest first. Blank lines and memories are skipped. A
// message needs a name and a text; its delta defaults to "<1m", its content type to "text". The messages are rendered
// again for the prompt, so their spacing and escapes may differ from those of a window. name is for errors.
func ReadContext(in io.Reader, name string) (header *windows.Header, messages []windows.Message, err error) {
	_, err = lines.Each(context.Background(), in, name, func(number int64, line []byte) error {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			return nil
		}
		if windows.IsMemory(line) {
			return nil
		}
		var err error
		if isHeader(line) {
			if header != nil || len(messages) > 0 {
				err = errors.New("only the first line may be a header")
			} else {
				header, err = parseHeader(line)
			}
		} else {
			var m windows.Message
			m, err = parseContextMessage(line)
			messages = append(messages, m)
		}
		if err != nil {
			return usererr.With(fmt.Errorf("%s:%d: %w", name, number, err), contextForm)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return header, messages, nil
}

// isHeader reports whether a line is a header: it has members and no name.
func isHeader(line []byte) bool {
	var keys map[string]json.RawMessage
	return json.Unmarshal(line, &keys) == nil && keys["members"] != nil && keys["name"] == nil
}

func parseHeader(line []byte) (*windows.Header, error) {
	h, err := windows.ParseHeader(line)
	if err == nil && len(h.Members) == 0 {
		err = errors.New("the header has no members")
	}
	return &h, err
}

func parseContextMessage(line []byte) (windows.Message, error) {
	m, err := windows.ParseMessage(line)
	if err != nil {
		return m, err
	}
	if m.Delta == "" {
		m.Delta = windows.Deltas[0]
	}
	if m.ContentType == "" {
		m.ContentType = windows.ContentTypes[0]
	}
	switch {
	case m.Name == "":
		return m, errors.New("the name is empty")
	case strings.TrimSpace(m.Text) == "":
		return m, errors.New("the message has no text")
	case !windows.ValidDelta(m.Delta):
		return m, fmt.Errorf("delta %q is not one of %s", m.Delta, strings.Join(windows.Deltas, " "))
	case !windows.ValidContentType(m.ContentType):
		return m, fmt.Errorf("content type %q is not one of %s", m.ContentType, strings.Join(windows.ContentTypes, " "))
	}
	return m, nil
}

// ParseTypedMessage splits a message as people type it: `John: hey, you free?`. The name is the longest member that the line
// begins with, so that names may contain a colon; otherwise it ends at the first colon.
func ParseTypedMessage(line string, members []string) (name, text string, err error) {
	for _, m := range members {
		if rest, ok := strings.CutPrefix(line, m+":"); ok && len(m) > len(name) {
			name, text = m, rest
		}
	}
	if name == "" {
		name, text, _ = strings.Cut(line, ":")
	}
	name, text = strings.TrimSpace(name), strings.TrimSpace(text)
	if name == "" || text == "" {
		return "", "", usererr.With(fmt.Errorf("%q is not a message", line), "write NAME: TEXT, as in %q", "John: hey, you free tonight?")
	}
	return name, text, nil
}
