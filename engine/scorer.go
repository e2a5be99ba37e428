package engine

import "context"

// A Scorer computes token probabilities of whole texts of any length. It keeps one session and replaces it when a longer
// text comes.
type Scorer struct {
	// Scored is called with the number of tokens scored so far; it may be nil.
	Scored func(done, total int)

	model   *Model
	adapter *Adapter
	session *Session
}

// NewScorer scores with the model and an adapter (or nil), whose parameters are copied at the first text.
func NewScorer(m *Model, a *Adapter) *Scorer { return &Scorer{model: m, adapter: a} }

// Close releases the session.
func (s *Scorer) Close() {
	s.session.Close()
	s.session = nil
}

// scoredAtOnce is the number of tokens between two checks of the context: some seconds on a large model.
const scoredAtOnce = 1024

// Score returns, for each token but the first, the natural log of its probability given the tokens before it, and the most
// likely token in its place. Fewer than two tokens have no scores. When ctx ends, Score returns its error.
func (s *Scorer) Score(ctx context.Context, ids []int32) (logProb []float32, argmax []int32, err error) {
	if len(ids) < 2 {
		return nil, nil, nil
	}
	if err := s.reserve(len(ids)); err != nil {
		return nil, nil, err
	}
	logProb, argmax = make([]float32, len(ids)-1), make([]int32, len(ids)-1)
	for begin := 0; begin+1 < len(ids); {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if s.Scored != nil {
			s.Scored(begin, len(ids))
		}
		// The last token of a chunk is the first of the next one, whose second token it predicts.
		last := min(begin+scoredAtOnce, len(ids)) - 1
		if err := s.session.Truncate(0, begin); err != nil {
			return nil, nil, err
		}
		if err := s.session.Score(0, ids[begin:last+1], logProb[begin:last], argmax[begin:last]); err != nil {
			return nil, nil, err
		}
		begin = last
	}
	return logProb, argmax, nil
}

// reserve makes room for a text of this many tokens.
func (s *Scorer) reserve(tokens int) (err error) {
	if s.session != nil && s.session.Capacity() >= tokens {
		return nil
	}
	s.Close()
	const leap = 512 // so that slightly longer texts do not each make a new session
	s.session, err = s.model.NewSession(s.adapter, (tokens+leap-1)/leap*leap, 1)
	return err
}
