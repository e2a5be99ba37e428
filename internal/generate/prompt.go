package generate

import (
	"fmt"
	"strings"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/windows"
)

// Conversation is the part of a conversation that the model sees: a header and messages, oldest first.
type Conversation struct {
	Header   windows.Header
	Messages []windows.Message
	Recall   Recall // nil: the model was trained without memories
}

// Recall returns the lines of the memories that stand after the header, given the messages and who writes next, "" if that is not known.
type Recall func(h windows.Header, before []windows.Message, as string) []string

// Prefill returns the beginning of a line, up to where its author begins to write: `{"name": "John", "`.
func Prefill(as string) string {
	return string(append(windows.AppendString([]byte(`{"name": `), as), `, "`...))
}

// ParseContinuation parses what a model wrote after the prefill of as.
func ParseContinuation(as string, written []byte) (windows.Message, error) {
	m, err := windows.ParseMessage(append([]byte(Prefill(as)), written...))
	if err != nil {
		return m, fmt.Errorf("the model did not write a message: %w", err)
	}
	return m, nil
}

// PromptLines returns the pieces of the prompt for a message by as, which are encoded by themselves.
func (c *Conversation) PromptLines(as string) []string {
	lines := []string{string(windows.AppendHeader(nil, c.Header))}
	if c.Recall != nil {
		lines = append(lines, c.Recall(c.Header, c.Messages, as)...)
	}
	for i := range c.Messages {
		lines = append(lines, string(windows.AppendMessage(nil, &c.Messages[i])))
	}
	return append(lines, Prefill(as))
}

// Lines returns the text of the header and the messages.
func (c *Conversation) Lines() string {
	lines := c.PromptLines("")
	return strings.Join(lines[:len(lines)-1], "")
}

// Prompt returns the text that the model reads before it writes a message by as.
func (c *Conversation) Prompt(as string) string {
	var text []byte
	for _, line := range c.PromptLines(as) {
		text = append(text, line...)
	}
	return string(text)
}

// Tokens returns the ids of Prompt. Each line is encoded by itself, as in training.
func (c *Conversation) Tokens(e batch.Encoder, as string) []int32 {
	var ids []int32
	for _, line := range c.PromptLines(as) {
		ids = e.AppendEncodeOrdinary(ids, line)
	}
	return ids
}
