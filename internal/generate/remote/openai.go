package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"ventriloquist/internal/generate"
)

// openAI is a server with OpenAI's /v1/completions: vLLM, LM Studio, llama-cpp-python and others. Fields that OpenAI's own does not have
// are left out once a server has refused them.
type openAI struct {
	client *client
	path   string // that ends in /v1
	model  string
	plain  bool // only OpenAI's own fields
}

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
	return &openAI{client: c, path: path, model: model}, err
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
		Text     string `json:"text"`
		Finish   string `json:"finish_reason"`
		LogProbs *struct {
			Tokens  []*float64 `json:"token_logprobs"`
			Offsets []int      `json:"text_offset"` // in characters
		} `json:"logprobs"`
	} `json:"choices"`
	Error json.RawMessage `json:"error"`
}

func (s *openAI) restricts() bool { return false }

func (s *openAI) complete(ctx context.Context, r *request, stream func(text string)) (reply, error) {
	o, one := r.options, 1.0
	q := completionRequest{Model: s.model, Prompt: r.prompt, MaxTokens: o.MaxNewTokens, Temperature: o.Temperature, TopP: o.TopP, Seed: r.seed,
		Stop: []string{"\n"}, Stream: true}
	if !s.plain {
		q.TopK, q.MinP, q.Penalty, q.Grammar = &o.TopK, &o.MinP, &one, r.grammar
	}
	done, err := s.read(ctx, q, stream)
	var refused *statusError
	if errors.As(err, &refused) && (refused.status == http.StatusBadRequest || refused.status == http.StatusUnprocessableEntity) && !s.plain {
		s.plain = true
		return s.complete(ctx, r, stream)
	}
	return done, err
}

// read reads an answer as it is written. A token is an event, as far as the server says.
func (s *openAI) read(ctx context.Context, q completionRequest, stream func(text string)) (reply, error) {
	text := written{client: s.client, stream: stream}
	var done reply
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
		return false, text.add(part.Choices[0].Text)
	})
	done.text = text.String()
	return done, err
}

// logProb asks for the probabilities of a prompt that ends with the text.
func (s *openAI) logProb(ctx context.Context, prompt, text string) (sum float64, err error) {
	var whole completionReply
	err = s.client.post(ctx, s.path+"/completions", completionRequest{Model: s.model, Prompt: prompt + text, MaxTokens: 1, TopP: 1, Echo: true, LogProbs: 1}, &whole, s.client.patience)
	if err != nil || len(whole.Choices) == 0 || whole.Choices[0].LogProbs == nil {
		return 0, errors.Join(unsupported(s.client.address.Host()), err)
	}
	from := utf8.RuneCountInString(prompt)
	to := from + utf8.RuneCountInString(text)
	probs, found := whole.Choices[0].LogProbs, false
	for i, offset := range probs.Offsets {
		if offset >= from && offset < to && i < len(probs.Tokens) && probs.Tokens[i] != nil {
			sum += *probs.Tokens[i]
			found = true
		}
	}
	if !found {
		return 0, unsupported(s.client.address.Host())
	}
	return finite(sum, s.client)
}

func (s *openAI) promptTokens(string) int { return 0 }
