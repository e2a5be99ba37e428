package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"ventriloquist/internal/generate"
)

func timeAfter(d time.Duration) time.Time { return time.Now().Add(d) }

// textRequest is a request for completions of raw text.
type textRequest struct {
	request
	prompts []prompt
	echo    []string // the prompts' texts, nil unless they are to be repeated
	probs   bool
}

const maxPrompts = 16

// completions answers POST /v1/completions.
func (s *Server) completions(w http.ResponseWriter, r *http.Request) {
	q, m, err := s.textRequest(w, r)
	if err != nil {
		err.write(w)
		return
	}
	c := &textResponse{server: s, request: q, model: m, id: newID("cmpl-"), created: s.options.Now().Unix()}
	for _, prompt := range q.prompts {
		t := newTask(r, m, &q.request, prompt, "")
		if err := t.check(); err != nil {
			err.write(w)
			return
		}
		c.tasks = append(c.tasks, t)
	}
	if q.stream {
		c.stream(w, r)
	} else {
		c.whole(w, r)
	}
}

func (s *Server) textRequest(w http.ResponseWriter, r *http.Request) (*textRequest, *Model, *apiError) {
	f, err := readFields(w, r)
	if err != nil {
		return nil, nil, err
	}
	defaults := s.options.Defaults
	defaults.MinP, defaults.RepetitionPenalty = 0, 1 // the model's own distribution
	defaults.Raw, defaults.SeveralLines = true, true
	q := &textRequest{request: s.common(f, defaults)}
	q.sampling.MaxNewTokens = q.maxTokens
	top := 0
	q.probs = f.integer("logprobs", 0, maxTop, &top)
	q.logProbs, q.sampling.TopLogProbs = q.probs, top
	q.refuseIfRemote(s, f)
	bestOf := q.n
	if f.integer("best_of", 1, maxN, &bestOf); bestOf != q.n {
		f.refuse("best_of", "unsupported_value", "'best_of' must equal 'n'")
	}
	if f.text("suffix") != "" {
		f.refuse("suffix", "unsupported_value", "'suffix' is not supported")
	}
	if f.err != nil {
		return nil, nil, f.err
	}
	m, _, err := s.find(q.model)
	if err != nil {
		return nil, nil, err
	}
	texts := q.readPrompts(f, m, s.options.Vocabulary)
	if f.boolean("echo") {
		q.echo = texts
		if q.probs {
			f.refuse("echo", "unsupported_value", "'echo' with 'logprobs' is not supported")
		}
	}
	for _, prompt := range q.prompts {
		if prompt.length == 0 && prompt.text == "" {
			f.refuse("prompt", "invalid_value", "'prompt' is empty")
		}
		if prompt.length > s.options.MaxTokens {
			f.refuse("prompt", "context_length_exceeded", "'prompt' has %d tokens, and the server reads at most %d", prompt.length, s.options.MaxTokens)
		}
	}
	return q, m, f.err
}

// readPrompts reads the prompts, which are texts or tokens, and returns their texts.
func (q *textRequest) readPrompts(f *fields, m *Model, vocabulary int) (texts []string) {
	raw := f.get("prompt")
	addText := func(text string) {
		q.prompts, texts = append(q.prompts, m.promptOf(text)), append(texts, text)
	}
	add := func(ids []int32) {
		var text []byte
		for _, id := range ids {
			text = append(text, m.Tokenizer.TokenBytes(id)...)
		}
		q.prompts, texts = append(q.prompts, prompt{ids: ids, length: len(ids)}), append(texts, string(text))
	}
	var one string
	var list []json.RawMessage
	switch {
	case raw == nil:
		f.refuse("prompt", "missing_required_parameter", "missing required parameter: 'prompt'")
	case json.Unmarshal(raw, &one) == nil:
		addText(one)
	case json.Unmarshal(raw, &list) != nil || len(list) == 0 || len(list) > maxPrompts && !isTokens(raw, vocabulary):
		f.refuse("prompt", "invalid_type", "'prompt' must be a string, an array of at most %d strings, or an array of tokens", maxPrompts)
	default:
		if ids, ok := tokenIDs(raw, vocabulary); ok {
			add(ids)
			return texts
		}
		for i, p := range list {
			if json.Unmarshal(p, &one) == nil {
				addText(one)
			} else if ids, ok := tokenIDs(p, vocabulary); ok {
				add(ids)
			} else {
				f.refuse(fmt.Sprintf("prompt[%d]", i), "invalid_type", "'prompt[%d]' is neither a string nor an array of tokens of the vocabulary", i)
			}
		}
	}
	return texts
}

func isTokens(raw json.RawMessage, vocabulary int) bool {
	_, ok := tokenIDs(raw, vocabulary)
	return ok
}

// textResponse writes the answer of one request.
type textResponse struct {
	server  *Server
	request *textRequest
	model   *Model
	tasks   []*task
	id      string
	created int64
	tokens  int
}

func (c *textResponse) frame(choices []any) map[string]any {
	return map[string]any{"id": c.id, "object": "text_completion", "created": c.created, "model": c.request.model, "choices": choices}
}

func (c *textResponse) usage() usage {
	u := usage{Completion: c.tokens}
	for _, t := range c.tasks {
		u.Prompt += t.promptTokens()
		u.Details.Cached += t.job.Shared()
	}
	u.Total = u.Prompt + u.Completion
	return u
}

func (c *textResponse) whole(w http.ResponseWriter, r *http.Request) {
	n := c.request.n
	all := make([]piece, n*len(c.tasks))
	for i, t := range c.tasks {
		err := c.server.run(r, t, func(p piece) error {
			merge(&all[i*n+p.choice], p)
			c.tokens += p.tokens
			return nil
		})
		if err != nil {
			err.write(w)
			return
		}
	}
	var choices []any
	for i := range all {
		text := all[i].text
		if c.request.echo != nil {
			text = c.request.echo[i/n] + text
		}
		choices = append(choices, map[string]any{"index": i, "text": text, "logprobs": c.logProbs(all[i].probs, 0), "finish_reason": all[i].finish})
	}
	answer := c.frame(choices)
	answer["usage"] = c.usage()
	http.NewResponseController(w).SetWriteDeadline(timeAfter(writeTimeout))
	writeJSON(w, http.StatusOK, answer)
}

func (c *textResponse) stream(w http.ResponseWriter, r *http.Request) {
	out := newEvents(w)
	send := func(choices []any, u any) error {
		frame := c.frame(choices)
		if c.request.includeUsage {
			frame["usage"] = u
		}
		return out.send(frame)
	}
	n := c.request.n
	offsets := make([]int, n*len(c.tasks))
	for i, t := range c.tasks {
		for k := range n {
			if c.request.echo != nil && send([]any{textChoice(i*n+k, c.request.echo[i], nil, nil)}, nil) != nil {
				return
			}
		}
		err := c.server.run(r, t, func(p piece) error {
			at := i*n + p.choice
			c.tokens += p.tokens
			if p.text != "" || len(p.probs) > 0 {
				if err := send([]any{textChoice(at, p.text, c.logProbs(p.probs, offsets[at]), nil)}, nil); err != nil {
					return err
				}
			}
			for _, t := range p.probs {
				offsets[at] += len([]rune(t.text))
			}
			if p.finish == "" {
				return nil
			}
			return send([]any{textChoice(at, "", nil, p.finish)}, nil)
		})
		if err != nil {
			out.end(err)
			return
		}
	}
	if c.request.includeUsage {
		send([]any{}, c.usage())
	}
	out.end(nil)
}

func textChoice(index int, text string, probs, finish any) map[string]any {
	return map[string]any{"index": index, "text": text, "logprobs": probs, "finish_reason": finish}
}

// logProbs returns the log probabilities in the form of text completions; offset is where the first token begins in the answer.
func (c *textResponse) logProbs(probs []tokenProb, offset int) any {
	if !c.request.probs {
		return nil
	}
	tokens, values, tops, offsets := []string{}, []float64{}, []map[string]float64{}, []int{}
	for _, p := range probs {
		tokens, values, offsets = append(tokens, strings.ToValidUTF8(p.text, "\uFFFD")), append(values, finite(p.LogProb)), append(offsets, offset)
		offset += len([]rune(p.text))
		top := map[string]float64{}
		for _, t := range append(p.Top, generate.TokenProb{ID: p.ID, LogProb: p.LogProb}) {
			top[strings.ToValidUTF8(string(c.model.Tokenizer.TokenBytes(t.ID)), "\uFFFD")] = finite(t.LogProb)
		}
		tops = append(tops, top)
	}
	return map[string]any{"tokens": tokens, "token_logprobs": values, "top_logprobs": tops, "text_offset": offsets}
}
