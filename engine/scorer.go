package engine

import "context"

// A Scorer gives the probabilities of whole texts, one after the other, of any length. It keeps one session, made anew
// when a longer text comes.
type Scorer struct {
	// Scored is told how many tokens of a text have been scored; it may be nil.
	Scored func(done, total int)

	model   *Model
	adapter *Adapter
	session *Session
}

// NewScorer scores with the model and an adapter (or nil), as that is when the first text comes.
func NewScorer(m *Model, a *Adapter) *Scorer { return &Scorer{model: m, adapter: a} }

// Close releases the session.
func (s *Scorer) Close() {
	s.session.Close()
	s.session = nil
}

// scoredAtOnce is the tokens between two looks at the context: some seconds of a large model.
const scoredAtOnce = 1024

// Score gives, for each token but the first, the natural log of its probability after those before it, and the likeliest
// token in its place. Of fewer than two tokens there is nothing to say. When ctx ends it returns ctx's error.
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
		// The last token of a piece is read again as the first of the next: it says what that piece begins with.
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

// reserve makes room for a text of so many tokens.
func (s *Scorer) reserve(tokens int) (err error) {
	if s.session != nil && s.session.Capacity() >= tokens {
		return nil
	}
	s.Close()
	const leap = 512 // so that slightly longer texts do not each make a new session
	s.session, err = s.model.NewSession(s.adapter, (tokens+leap-1)/leap*leap, 1)
	return err
}
