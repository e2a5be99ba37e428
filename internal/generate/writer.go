package generate

import (
	"bytes"
	"context"
	"errors"
)

// Writer writes the next message of a conversation. A Generator does so on the engine, remote.Writer on a server.
type Writer interface {
	// Write writes n continuations of the prompt for a message by as. When ctx is done it returns what there is, with ctx's error.
	Write(ctx context.Context, c *Conversation, as string, n int, o Options, s Stream) ([]Continuation, error)
	// NextSpeaker returns, for each of the names, the probability that its person writes next, among these names.
	NextSpeaker(ctx context.Context, c *Conversation, names []string) ([]float64, error)
	// PromptTokens is the length of the prompt, or an estimate of it.
	PromptTokens(c *Conversation, as string) int
}

// ErrUnwritten is in the errors of a Writer that failed to write this message and may write the next.
var ErrUnwritten = errors.New("the message was not written")

// Write implements Writer.
func (g *Generator) Write(ctx context.Context, c *Conversation, as string, n int, o Options, s Stream) ([]Continuation, error) {
	return g.Continue(ctx, c.Tokens(g.tokenizer, as), n, o, s)
}

// PromptTokens implements Writer.
func (g *Generator) PromptTokens(c *Conversation, as string) int {
	return len(c.Tokens(g.tokenizer, as))
}

// IsLine reports whether the grammar of lines accepts what was written after the prefill, up to the end of the line. The end may
// be missing if nothing else is.
func IsLine(written []byte) bool {
	line, _, _ := bytes.Cut(written, []byte{'\n'})
	return stateAfter(append(bytes.Clone(line), '\n')) == endState
}

// BeginsLine reports whether a line that the grammar accepts can begin with what was written after the prefill.
func BeginsLine(written []byte) bool { return stateAfter(written) != dead }

func stateAfter(written []byte) state {
	at := startState
	for _, b := range written {
		if at = lineGrammar.step(at, b); at == dead {
			break
		}
	}
	return at
}
