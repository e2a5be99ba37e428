package engine

// A Scorer gives the probabilities of whole texts, one after the other, of any length. It keeps one session, made anew
// when a longer text comes.
type Scorer struct {
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

// Score gives, for each token but the first, the natural log of its probability after those before it, and the likeliest
// token in its place. Of fewer than two tokens there is nothing to say.
func (s *Scorer) Score(ids []int32) (logProb []float32, argmax []int32, err error) {
	if len(ids) < 2 {
		return nil, nil, nil
	}
	if s.session == nil || s.session.Capacity() < len(ids) {
		s.Close()
		const leap = 512 // so that slightly longer texts do not each make a new session
		if s.session, err = s.model.NewSession(s.adapter, (len(ids)+leap-1)/leap*leap, 1); err != nil {
			return nil, nil, err
		}
	}
	if err := s.session.Truncate(0, 0); err != nil {
		return nil, nil, err
	}
	logProb, argmax = make([]float32, len(ids)-1), make([]int32, len(ids)-1)
	if err := s.session.Score(0, ids, logProb, argmax); err != nil {
		return nil, nil, err
	}
	return logProb, argmax, nil
}
