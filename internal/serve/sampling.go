package serve

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"

	"ventriloquist/internal/generate"
)

// request is what chat and text completions have in common.
type request struct {
	model        string
	n            int
	stop         []string
	stream       bool
	includeUsage bool
	maxTokens    int
	logProbs     bool
	user         string
	sampling     generate.Options
}

const (
	maxN     = 16
	maxStops = 16
	maxStop  = 1024 // bytes
	maxTop   = 20
)

// common reads the fields that both endpoints have.
func (s *Server) common(f *fields, d generate.Options) request {
	q := request{model: f.text("model"), n: 1, stream: f.boolean("stream"), user: f.text("user"), sampling: d}
	if q.model == "" && f.err == nil {
		f.refuse("model", "missing_required_parameter", "you must provide a model parameter")
	}
	f.integer("n", 1, min(maxN, s.options.Parallel), &q.n)
	q.stop = f.strings("stop")
	if len(q.stop) > maxStops {
		f.refuse("stop", "invalid_value", "'stop' has more than %d sequences", maxStops)
	}
	for _, stop := range q.stop {
		if stop == "" || len(stop) > maxStop {
			f.refuse("stop", "invalid_value", "'stop' has an empty sequence, or one of more than %d bytes", maxStop)
		}
	}
	q.maxTokens = d.MaxNewTokens
	f.integer("max_tokens", 1, 1<<20, &q.maxTokens)
	f.integer("max_completion_tokens", 1, 1<<20, &q.maxTokens)
	q.maxTokens = min(q.maxTokens, s.options.MaxTokens)
	q.streamOptions(f)
	q.samplingOf(f, s.options)
	return q
}

func (q *request) streamOptions(f *fields) {
	var inner fields
	if !f.value("stream_options", "an object", &inner.raw) {
		return
	}
	if !q.stream {
		f.refuse("stream_options", "invalid_value", "'stream_options' needs 'stream'")
	}
	inner.prefix = "stream_options."
	q.includeUsage = inner.boolean("include_usage")
	if inner.err != nil && f.err == nil {
		f.err = inner.err
	}
}

func (q *request) samplingOf(f *fields, o Options) {
	p := &q.sampling
	f.number("temperature", 0, 100, &p.Temperature)
	f.number("top_p", 0, 1, &p.TopP)
	f.integer("top_k", 0, 1<<30, &p.TopK)
	f.number("min_p", 0, 1, &p.MinP)
	if !f.number("repetition_penalty", 0.1, 10, &p.RepetitionPenalty) && p.Temperature == 0 && !o.PenaltyWhenGreedy {
		p.RepetitionPenalty = 1
	}
	f.number("frequency_penalty", -2, 2, &p.FrequencyPenalty)
	f.number("presence_penalty", -2, 2, &p.PresencePenalty)
	var seed int64
	if !o.SeedGiven {
		p.Seed = rand.Uint64()
	}
	if f.value("seed", "an integer", &seed) {
		p.Seed = uint64(seed)
	}
	var bias map[string]float64
	f.value("logit_bias", "an object of numbers", &bias)
	for id, b := range bias {
		n, err := strconv.ParseInt(id, 10, 32)
		if err != nil || n < 0 || int(n) >= o.Vocabulary || !(b >= -100 && b <= 100) {
			f.refuse("logit_bias", "invalid_value", "'logit_bias' maps ids of tokens to numbers from -100 to 100")
			return
		}
		if p.Bias == nil {
			p.Bias = make(map[int32]float64)
		}
		p.Bias[int32(n)] = b
	}
	var format fields
	if f.value("response_format", "an object", &format.raw) {
		if kind := format.text("type"); kind != "" && kind != "text" {
			f.refuse("response_format", "unsupported_value", "'response_format' %q: the people of a history write text only", kind)
		}
	}
}

// tokenIDs decodes an array of token ids.
func tokenIDs(raw json.RawMessage, vocabulary int) ([]int32, bool) {
	var ids []int32
	if json.Unmarshal(raw, &ids) != nil {
		return nil, false
	}
	for _, id := range ids {
		if id < 0 || int(id) >= vocabulary {
			return nil, false
		}
	}
	return ids, true
}
