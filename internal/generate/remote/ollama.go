package remote

import (
	"context"
	"encoding/json"
	"fmt"

	"ventriloquist/internal/generate"
)

// ollama is Ollama in raw mode: https://github.com/ollama/ollama/blob/main/docs/api.md. It has no grammar but JSON schemas of whole
// answers, and a line is the rest of an object that the prompt begins.
type ollama struct {
	client *client
	path   string
	model  string
}

func newOllama(ctx context.Context, c *client, path, model string) (server, error) {
	var tags struct{ Models []struct{ Name string } }
	if model == "" {
		if err := c.get(ctx, path+"/api/tags", &tags); err != nil {
			return nil, c.described(err)
		}
	}
	var names []string
	for _, m := range tags.Models {
		names = append(names, m.Name)
	}
	model, err := only(model, names)
	return &ollama{c, path, model}, err
}

type ollamaOptions struct {
	Temperature float64  `json:"temperature"`
	TopK        int      `json:"top_k"`
	TopP        float64  `json:"top_p"`
	MinP        float64  `json:"min_p"`
	Seed        int64    `json:"seed"`
	NumPredict  int      `json:"num_predict"`
	Penalty     float64  `json:"repeat_penalty"`
	Stop        []string `json:"stop,omitempty"`
	NumContext  int      `json:"num_ctx"`
}

type ollamaRequest struct {
	Model   string        `json:"model"`
	Prompt  string        `json:"prompt"`
	Raw     bool          `json:"raw"` // without the model's template
	Stream  bool          `json:"stream"`
	Options ollamaOptions `json:"options"`
}

type ollamaReply struct {
	Response string `json:"response"`
	Done     bool   `json:"done"`
	Reason   string `json:"done_reason"` // stop or length
	Count    int    `json:"eval_count"`
	Prompt   int    `json:"prompt_eval_count"`
	Error    string `json:"error"`
}

func (s *ollama) restricts() bool { return false }

func (s *ollama) complete(ctx context.Context, r *request, stream func(text string) bool) (reply, error) {
	o := r.options
	text := written{client: s.client, stream: stream}
	var last ollamaReply
	err := s.client.stream(ctx, s.path+"/api/generate", ollamaRequest{Model: s.model, Prompt: r.prompt, Raw: true, Stream: true,
		Options: ollamaOptions{Temperature: o.Temperature, TopK: o.TopK, TopP: o.TopP, MinP: o.MinP, Seed: r.seed, NumPredict: o.MaxNewTokens,
			Penalty: 1, Stop: r.stop(), NumContext: contextFor(r)}}, func(event []byte) (bool, error) {
		last = ollamaReply{}
		if err := json.Unmarshal(event, &last); err != nil {
			return false, s.client.cutOff(ctx, err)
		}
		if last.Error != "" {
			return false, fmt.Errorf("%w: Ollama says: %s", generate.ErrUnwritten, shortened(last.Error))
		}
		return last.Done, text.add(last.Response)
	})
	return reply{text.String(), max(0, last.Count), max(0, last.Prompt), last.Reason == "length"}, err
}

// contextFor is the context to ask for. Without, Ollama drops the beginning of prompts beyond its default; with another one each time,
// it would load the model again for every message.
func contextFor(r *request) int {
	n := 8192
	for n < len(r.prompt)/2+r.options.MaxNewTokens {
		n *= 2
	}
	return n
}

func (s *ollama) logProb(context.Context, string, string) (float64, error) {
	return 0, unsupported("Ollama")
}

func (s *ollama) logProbs(context.Context, string, []string) ([]Likelihood, error) {
	return nil, unsupported("Ollama")
}

func (s *ollama) promptTokens(string) int { return 0 }
