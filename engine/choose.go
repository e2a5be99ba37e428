package engine

// #include <vq.h>
import "C"

// MostChosen is how many tokens of a row Choose gives.
const MostChosen = C.VQ_MOST_CHOSEN

// Chosen are the tokens that may be drawn from one row of logits.
type Chosen struct {
	Count   int     // how many there are; of more than MostChosen only the first so many are given
	Highest float32 // the logit of the likeliest
	IDs     []int32 // rising
	Logits  []float32
}

// MaskWords is the length of one row's mask for Choose.
func MaskWords(vocab int) int { return (vocab + 31) / 32 }

// Logits gives one row of what PrefillKept or Decode kept, until the next call of either, of Prefill or of Score.
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

// Choose gives, of each of the first rows that were kept, the tokens that are allowed and at least as likely as the
// likeliest of them plus below[i] <= 0. allowed holds a mask of MaskWords for each row, bit i%32 of word i/32 for id i;
// nil allows all.
func (s *Session) Choose(rows int, allowed []uint32, below []float64) ([]Chosen, error) {
	if s.c == nil {
		return nil, ErrClosed
	}
	if rows < 1 || rows > s.sequences {
		return nil, badArgument("there are no %d rows to choose from", rows)
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
	const each = MostChosen + 1
	if len(s.chosen) < rows*each {
		s.chosen = make([]C.vq_candidate, rows*each)
	}
	var e C.vq_error
	if err := check(C.vq_session_choose(s.c, C.int32_t(rows), mask, (*C.double)(&below[0]), &s.chosen[0], &e), &e); err != nil {
		return nil, err
	}
	all := make([]Chosen, rows)
	for i := range all {
		row := s.chosen[i*each : (i+1)*each]
		c := Chosen{Count: int(row[0].id), Highest: float32(row[0].logit)}
		for _, one := range row[1 : 1+min(c.Count, MostChosen)] {
			c.IDs = append(c.IDs, int32(one.id))
			c.Logits = append(c.Logits, float32(one.logit))
		}
		all[i] = c
	}
	return all, nil
}
