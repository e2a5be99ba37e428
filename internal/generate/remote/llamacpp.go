package remote

import (
	"context"
	"encoding/json"
	"strings"
)

// llamaCPP is llama.cpp's server: https://github.com/ggml-org/llama.cpp/tree/master/tools/server.
type llamaCPP struct {
	client *client
	path   string
}

// samplers are in the order of ours; the server's default has the temperature last.
var samplers = []string{"temperature", "top_k", "top_p", "min_p"}

// llamaRequest is a request to /completion. The grammar ends with the line's newline, after which the server stops by itself.
type llamaRequest struct {
	Prompt      string   `json:"prompt"`
	NPredict    int      `json:"n_predict"`
	Temperature float64  `json:"temperature"`
	TopK        int      `json:"top_k"`
	TopP        float64  `json:"top_p"`
	MinP        float64  `json:"min_p"`
	Seed        int64    `json:"seed"`
	Samplers    []string `json:"samplers"`
	Penalty     float64  `json:"repeat_penalty"`
	Stop        []string `json:"stop,omitempty"`
	Grammar     string   `json:"grammar,omitempty"`
	Stream      bool     `json:"stream"`
	CachePrompt bool     `json:"cache_prompt"`
	NProbs      int      `json:"n_probs,omitempty"`
}

// llamaReply is an event of the answer, or all of it.
type llamaReply struct {
	Content   string `json:"content"`
	Stop      bool   `json:"stop"`
	StopType  string `json:"stop_type"` // eos, limit or word
	Limit     bool   `json:"stopped_limit"`
	Predicted int    `json:"tokens_predicted"`
	Prompt    int    `json:"tokens_evaluated"` // tokens of the prompt
	// Probabilities are those of the tokens written, before sampling and grammar.
	Probabilities []struct {
		LogProb float64 `json:"logprob"`
	} `json:"completion_probabilities"`
}

func (s *llamaCPP) restricts() bool { return true }

func (s *llamaCPP) complete(ctx context.Context, r *request, stream func(text string) bool) (reply, error) {
	o := r.options
	text := written{client: s.client, stream: stream}
	var last llamaReply
	err := s.client.stream(ctx, s.path+"/completion", llamaRequest{Prompt: r.prompt, NPredict: o.MaxNewTokens, Temperature: o.Temperature, TopK: o.TopK,
		TopP: o.TopP, MinP: o.MinP, Seed: r.seed, Samplers: samplers, Penalty: 1, Stop: r.stop(), Grammar: r.grammar, Stream: true,
		CachePrompt: true}, func(event []byte) (bool, error) {
		last = llamaReply{}
		if err := json.Unmarshal(event, &last); err != nil {
			return false, s.client.cutOff(ctx, err)
		}
		return last.Stop, text.add(last.Content)
	})
	return reply{text.String(), max(0, last.Predicted), max(0, last.Prompt), last.Limit || last.StopType == "limit"}, err
}

// logProb has the server write the text, with a grammar that allows nothing else, and adds up how likely its tokens were.
func (s *llamaCPP) logProb(ctx context.Context, prompt, text string) (sum float64, err error) {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text)
	var whole llamaReply
	err = s.client.post(ctx, s.path+"/completion", llamaRequest{Prompt: prompt, NPredict: len(text), Samplers: samplers, Penalty: 1, TopP: 1,
		Grammar: `root ::= "` + quoted + `"`, CachePrompt: true, NProbs: 1}, &whole, s.client.patience)
	if err != nil {
		return 0, err
	}
	if len(whole.Probabilities) == 0 || !strings.HasPrefix(whole.Content, text) {
		return 0, unsupported("this version of llama.cpp's server")
	}
	for _, p := range whole.Probabilities {
		sum += p.LogProb
	}
	return finite(sum, s.client)
}

// logProbs cannot be had: the forced tokens of logProb may be others than those of the text.
func (s *llamaCPP) logProbs(context.Context, string, []string) ([]Likelihood, error) {
	return nil, unsupported("llama.cpp's server")
}

func (s *llamaCPP) promptTokens(prompt string) int {
	var list struct{ Tokens []int }
	if s.client.post(context.Background(), s.path+"/tokenize", map[string]any{"content": prompt}, &list, min(probeTimeout, s.client.patience)) != nil {
		return 0
	}
	return len(list.Tokens)
}
