package generate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// ReadContext reads window lines: messages, oldest first, and before them a header if there is one (else nil). Blank
// lines are skipped; a message needs a name and a text, without a delta it has "<1m", without a content type "text".
// What is read is rendered again for the prompt, so spacing and escapes need not be those of a window. name is for
// errors.
func ReadContext(in io.Reader, name string) (*windows.Header, []windows.Message, error) {
	var header *windows.Header
	var messages []windows.Message
	lines := bufio.NewReader(in)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, fmt.Errorf("cannot read %s: %w", name, err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			bad := func(problem error) error {
				return usererr.With(fmt.Errorf("%s:%d: %w", name, number, problem),
					`a context line is a window line: {"name": "John", "delta": "<5m", "reply_to": null, "content_type": "text", "text": "hey"}`)
			}
			if isHeader(line) {
				if header != nil || len(messages) > 0 {
					return nil, nil, bad(errors.New("a header stands only at the beginning"))
				}
				h, problem := parseHeader(line)
				if problem != nil {
					return nil, nil, bad(problem)
				}
				header = &h
			} else {
				m, problem := parseContextMessage(line)
				if problem != nil {
					return nil, nil, bad(problem)
				}
				messages = append(messages, m)
			}
		}
		if err != nil {
			return header, messages, nil
		}
	}
}

// isHeader says whether a line is the first one of a window: it has members and no name.
func isHeader(line []byte) bool {
	var keys map[string]json.RawMessage
	return json.Unmarshal(line, &keys) == nil && keys["members"] != nil && keys["name"] == nil
}

func parseHeader(line []byte) (windows.Header, error) {
	h, err := windows.ParseHeader(line)
	if err != nil {
		return h, err
	}
	if len(h.Members) == 0 {
		return h, errors.New("the header has no members")
	}
	return h, nil
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
		return m, fmt.Errorf("delta %q is none of %s", m.Delta, strings.Join(windows.Deltas, " "))
	case !windows.ValidContentType(m.ContentType):
		return m, fmt.Errorf("content type %q is none of %s", m.ContentType, strings.Join(windows.ContentTypes, " "))
	}
	return m, nil
}

// ParseTypedMessage splits a message as people type it, `John: hey, you free?`. The name may be any of the members, so that
// names with a colon work; otherwise it ends at the first colon.
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
