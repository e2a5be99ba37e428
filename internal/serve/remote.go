package serve

import (
	"context"
	"net/http"
	"sync"

	"ventriloquist/internal/generate"
)

// Remote writes with the model of another server; *remote.Writer does.
type Remote interface {
	// Continue writes one continuation of a prompt, until the stream wants no more. The number selects its random numbers.
	Continue(ctx context.Context, prompt string, number int, o generate.Options, s generate.TokenStream) (generate.Continuation, error)
	// EstimateTokens is about how many tokens a prompt has. It asks no one.
	EstimateTokens(prompt string) int
}

// prompt is what a model reads: tokens, or a text for the model of another server.
type prompt struct {
	ids    []int32
	text   string
	length int // in tokens; of a text an estimate
}

// promptOf returns the prompt for a text, whose lines are encoded by themselves.
func (m *Model) promptOf(lines ...string) (p prompt) {
	if m.Remote != nil {
		for _, line := range lines {
			p.text += line
		}
		p.length = m.Remote.EstimateTokens(p.text)
		return p
	}
	for _, line := range lines {
		p.ids = m.Tokenizer.AppendEncodeOrdinary(p.ids, line)
	}
	p.length = len(p.ids)
	return p
}

// remote reports whether another server writes the answers.
func (s *Server) remote() bool { return s.options.Models[0].Remote != nil }

// refuseIfRemote refuses what other servers cannot do, if one writes the answer.
func (q *request) refuseIfRemote(s *Server, f *fields) {
	if !s.remote() {
		return
	}
	const why = "another server writes the answers, and would also count the words around the text"
	p := &q.sampling
	switch {
	case p.RepetitionPenalty != 0 && p.RepetitionPenalty != 1:
		f.refuse("repetition_penalty", "unsupported_value", "'repetition_penalty' must be 1: %s", why)
	case p.FrequencyPenalty != 0:
		f.refuse("frequency_penalty", "unsupported_value", "'frequency_penalty' must be 0: %s", why)
	case p.PresencePenalty != 0:
		f.refuse("presence_penalty", "unsupported_value", "'presence_penalty' must be 0: %s", why)
	case len(p.Bias) > 0:
		f.refuse("logit_bias", "unsupported_value", "'logit_bias' is not supported: another server writes the answers, with tokens of its own")
	case q.logProbs:
		f.refuse("logprobs", "unsupported_value", "'logprobs' is not supported: another server writes the answers")
	}
}

// startRemote begins to write the continuations of a task. The scheduler holds its lock.
func (s *scheduler) startRemote(t *task) {
	var ctx context.Context
	ctx, t.stop = context.WithCancel(context.Background())
	s.writing.Go(func() {
		defer t.stop()
		t.writeRemote(ctx, s.failed)
		s.ended(t)
	})
}

// writeRemote writes the continuations of a task, all at the same time, until one fails.
func (t *task) writeRemote(ctx context.Context, report func(error)) {
	var all sync.WaitGroup
	for i := range t.job.N {
		all.Go(func() {
			c, err := t.model.Remote.Continue(ctx, t.prompt.text, i, t.job.Options, t.job.Token(i))
			switch {
			case err == nil:
				t.answer.counted(c.Prompt)
				t.job.Done(i, c)
			case ctx.Err() == nil: // neither dropped nor another one's fault
				report(err)
				t.answer.fail(failed(http.StatusBadGateway, "server_error", "backend", "%v", err))
				t.stop()
			}
		})
	}
	all.Wait()
}

// ended removes a task that has been written.
func (s *scheduler) ended(t *task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(t)
	s.wake()
}
