package engine_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"ventriloquist/engine"
)

// What is candidates on the device is what the logits say, after a prompt and after decoding a batch, for masks of a few
// tokens, of none and of all.
func TestSession_CandidatesMatchLogits(t *testing.T) {
	onDevices(t, func(t *testing.T, c *goldenCase) {
		vocab := c.model.Config().Vocab
		s, err := c.model.NewSession(c.adapter, 200, 2)
		ok(t, err)
		defer s.Close()
		random := rand.New(rand.NewPCG(1, 2))
		words := engine.MaskWords(vocab)
		check := func(rows int) {
			t.Helper()
			logits := make([][]float32, rows)
			for i := range logits {
				logits[i] = make([]float32, vocab)
				ok(t, s.Logits(i, logits[i]))
			}
			for round := range 8 {
				masks, below := make([]uint32, rows*words), make([]float64, rows)
				for i := range masks {
					masks[i] = random.Uint32()
					if round == 0 && i < words {
						masks[i] = 0
					}
				}
				for i := range below {
					below[i] = -2 * float64(round)
				}
				if round == 7 {
					masks = nil
				}
				candidates, err := s.Candidates(rows, masks, below)
				ok(t, err)
				for i, got := range candidates {
					checkCandidates(t, got, logits[i], masks, i*words, below[i])
				}
			}
		}
		ok(t, s.PrefillOnDevice(0, someIDs(c, 30, 1)))
		check(1)
		ok(t, s.Fork(0, 1))
		ok(t, s.Decode([]int32{1, 0}, []int32{3, 4}, nil))
		check(2)
		if err := s.Logits(2, make([]float32, vocab)); !errors.Is(err, engine.ErrBadArgument) {
			t.Errorf("a third row of two: %v", err)
		}
		ok(t, s.Prefill(0, []int32{1}, nil))
		if _, err := s.Candidates(1, nil, []float64{0}); !errors.Is(err, engine.ErrBadArgument) {
			t.Errorf("choosing when nothing was kept: %v", err)
		}
	})
}

func checkCandidates(t *testing.T, got engine.Candidates, logits []float32, masks []uint32, word int, below float64) {
	t.Helper()
	allowed := func(id int) bool { return masks == nil || masks[word+id/32]>>(id%32)&1 != 0 }
	highest := float32(math.Inf(-1))
	for id, l := range logits {
		if allowed(id) {
			highest = max(highest, l)
		}
	}
	at := 0
	for id, l := range logits {
		if !allowed(id) || l < float32(float64(highest)+below) {
			continue
		}
		if at < len(got.IDs) && (got.IDs[at] != int32(id) || got.Logits[at] != l) {
			t.Fatalf("token %d is %d with %g, want %d with %g", at, got.IDs[at], got.Logits[at], id, l)
		}
		at++
	}
	if got.Count != at || len(got.IDs) != min(at, engine.MaxCandidates) || (at > 0 && got.Highest != highest) {
		t.Fatalf("%d tokens, %d given, the likeliest with %g; want %d with %g", got.Count, len(got.IDs), got.Highest, at, highest)
	}
}
