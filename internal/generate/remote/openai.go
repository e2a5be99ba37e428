package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
)

// openAI is a server with OpenAI's /v1/completions: vLLM, LM Studio, llama-cpp-python and others. Fields that OpenAI's own does not have
// are left out once a server has refused them.
type openAI struct {
	client *client
	path   string // that ends in /v1
	model  string
	plain  atomic.Bool // only OpenAI's own fields
	// oneByOne: the server has broken off an answer, as llama-cpp-python's does when the next request comes.
	oneByOne atomic.Bool
	turn     chan struct{} // holds a value while a request is answered, if oneByOne
}

// errBrokenOff is in the errors of answers that end without a reason.
var errBrokenOff = errors.New("it broke off the message: it may write only one at a time")

func newOpenAI(ctx context.Context, c *client, path, model string) (server, error) {
	var list struct{ Data []struct{ ID string } }
	if model == "" {
		if err := c.get(ctx, path+"/models", &list); err != nil {
			return nil, c.described(err)
		}
	}
	var names []string
	for _, m := range list.Data {
		names = append(names, m.ID)
	}
	model, err := only(model, names)
	return &openAI{client: c, path: path, model: model, turn: make(chan struct{}, 1)}, err
}

type completionRequest struct {
	Model       string   `json:"model"`
	Prompt      string   `json:"prompt"`
	MaxTokens   int      `json:"max_tokens"`
	Temperature float64  `json:"temperature"`
	TopP        float64  `json:"top_p"`
	Seed        int64    `json:"seed"`
	Stop        []string `json:"stop,omitempty"`
	Stream      bool     `json:"stream"`
	Echo        bool     `json:"echo,omitempty"`
	LogProbs    int      `json:"logprobs,omitempty"`
	// Fields of vLLM, llama.cpp and llama-cpp-python.
	TopK    *int     `json:"top_k,omitempty"`
	MinP    *float64 `json:"min_p,omitempty"`
	Penalty *float64 `json:"repeat_penalty,omitempty"`
	Grammar string   `json:"grammar,omitempty"`
}

type completionReply struct {
	Choices []struct {
		Text     string      `json:"text"`
		Finish   string      `json:"finish_reason"`
		LogProbs *tokenProbs `json:"logprobs"`
	} `json:"choices"`
	Error json.RawMessage `json:"error"`
}

// tokenProbs are the natural logs of the probabilities of tokens.
type tokenProbs struct {
	Tokens  []*float64           `json:"token_logprobs"`
	Top     []map[string]float64 `json:"top_logprobs"`
	Offsets []int                `json:"text_offset"` // in characters
}

func (s *openAI) restricts() bool { return false }

func (s *openAI) complete(ctx context.Context, r *request, stream func(text string) bool) (reply, error) {
	if s.oneByOne.Load() {
		select {
		case s.turn <- struct{}{}:
			defer func() { <-s.turn }()
		case <-ctx.Done():
			return reply{}, ctx.Err()
		}
	}
	return s.completeNow(ctx, r, stream)
}

// completeNow is complete without waiting for others.
func (s *openAI) completeNow(ctx context.Context, r *request, stream func(text string) bool) (reply, error) {
	o, one := r.options, 1.0
	q := completionRequest{Model: s.model, Prompt: r.prompt, MaxTokens: o.MaxNewTokens, Temperature: o.Temperature, TopP: o.TopP, Seed: r.seed,
		Stop: r.stop(), Stream: true}
	if !s.plain.Load() {
		q.TopK, q.MinP, q.Penalty, q.Grammar = &o.TopK, &o.MinP, &one, r.grammar
	}
	done, err := s.read(ctx, q, stream)
	var refused *statusError
	if q.TopK != nil && errors.As(err, &refused) && (refused.status == http.StatusBadRequest || refused.status == http.StatusUnprocessableEntity) {
		s.plain.Store(true)
		return s.completeNow(ctx, r, stream)
	}
	return done, err
}

// read reads an answer as it is written. A token is an event, as far as the server says.
func (s *openAI) read(ctx context.Context, q completionRequest, stream func(text string) bool) (reply, error) {
	text := written{client: s.client, stream: stream}
	var done reply
	ended := false
	err := s.client.stream(ctx, s.path+"/completions", q, func(event []byte) (bool, error) {
		var part completionReply
		if err := json.Unmarshal(event, &part); err != nil {
			return false, s.client.cutOff(ctx, err)
		}
		if part.Error != nil && string(part.Error) != "null" {
			return false, fmt.Errorf("%w: %s says: %s", generate.ErrUnwritten, s.client.address.Host(), shortened(string(part.Error)))
		}
		if len(part.Choices) == 0 {
			return false, nil // such as the usage
		}
		done.tokens++
		done.reached = part.Choices[0].Finish == "length"
		ended = ended || part.Choices[0].Finish != ""
		return false, text.add(part.Choices[0].Text)
	})
	done.text = text.String()
	if err == nil && !ended && !generate.IsLine([]byte(done.text)) {
		s.oneByOne.Store(true)
		err = fmt.Errorf("%w: %s: %w", generate.ErrUnwritten, s.client.address.Host(), errBrokenOff)
	}
	return done, err
}

// logProb asks for the probabilities of a prompt that ends with the text.
func (s *openAI) logProb(ctx context.Context, prompt, text string) (float64, error) {
	sums, err := s.logProbs(ctx, prompt, []string{text})
	if err != nil {
		return 0, err
	}
	return sums[0].LogProb, nil
}

// logProbs asks for the probabilities of a prompt that ends with texts.
func (s *openAI) logProbs(ctx context.Context, prompt string, texts []string) ([]Likelihood, error) {
	var whole completionReply
	err := s.client.post(ctx, s.path+"/completions", completionRequest{Model: s.model, Prompt: prompt + strings.Join(texts, ""), MaxTokens: 1, TopP: 1, Echo: true, LogProbs: 1},
		&whole, s.client.patience)
	if err != nil || len(whole.Choices) == 0 || whole.Choices[0].LogProbs == nil {
		return nil, errors.Join(unsupported(s.client.address.Host()), err)
	}
	tokens := whole.Choices[0].LogProbs
	sums := make([]Likelihood, len(texts))
	from := utf8.RuneCountInString(prompt)
	for i, text := range texts {
		to := from + utf8.RuneCountInString(text)
		sums[i] = tokens.between(from, to)
		if _, err := finite(sums[i].LogProb, s.client); err != nil {
			return nil, err
		}
		if sums[i].Tokens == 0 {
			return nil, unsupported(s.client.address.Host())
		}
		from = to
	}
	if tokens.shifted(from) {
		return nil, usererr.With(fmt.Errorf("%w (it gives the log-probabilities of other tokens)", unsupported(s.client.address.Host())),
			"llama-cpp-python does so with models that have no token for the beginning of a text; vLLM gives the right ones")
	}
	return sums, nil
}

// between adds up the tokens that begin between two characters.
func (t *tokenProbs) between(from, to int) (sum Likelihood) {
	for i, offset := range t.Offsets {
		if offset >= from && offset < to && i < len(t.Tokens) && t.Tokens[i] != nil {
			sum.LogProb += *t.Tokens[i]
			sum.Tokens++
		}
	}
	return sum
}

// shifted reports whether each token has the probability that it would have once more after itself. The one that was written after the
// prompt, whose length this is, was the likeliest: it must have the highest probability in its place.
func (t *tokenProbs) shifted(prompt int) bool {
	const rounding = 0.01
	if len(t.Top) == 0 {
		return false
	}
	for i, offset := range t.Offsets {
		if offset < prompt || i >= min(len(t.Tokens), len(t.Top)) || t.Tokens[i] == nil {
			continue
		}
		for _, other := range t.Top[i] {
			if other > *t.Tokens[i]+rounding {
				return true
			}
		}
		return false
	}
	return true // it is not there
}

func (s *openAI) promptTokens(string) int { return 0 }
