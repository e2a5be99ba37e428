package generate

import (
	"fmt"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/windows"
)

// Conversation is what the model knows of a conversation: a header and messages, oldest first.
type Conversation struct {
	Header   windows.Header
	Messages []windows.Message
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

// Tokens are the ids of Prompt, each line encoded by itself, as in training.
func (c *Conversation) Tokens(e batch.Encoder, as string) []int32 {
	var ids []int32
	for _, line := range c.lines(as) {
		ids = e.AppendEncodeOrdinary(ids, line)
	}
	return ids
}
