package remote

import (
	"context"
	"fmt"
	"math"
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

// Likelihood is how likely a text is.
type Likelihood struct {
	LogProb float64 // natural log
	Tokens  int     // of the text, by the server's tokenizer
}

// NextSpeaker implements generate.Writer.
func (w *Writer) NextSpeaker(ctx context.Context, c *generate.Conversation, names []string) ([]float64, error) {
	share := make([]float64, len(names))
	prompt := withoutSpecialTokens(c.Lines())
	highest := math.Inf(-1)
	for i, name := range names {
		if len(names) == 1 {
			break
		}
		var err error
		if share[i], err = w.server.logProb(ctx, prompt, withoutSpecialTokens(generate.Prefill(name))); err != nil {
			return nil, err
		}
		highest = max(highest, share[i])
	}
	sum := 0.0
	for i := range share {
		if len(names) == 1 {
			highest = 0
		}
		share[i] = math.Exp(share[i] - highest)
		sum += share[i]
	}
	for i := range share {
		share[i] /= sum
	}
	return share, nil
}

// bytesPerToken is an estimate on the safe side: of lines in English it is 3.5.
const bytesPerToken = 3

// PromptTokens implements generate.Writer.
func (w *Writer) PromptTokens(c *generate.Conversation, as string) int {
	prompt := c.Prompt(as)
	if n := w.server.promptTokens(prompt); n > 0 {
		return n
	}
	return w.EstimateTokens(prompt)
}

// EstimateTokens is about how many tokens a prompt has.
func (w *Writer) EstimateTokens(prompt string) int { return len(prompt) / bytesPerToken }

// special are the texts that servers read as Qwen's special tokens.
var special = regexp.MustCompile(`<(\|[a-z_]+\||/?(?:think|tool_call|tool_response))>`)

// withoutSpecialTokens writes such a text in a message with an escape, which in JSON is the same text.
func withoutSpecialTokens(prompt string) string {
	return special.ReplaceAllString(prompt, `\u003c$1>`)
}

// unsupported says that a server has no probabilities of texts.
func unsupported(name string) error {
	return usererr.With(fmt.Errorf("%w: %s does not say how likely a given text is, so it cannot choose who speaks", generate.ErrUnwritten, name),
		"say who answers: /target NAME")
}
