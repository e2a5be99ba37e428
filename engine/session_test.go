package engine_test

import (
	"errors"
	"slices"
	"testing"

	"ventriloquist/engine"
)

func newSession(t *testing.T, c *goldenCase, capacity, sequences int) *engine.Session {
	t.Helper()
	s, err := c.model.NewSession(c.adapter, capacity, sequences)
	ok(t, err)
	t.Cleanup(s.Close)
	return s
}

// someIDs are n ids that do not repeat soon.
func someIDs(c *goldenCase, n, seed int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32((i*37 + seed*101 + i*i%11) % c.model.Config().Vocab)
	}
	return ids
}

// fresh returns the logits after ids, computed in a new session.
func fresh(t *testing.T, c *goldenCase, ids []int32) []float32 {
	t.Helper()
	s := newSession(t, c, len(ids), 1)
	logits := make([]float32, c.model.Config().Vocab)
	ok(t, s.Prefill(0, ids, logits))
	return logits
}

// sameLogits is what a path through other shapes may differ by: the order of sums in f32, and in bf16 their roundings.
func (c *goldenCase) sameLogits(precision engine.DType) float64 {
	if precision == engine.BF16 {
		return c.BF16Error.Logits
	}
	return 2e-5
}

// Sequences that share a prefix, go on, are shortened and forked again answer as if each had been computed alone.
func TestSession_ForkAndTruncate(t *testing.T) {
	forEachCaseAndOnCUDA(t, []string{smallCase}, func(t *testing.T, c *goldenCase, precision engine.DType) {
		s := newSession(t, c, 400, 4)
		logits := make([]float32, c.model.Config().Vocab)
		texts := make([][]int32, 4)
		check := func(step string, sequence int) {
			t.Helper()
			if got := s.Length(sequence); got != len(texts[sequence]) {
				t.Fatalf("%s: sequence %d has %d tokens, want %d", step, sequence, got, len(texts[sequence]))
			}
			near(t, step, logits, fresh(t, c, texts[sequence]), c.sameLogits(precision))
		}
		grow := func(step string, sequence, n, seed int) {
			t.Helper()
			ids := someIDs(c, n, seed)
			ok(t, s.Prefill(sequence, ids, logits))
			texts[sequence] = append(slices.Clone(texts[sequence]), ids...)
			check(step, sequence)
		}
		fork := func(from, to int) {
			t.Helper()
			ok(t, s.Fork(from, to))
			texts[to] = texts[from]
		}
		truncate := func(sequence, length int) {
			t.Helper()
			ok(t, s.Truncate(sequence, length))
			texts[sequence] = texts[sequence][:length]
		}
		grow("prompt", 0, 45, 1)
		fork(0, 1)
		fork(0, 2)
		grow("original goes on", 0, 9, 2)
		grow("first fork goes on", 1, 40, 3)
		grow("second fork goes on", 2, 1, 4)
		truncate(0, 20) // below what the forks share
		grow("original shortened and on", 0, 30, 5)
		grow("first fork again", 1, 3, 6)
		fork(1, 3)
		truncate(1, 0)
		grow("reused sequence", 1, 12, 7)
		grow("fork of a fork", 3, 33, 8)
		truncate(2, 44)
		grow("shortened within the shared part", 2, 2, 9)
		truncate(0, 0)
		truncate(2, 0)
		truncate(3, 0)
		grow("after all others are gone", 1, 100, 10)
	})
}

// Several sequences decoded together answer as each alone.
func TestSession_BatchedMatchesSingle(t *testing.T) {
	forEachCaseAndOnCUDA(t, []string{smallCase}, func(t *testing.T, c *goldenCase, precision engine.DType) {
		const n = 5
		vocab := c.model.Config().Vocab
		s := newSession(t, c, 200, n)
		texts := make([][]int32, n)
		texts[0] = someIDs(c, 17, 1)
		ok(t, s.Prefill(0, texts[0], nil))
		for i := 1; i < n; i++ {
			ok(t, s.Fork(0, i))
			texts[i] = slices.Clone(texts[0])
		}
		logits := make([]float32, n*vocab)
		sequences := []int32{3, 0, 4, 1, 2}
		for step := range 20 {
			ids := someIDs(c, n, step)
			ok(t, s.Decode(sequences, ids, logits))
			for i, sequence := range sequences {
				texts[sequence] = append(texts[sequence], ids[i])
			}
		}
		for i, sequence := range sequences {
			near(t, "logits", logits[i*vocab:(i+1)*vocab], fresh(t, c, texts[sequence]), c.sameLogits(precision))
		}
	})
}

// Tokens of one sequence that are decoded together answer as each alone, on the CPU to the bit.
func TestSession_DecodesSeveralTokensOfASequence(t *testing.T) {
	for _, name := range caseNames(t) {
		for _, precision := range []engine.DType{engine.F32, engine.BF16} {
			t.Run(name+"/"+precision.String(), func(t *testing.T) {
				c := openCase(t, name, precision)
				vocab := c.model.Config().Vocab
				prompt := someIDs(c, 61, 1) // the tokens after it cross a block of the cache
				for _, n := range []int{2, 3, engine.DecodeRows} {
					together, alone := newSession(t, c, 100, 2), newSession(t, c, 100, 2)
					ids := someIDs(c, n, 2)
					got, want := make([]float32, n*vocab), make([]float32, n*vocab)
					for _, s := range []*engine.Session{together, alone} {
						ok(t, s.Prefill(0, prompt, nil))
						ok(t, s.Prefill(1, prompt[:9], nil))
					}
					sequences := make([]int32, n) // the last token is of the other sequence
					sequences[n-1] = 1
					ok(t, together.Decode(sequences, ids, got))
					for i, id := range ids {
						ok(t, alone.Decode(sequences[i:i+1], []int32{id}, want[i*vocab:(i+1)*vocab]))
					}
					if !slices.Equal(got, want) {
						t.Errorf("the logits of %d tokens together differ from those of each alone", n)
					}
					if together.Length(0) != len(prompt)+n-1 || together.Length(1) != 10 {
						t.Errorf("the sequences have %d and %d tokens", together.Length(0), together.Length(1))
					}
					ok(t, together.Truncate(0, len(prompt)))
					ok(t, together.Decode([]int32{0}, ids[:1], got[:vocab]))
					if !slices.Equal(got[:vocab], want[:vocab]) {
						t.Error("tokens that were taken back change the next logits")
					}
				}
			})
		}
	}
}

// On a GPU they answer so within rounding.
func TestSession_DecodesSeveralTokensOnCUDA(t *testing.T) {
	c := openCaseOn(t, openCUDA, someCase, engine.F32, engine.Plain)
	const n = 4
	vocab := c.model.Config().Vocab
	ids := someIDs(c, 20, 1)
	s := newSession(t, c, 40, 1)
	logits := make([]float32, n*vocab)
	ok(t, s.Prefill(0, ids[:20-n], nil))
	ok(t, s.Decode(make([]int32, n), ids[20-n:], logits))
	for i := range n {
		near(t, "logits", logits[i*vocab:(i+1)*vocab], fresh(t, c, ids[:20-n+i+1]), c.sameLogits(engine.F32))
	}
}

// A prompt longer than one pass, and across several calls, is the prompt in one call.
func TestSession_LongPromptMatchesShortPasses(t *testing.T) {
	c := openCase(t, someCase, engine.F32)
	const n = 700
	ids := someIDs(c, n, 1)
	vocab := c.model.Config().Vocab
	whole, parts := make([]float32, vocab), make([]float32, vocab)
	s := newSession(t, c, 2*n, 2)
	ok(t, s.Prefill(0, ids, whole))
	for begin := 0; begin < n; begin += 70 {
		ok(t, s.Prefill(1, ids[begin:begin+70], parts))
	}
	near(t, "logits", parts, whole, 2e-5)

	logProbs, argMax := make([]float32, n-1), make([]int32, n-1)
	ok(t, s.Truncate(0, 0))
	ok(t, s.Score(0, ids, logProbs, argMax))
	tr, err := c.model.NewTrainer(c.adapter, engine.TrainLimits{MaxTokens: n, MaxWindows: 1, MaxTargets: n}, false)
	ok(t, err)
	defer tr.Close()
	w := window{IDs: ids}
	for i := 1; i < n; i++ {
		w.Targets = append(w.Targets, i)
	}
	count, targets := fill(tr, 0, []window{w})
	loss := make([]float32, targets)
	ok(t, tr.Evaluate(0, count, targets, loss))
	for i := range loss {
		loss[i] = -loss[i]
	}
	near(t, "log probabilities", logProbs, loss, 2e-5)
}

func TestSession_SnapshotsAdapter(t *testing.T) {
	c := openCase(t, someCase, engine.F32)
	s := newSession(t, c, 32, 1)
	ids := someIDs(c, 9, 1)
	before := fresh(t, c, ids)
	c.pairs(func(_ string, layer int, target engine.Target, a, b []float32) {
		ok(t, c.adapter.Write(layer, target, a, b)) // zeros
	})
	logits := make([]float32, len(before))
	ok(t, s.Prefill(0, ids, logits))
	if !slices.Equal(logits, before) {
		t.Error("a session follows what is written to the adapter later")
	}
	if slices.Equal(fresh(t, c, ids), before) {
		t.Error("the adapter makes no difference")
	}
}

// Lines of several sequences that fork from one score as each does alone, also if they take several passes and one goes on with the text
// itself.
func TestSession_ScoreEachMatchesScore(t *testing.T) {
	forEachCaseAndOnCUDA(t, []string{smallCase}, func(t *testing.T, c *goldenCase, precision engine.DType) {
		context := someIDs(c, 45, 1)
		var lines [][]int32
		for i, n := range []int{1, 7, 150, 40, 2, 33} {
			lines = append(lines, someIDs(c, n, 2+i))
		}
		s := newSession(t, c, 1000, len(lines))
		ok(t, s.Prefill(0, context, nil))
		var sequences []int
		logProb, argmax := make([][]float32, len(lines)), make([][]int32, len(lines))
		for i, line := range lines {
			sequence := (i + 1) % len(lines) // the last line goes on with sequence 0
			if sequence != 0 {
				ok(t, s.Fork(0, sequence))
			}
			sequences = append(sequences, sequence)
			logProb[i], argmax[i] = make([]float32, len(line)-1), make([]int32, len(line)-1)
		}
		ok(t, s.ScoreEach(sequences, lines, logProb, argmax))
		alone := newSession(t, c, 400, 1)
		for i, line := range lines {
			if got, want := s.Length(sequences[i]), len(context)+len(line); got != want {
				t.Errorf("sequence %d has %d tokens, want %d", sequences[i], got, want)
			}
			ok(t, alone.Truncate(0, 0))
			ok(t, alone.Prefill(0, context, nil))
			want, best := make([]float32, len(line)-1), make([]int32, len(line)-1)
			ok(t, alone.Score(0, line, want, best))
			if len(want) > 0 {
				near(t, "log-probabilities", logProb[i], want, c.sameLogits(precision))
			}
			if precision == engine.F32 && !slices.Equal(argmax[i], best) {
				t.Errorf("line %d: other likeliest tokens", i)
			}
		}
		if err := s.ScoreEach([]int{1, 1}, lines[1:3], logProb[1:3], argmax[1:3]); err == nil {
			t.Error("a sequence may be listed twice")
		}
		if err := s.ScoreEach([]int{1, 2}, lines[1:3], logProb[1:2], argmax[1:3]); err == nil {
			t.Error("a result may be missing")
		}
	})
}

func TestSession_RefusesBadArguments(t *testing.T) {
	c := openCase(t, someCase, engine.F32)
	vocab := c.model.Config().Vocab
	s := newSession(t, c, 40, 2)
	logits := make([]float32, vocab)
	ok(t, s.Prefill(0, someIDs(c, 30, 1), nil))
	for name, err := range map[string]error{
		"id beyond vocabulary":   s.Prefill(0, []int32{int32(vocab)}, nil),
		"negative id":            s.Decode([]int32{0}, []int32{-1}, logits),
		"more than the capacity": s.Prefill(0, someIDs(c, 11, 1), nil),
		"no tokens":              s.Prefill(0, nil, nil),
		"no such sequence":       s.Prefill(2, []int32{1}, nil),
		"no sequence to decode":  s.Decode([]int32{7}, []int32{1}, logits),
		"too many at once":       s.Decode(make([]int32, 9), make([]int32, 9), make([]float32, 9*vocab)),
		"short logits":           s.Prefill(0, []int32{1}, logits[:3]),
		"fork onto itself":       s.Fork(0, 0),
		"longer by truncation":   s.Truncate(0, 31),
		"negative length":        s.Truncate(0, -1),
	} {
		if !errors.Is(err, engine.ErrBadArgument) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if s.Length(0) != 30 {
		t.Errorf("after the refusals the sequence has %d tokens, want 30", s.Length(0))
	}
	ok(t, s.Prefill(0, someIDs(c, 8, 1), nil))
	if err := s.Decode([]int32{0, 0, 0}, []int32{1, 2, 3}, make([]float32, 3*vocab)); !errors.Is(err, engine.ErrBadArgument) || s.Length(0) != 38 {
		t.Errorf("tokens beyond the capacity: %v, %d tokens", err, s.Length(0))
	}
	ok(t, s.Prefill(0, someIDs(c, 2, 1), logits))
	ok(t, s.Fork(0, 1))
	if err := s.Fork(0, 1); !errors.Is(err, engine.ErrBadArgument) {
		t.Errorf("fork onto a sequence that is not empty: %v", err)
	}
	if err := s.Decode([]int32{1}, []int32{1}, logits); !errors.Is(err, engine.ErrBadArgument) {
		t.Errorf("a sequence beyond the capacity: %v", err)
	}
}
