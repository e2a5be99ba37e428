package generate

import (
	"fmt"
	"slices"

	"ventriloquist/internal/windows"
)

// Conversation is what the model knows of a conversation: a header and messages, oldest first.
type Conversation struct {
	Header   windows.Header
	Messages []windows.Message
}

// NewHeader describes a conversation of these people and of the one who is to write. An empty kind is dm for two and
// group for more.
func NewHeader(kind string, members []string, as, start string) windows.Header {
	sorted := append(slices.Clone(members), as)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	if kind == "" {
		kind = "group"
		if len(sorted) <= 2 {
			kind = "dm"
		}
	}
	return windows.Header{Type: kind, Members: sorted, Start: start}
}

// Prefill is the beginning of a line, up to where its author begins to write: `{"name": "John", "`.
func Prefill(as string) string {
	return string(append(windows.AppendString([]byte(`{"name": `), as), `, "`...))
}

// ParseContinuation reads what a model wrote after the prefill of `as`.
func ParseContinuation(as string, written []byte) (windows.Message, error) {
	m, err := windows.ParseMessage(append([]byte(Prefill(as)), written...))
	if err != nil {
		return m, fmt.Errorf("what the model wrote is not a message: %w", err)
	}
	return m, nil
}

// lines are the texts that the prompt for a message of `as` consists of.
func (c *Conversation) lines(as string) []string {
	lines := []string{string(windows.AppendHeader(nil, c.Header))}
	for i := range c.Messages {
		lines = append(lines, string(windows.AppendMessage(nil, &c.Messages[i])))
	}
	return append(lines, Prefill(as))
}

// Prompt is the text that the model reads before it writes a message of `as`.
func (c *Conversation) Prompt(as string) string {
	var text []byte
	for _, line := range c.lines(as) {
		text = append(text, line...)
	}
	return string(text)
}

// Encoder turns text into ids, special tokens read as the ordinary text they are spelled with.
type Encoder interface {
	AppendEncodeOrdinary(dst []int32, text string) []int32
}

// Tokens are the ids of Prompt, each line encoded by itself, as in training.
func (c *Conversation) Tokens(e Encoder, as string) []int32 {
	var ids []int32
	for _, line := range c.lines(as) {
		ids = e.AppendEncodeOrdinary(ids, line)
	}
	return ids
}
