package engine

// #include <vq.h>
import "C"

// MaxCandidates is the most candidates that are returned per row.
const MaxCandidates = C.VQ_MAX_CANDIDATES

// Candidates are the tokens of one row of logits that may be sampled.
type Candidates struct {
	Count   int     // how many there are; if over MaxCandidates, only the first MaxCandidates are returned
	Highest float32 // the highest logit among them
	IDs     []int32 // ascending
	Logits  []float32
}

// MaskWords is the length of one row's mask for Session.Candidates.
func MaskWords(vocab int) int { return (vocab + 31) / 32 }

// Logits copies one row of the logits that PrefillOnDevice or Decode left on the device. They stay there until the next
// call of either, of Prefill or of Score.
func (s *Session) Logits(row int, logits []float32) error {
	if s.c == nil {
		return ErrClosed
	}
	if err := wantLength("logits", len(logits), s.vocab); err != nil {
		return err
	}
	var e C.vq_error
	return check(C.vq_session_logits(s.c, C.int32_t(row), 1, floats(logits), &e), &e)
}

// Candidates returns, for each of the first rows of logits on the device, the allowed tokens whose logit is at least the
// highest allowed logit plus below[i] <= 0. allowed holds a mask of MaskWords per row, bit i%32 of word i/32 for id i;
// nil allows all.
func (s *Session) Candidates(rows int, allowed []uint32, below []float64) ([]Candidates, error) {
	if s.c == nil {
		return nil, ErrClosed
	}
	if rows < 1 || rows > max(s.sequences, DecodeRows) {
		return nil, badArgument("the session cannot have %d rows of logits", rows)
	}
	if err := wantLength("below", len(below), rows); err != nil {
		return nil, err
	}
	var mask *C.uint32_t
	if allowed != nil {
		if err := wantLength("allowed", len(allowed), rows*MaskWords(s.vocab)); err != nil {
			return nil, err
		}
		mask = (*C.uint32_t)(&allowed[0])
	}
	const each = MaxCandidates + 1
	if len(s.candidates) < rows*each {
		s.candidates = make([]C.vq_candidate, rows*each)
	}
	var e C.vq_error
	if err := check(C.vq_session_candidates(s.c, C.int32_t(rows), mask, (*C.double)(&below[0]), &s.candidates[0], &e), &e); err != nil {
		return nil, err
	}
	all := make([]Candidates, rows)
	for i := range all {
		row := s.candidates[i*each : (i+1)*each]
		c := Candidates{Count: int(row[0].id), Highest: float32(row[0].logit)}
		for _, one := range row[1 : 1+min(c.Count, MaxCandidates)] {
			c.IDs = append(c.IDs, int32(one.id))
			c.Logits = append(c.Logits, float32(one.logit))
		}
		all[i] = c
	}
	return all, nil
}
