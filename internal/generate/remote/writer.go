package remote

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
)

// server is one kind of server. Its methods may be called by several goroutines at once.
type server interface {
	// complete continues a prompt and streams the text, until stream reports that no more is wanted: then the error is errEnough.
	complete(ctx context.Context, r *request, stream func(text string) (goesOn bool)) (reply, error)
	// logProb returns the log probability of a text after a prompt.
	logProb(ctx context.Context, prompt, text string) (float64, error)
	// logProbs returns how likely each of several texts is after the prompt and the texts before it.
	logProbs(ctx context.Context, prompt string, texts []string) ([]Likelihood, error)
	// promptTokens returns the length of a prompt, 0 if the server does not say.
	promptTokens(prompt string) int
	// restricts reports whether the server keeps to the grammar, so that what it writes may be shown at once.
	restricts() bool
}

// request is what to write.
type request struct {
	prompt  string
	seed    int64
	options *generate.Options
	grammar string // "" for none
}

// stop returns the texts that end the answer.
func (r *request) stop() []string {
	if r.options.SeveralLines {
		return nil
	}
	return []string{"\n"}
}

// reply is what a server wrote.
type reply struct {
	text    string
	tokens  int
	prompt  int  // tokens of the prompt; 0 if it does not say
	reached bool // the most tokens, before the end of the line
}

// Writer writes messages on a server. It implements generate.Writer, and several goroutines may use it at once.
type Writer struct{ server server }

// tries is how often a message is drawn until the grammar accepts it.
const tries = 8

// Check refuses options that no server has.
func Check(o *generate.Options) error {
	switch {
	case o.MinNewTokens > 0:
		return usererr.Usage("%v does not go with %v: servers have no such option", usererr.Option("min_new_tokens"), usererr.Option("backend"))
	case o.RepetitionPenalty != 0 && o.RepetitionPenalty != 1:
		return usererr.Usage("%v does not go with %v: a server's penalty would also count the conversation and the line around the text",
			usererr.Option("repetition_penalty"), usererr.Option("backend"))
	}
	return nil
}

// Write implements generate.Writer: one continuation after the other. Continuation i has the seed of the options plus i.
func (w *Writer) Write(ctx context.Context, c *generate.Conversation, as string, n int, o generate.Options, s generate.Stream) ([]generate.Continuation, error) {
	var done []generate.Continuation
	for i := range n {
		d := draft{server: w.server, options: &o, number: o.First + i, whole: true}
		if s != nil {
			d.stream = func(text string) bool {
				s(i, []byte(text))
				return true
			}
		}
		one, err := d.write(ctx, c.Prompt(as))
		if err != nil {
			return done, err
		}
		one.Text, one.Stopped = append(one.Text, '\n'), generate.EndOfLine
		done = append(done, one)
	}
	return done, nil
}

// Continue writes one continuation of a prompt, until the stream wants no more. The tokens of the stream are texts without ids. A
// message that reaches the most tokens before its end is cut off.
func (w *Writer) Continue(ctx context.Context, prompt string, number int, o generate.Options, s generate.TokenStream) (generate.Continuation, error) {
	d := draft{server: w.server, options: &o, number: number, stream: func(text string) bool { return s(generate.Token{Text: []byte(text)}) }}
	return d.write(ctx, prompt)
}

// NextSpeaker implements generate.Writer.
func (w *Writer) NextSpeaker(ctx context.Context, c *generate.Conversation, names []string) ([]float64, error) {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = generate.Prefill(name)
	}
	share, err := w.Choose(ctx, c.Lines(), texts)
	if errors.Is(err, ErrUnsupported) {
		err = usererr.With(fmt.Errorf("%w, so it cannot choose who speaks", err), "say who answers: /target NAME")
	}
	return share, err
}

// BytesPerToken is an estimate on the safe side: of lines in English it is 3.5.
const BytesPerToken = 3

// PromptTokens implements generate.Writer.
func (w *Writer) PromptTokens(c *generate.Conversation, as string) int {
	prompt := c.Prompt(as)
	if n := w.server.promptTokens(prompt); n > 0 {
		return n
	}
	return w.EstimateTokens(prompt)
}

// EstimateTokens is about how many tokens a prompt has.
func (w *Writer) EstimateTokens(prompt string) int { return len(prompt) / BytesPerToken }

// special are the texts that servers read as Qwen's special tokens.
var special = regexp.MustCompile(`<(\|[a-z_]+\||/?(?:think|tool_call|tool_response))>`)

// withoutSpecialTokens writes such a text in a message with an escape, which in JSON is the same text.
func withoutSpecialTokens(prompt string) string {
	return special.ReplaceAllString(prompt, `\u003c$1>`)
}
