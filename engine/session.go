package engine

// #include <vq.h>
import "C"

// A Session is a key/value cache for a few sequences of tokens, all empty at first, numbered from 0.
type Session struct {
	c          *C.vq_session
	vocab      int
	capacity   int
	sequences  int
	candidates []C.vq_candidate // buffer of Candidates
}

// NewSession makes a session for `capacity` tokens in all, shared by up to maxSequences sequences. The adapter (or nil)
// is copied: later writes to it do not reach the session.
func (m *Model) NewSession(a *Adapter, capacity, maxSequences int) (*Session, error) {
	if m.c == nil {
		return nil, ErrClosed
	}
	var adapter *C.vq_adapter
	if a != nil {
		if a.c == nil {
			return nil, ErrClosed
		}
		adapter = a.c
	}
	if maxSequences <= 0 || maxSequences > 1<<16 {
		return nil, badArgument("a session cannot have %d sequences", maxSequences)
	}
	s := &Session{vocab: m.config.Vocab, capacity: capacity, sequences: maxSequences}
	var e C.vq_error
	err := check(C.vq_session_create(m.c, adapter, C.int64_t(capacity), C.int32_t(maxSequences), &s.c, &e), &e)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close releases the cache.
func (s *Session) Close() {
	if s != nil && s.c != nil {
		C.vq_session_close(s.c)
		s.c = nil
	}
}

// Capacity is the number of tokens that the cache holds.
func (s *Session) Capacity() int { return s.capacity }

// Prefill appends ids to a sequence. logits is filled with the [vocab] logits after the last of them, unless nil.
func (s *Session) Prefill(sequence int, ids []int32, logits []float32) error {
	if err := s.check(sequence); err != nil {
		return err
	}
	if len(ids) == 0 {
		return badArgument("there are no tokens to append")
	}
	var out *C.float
	if logits != nil {
		if err := wantLength("logits", len(logits), s.vocab); err != nil {
			return err
		}
		out = floats(logits)
	}
	var e C.vq_error
	return check(C.vq_session_prefill(s.c, C.int32_t(sequence), (*C.int32_t)(&ids[0]), C.int64_t(len(ids)), out, &e), &e)
}

// PrefillOnDevice is Prefill, but leaves the logits on the device, as row 0, for Logits and Candidates.
func (s *Session) PrefillOnDevice(sequence int, ids []int32) error {
	if err := s.check(sequence); err != nil {
		return err
	}
	if len(ids) == 0 {
		return badArgument("there are no tokens to append")
	}
	var e C.vq_error
	return check(C.vq_session_prefill_on_device(s.c, C.int32_t(sequence), (*C.int32_t)(&ids[0]), C.int64_t(len(ids)), &e), &e)
}

// DecodeRows is how many tokens Session.Decode takes at most, if the session has no more sequences than that.
const DecodeRows = C.VQ_DECODE_ROWS

// Decode appends ids[i] to sequences[i] in one pass; a sequence may be listed several times. logits, [len(ids), vocab], is
// filled with the logits after each id; if it is nil, they stay on the device, as row i, for Logits and Candidates. On the CPU a
// row of up to DecodeRows is the same, to the bit, as if its token were decoded alone.
func (s *Session) Decode(sequences, ids []int32, logits []float32) error {
	if s.c == nil {
		return ErrClosed
	}
	if len(ids) == 0 || len(ids) > max(s.sequences, DecodeRows) {
		return badArgument("%d tokens cannot be decoded at once", len(ids))
	}
	if err := wantLength("sequences", len(sequences), len(ids)); err != nil {
		return err
	}
	var out *C.float
	if logits != nil {
		if err := wantLength("logits", len(logits), len(ids)*s.vocab); err != nil {
			return err
		}
		out = floats(logits)
	}
	var e C.vq_error
	return check(C.vq_session_decode(s.c, (*C.int32_t)(&sequences[0]), (*C.int32_t)(&ids[0]), C.int32_t(len(ids)), out,
		&e), &e)
}

// Score appends ids to a sequence. logProb[i] becomes the natural log of the probability of ids[i+1] after the sequence
// and ids[..i], argmax[i] the likeliest id in its place: len(ids) - 1 of each.
func (s *Session) Score(sequence int, ids []int32, logProb []float32, argmax []int32) error {
	if err := s.check(sequence); err != nil {
		return err
	}
	if len(ids) == 0 {
		return badArgument("there are no tokens to score")
	}
	if err := wantLength("logProb", len(logProb), len(ids)-1); err != nil {
		return err
	}
	if err := wantLength("argmax", len(argmax), len(ids)-1); err != nil {
		return err
	}
	var scores *C.float
	var best *C.int32_t
	if len(ids) > 1 {
		scores, best = floats(logProb), (*C.int32_t)(&argmax[0])
	}
	var e C.vq_error
	return check(C.vq_session_score(s.c, C.int32_t(sequence), (*C.int32_t)(&ids[0]), C.int64_t(len(ids)), scores, best,
		&e), &e)
}

// ScoreEach is Score for several sequences, of which none is listed twice, in as few passes as there is room for: it appends ids[i] to
// sequences[i].
func (s *Session) ScoreEach(sequences []int, ids [][]int32, logProb [][]float32, argmax [][]int32) error {
	if err := wantLength("ids", len(ids), len(sequences)); err != nil {
		return err
	}
	if err := wantLength("logProb", len(logProb), len(ids)); err != nil {
		return err
	}
	if err := wantLength("argmax", len(argmax), len(ids)); err != nil {
		return err
	}
	if len(ids) == 0 {
		return badArgument("there are no tokens to score")
	}
	var flat []int32
	numbers, counts := make([]C.int32_t, len(ids)), make([]C.int64_t, len(ids))
	for i, of := range ids {
		if err := s.check(sequences[i]); err != nil {
			return err
		}
		if len(of) == 0 {
			return badArgument("there are no tokens to score")
		}
		if err := wantLength("logProb", len(logProb[i]), len(of)-1); err != nil {
			return err
		}
		if err := wantLength("argmax", len(argmax[i]), len(of)-1); err != nil {
			return err
		}
		numbers[i], counts[i] = C.int32_t(sequences[i]), C.int64_t(len(of))
		flat = append(flat, of...)
	}
	scores, best := make([]float32, len(flat)), make([]int32, len(flat))
	var e C.vq_error
	err := check(C.vq_session_score_each(s.c, &numbers[0], &counts[0], C.int32_t(len(ids)), (*C.int32_t)(&flat[0]), floats(scores),
		(*C.int32_t)(&best[0]), &e), &e)
	for i := range ids {
		n := copy(logProb[i], scores)
		copy(argmax[i], best)
		scores, best = scores[n:], best[n:]
	}
	return err
}

// Fork makes sequence `to`, which must be empty, begin with all tokens of `from`, without copying them. Either may be
// extended or truncated without effect on the other.
func (s *Session) Fork(from, to int) error {
	if err := s.check(from); err != nil {
		return err
	}
	if err := s.check(to); err != nil {
		return err
	}
	var e C.vq_error
	return check(C.vq_session_fork(s.c, C.int32_t(from), C.int32_t(to), &e), &e)
}

// Truncate cuts a sequence to its first `length` tokens.
func (s *Session) Truncate(sequence, length int) error {
	if err := s.check(sequence); err != nil {
		return err
	}
	var e C.vq_error
	return check(C.vq_session_truncate(s.c, C.int32_t(sequence), C.int64_t(length), &e), &e)
}

// Length is the number of tokens in a sequence, 0 for one that does not exist.
func (s *Session) Length(sequence int) int {
	if s.check(sequence) != nil {
		return 0
	}
	return int(C.vq_session_length(s.c, C.int32_t(sequence)))
}

func (s *Session) check(sequence int) error {
	if s.c == nil {
		return ErrClosed
	}
	if sequence < 0 || sequence >= s.sequences {
		return badArgument("there is no sequence %d", sequence)
	}
	return nil
}
