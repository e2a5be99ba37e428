package remote

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
)

// server is one kind of server.
type server interface {
	// complete continues a prompt and streams the text.
	complete(ctx context.Context, r *request, stream func(text string)) (reply, error)
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

// reply is what a server wrote.
type reply struct {
	text    string
	tokens  int
	reached bool // the most tokens, before the end of the line
}

// Writer writes messages on a server. It implements generate.Writer.
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
	if err := Check(&o); err != nil {
		return nil, fmt.Errorf("%w: %w", generate.ErrUnwritten, err)
	}
	prompt := withoutSpecialTokens(c.Prompt(as))
	var done []generate.Continuation
	for i := range n {
		one, err := w.writeOne(ctx, prompt, i, &o, s)
		if err != nil {
			return done, err
		}
		done = append(done, one)
	}
	return done, nil
}

// writeOne draws until the grammar accepts what was written.
func (w *Writer) writeOne(ctx context.Context, prompt string, i int, o *generate.Options, s generate.Stream) (generate.Continuation, error) {
	r := &request{prompt: prompt, options: o}
	if !o.Raw {
		r.grammar = generate.GBNF()
	}
	live := s != nil && (o.Raw || w.server.restricts())
	var begun time.Time // the first text, which comes with the prompt
	ended := false      // the line
	stream := func(text string) {
		if begun.IsZero() {
			begun = time.Now()
		}
		if !live || ended {
			return
		}
		if text, _, ended = strings.Cut(text, "\n"); text != "" {
			s(i, []byte(text))
		}
	}
	var last reply
	for try := range tries {
		if try > 0 && (o.Temperature == 0 || live) {
			break // the same again, or shown already
		}
		r.seed = seedOf(o.Seed, o.First+i, try)
		begun = time.Time{}
		var err error
		if last, err = w.server.complete(ctx, r, stream); err != nil {
			return generate.Continuation{Text: []byte(last.text)}, err
		}
		line, _, _ := bytes.Cut([]byte(last.text), []byte{'\n'})
		if o.Raw || generate.IsLine(line) {
			if s != nil && !live {
				s(i, line)
			}
			return generate.Continuation{Text: append(line, '\n'), Tokens: last.tokens, Decode: time.Since(begun), Stopped: generate.EndOfLine}, nil
		}
	}
	err := fmt.Errorf("%w: the server did not write a well-formed message: %.200q", generate.ErrUnwritten, last.text)
	if last.reached {
		return generate.Continuation{}, usererr.With(err, "it was cut off after %d tokens: raise %v", o.MaxNewTokens, usererr.Option("max_new_tokens"))
	}
	return generate.Continuation{}, usererr.With(err, "use a model that was trained on this form: vqctl export writes one")
}

// seedOf is the seed of a continuation: 31 bits, which every server takes.
func seedOf(seed uint64, continuation, try int) int64 {
	seed ^= seed >> 32
	return int64((seed + uint64(continuation) + uint64(try)<<20) & math.MaxInt32)
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
	return len(prompt) / bytesPerToken
}

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
