package engine_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"ventriloquist/engine"
)

// someCase is the case with all targets and grouped heads.
const someCase = "tied-grouped-bf16"

// smallCase is the case that the simulated GPU computes fastest.
const smallCase = "tied-multiquery"

// fewCases have tied and untied embeddings, one layer and two, for what is made of passes whose logits and gradients are compared in
// every case.
var fewCases = []string{smallCase, "untied-one-layer-bf16"}

// gradients reads everything accumulated, as one vector.
func gradients(t *testing.T, c *goldenCase, tr *engine.Trainer) []float32 {
	t.Helper()
	var all []float32
	c.pairs(func(_ string, layer int, target engine.Target, a, b []float32) {
		ok(t, tr.ReadGradients(layer, target, a, b))
		all = append(append(all, a...), b...)
	})
	return all
}

func parameters(t *testing.T, c *goldenCase) []float32 {
	t.Helper()
	var all []float32
	c.pairs(func(_ string, layer int, target engine.Target, a, b []float32) {
		ok(t, c.adapter.Read(layer, target, a, b))
		all = append(append(all, a...), b...)
	})
	return all
}

// withDropout replaces the case's adapter by one with dropout.
func (c *goldenCase) withDropout(t *testing.T, p float32) {
	t.Helper()
	config := c.adapter.Config()
	config.Dropout = p
	a, err := c.model.NewAdapter(config)
	ok(t, err)
	c.pairs(func(_ string, layer int, target engine.Target, A, B []float32) {
		ok(t, c.adapter.Read(layer, target, A, B))
		ok(t, a.Write(layer, target, A, B))
	})
	c.adapter.Close()
	c.adapter = a
}

// update is a step of the learning rate alone.
func update(rate float32, step int64) engine.Update {
	return engine.Update{LearningRate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01, MaxGradNorm: 1,
		Normalizer: 10, Step: step}
}

// Rows of one window do not see those of another: a packed batch gives each window's own losses, and the gradients are
// those of the windows one at a time up to the order of sums. In bf16 attention rounds its weights relative to the largest
// of a block of keys, and the packing decides where the blocks begin: the difference is of the size of bf16's error.
func TestTrainer_PackedMatchesUnpacked(t *testing.T) {
	forEachCaseAndOnCUDA(t, []string{smallCase}, func(t *testing.T, c *goldenCase, precision engine.DType) {
		windows := slices.Concat(c.Steps[0].MicroBatches...)
		tr := newTrainer(t, c, goldenLimits)
		count, targets := fill(tr, 0, windows)
		packed := make([]float32, targets)
		ok(t, tr.Evaluate(0, count, targets, packed))
		var single []float32
		for _, w := range windows {
			count, targets := fill(tr, 0, []window{w})
			loss := make([]float32, targets)
			ok(t, tr.Evaluate(0, count, targets, loss))
			single = append(single, loss...)
		}
		lossTolerance, gradientTolerance := 1e-5, 1e-5
		if precision == engine.BF16 {
			lossTolerance, gradientTolerance = c.BF16Error.Logits, c.BF16Error.Gradients
		}
		near(t, "losses", packed, single, lossTolerance)

		accumulate(t, tr, [][]window{windows}, 1)
		together := gradients(t, c, tr)
		_, err := tr.Update(update(0, 1))
		ok(t, err)
		for _, w := range windows {
			accumulate(t, tr, [][]window{{w}}, 1)
		}
		near(t, "gradients", gradients(t, c, tr), together, gradientTolerance)
	})
}

// train runs a few steps with dropout and returns the adapter's bytes.
func train(t *testing.T, name string, precision engine.DType, limits engine.TrainLimits, seed uint64) []float32 {
	t.Helper()
	c := openCase(t, name, precision)
	c.withDropout(t, 0.2)
	tr := newTrainer(t, c, limits)
	for i, step := range c.Steps[:3] {
		accumulate(t, tr, step.MicroBatches, seed+uint64(100*i))
		_, err := tr.Update(update(1e-2, int64(i+1)))
		ok(t, err)
	}
	return parameters(t, c)
}

func TestTrainer_SameSeedSameBytes(t *testing.T) {
	for _, precision := range []engine.DType{engine.F32, engine.BF16} {
		first := train(t, someCase, precision, goldenLimits, 7)
		if !slices.Equal(first, train(t, someCase, precision, goldenLimits, 7)) {
			t.Errorf("%s: two runs with one seed differ", precision)
		}
		if slices.Equal(first, train(t, someCase, precision, goldenLimits, 8)) {
			t.Errorf("%s: another dropout seed changes nothing", precision)
		}
	}
}

func TestTrainer_RecomputeMatchesSaved(t *testing.T) {
	recompute := goldenLimits
	recompute.RecomputeLayers = 100
	for _, name := range caseNames(t) {
		for _, precision := range []engine.DType{engine.F32, engine.BF16} {
			if !slices.Equal(train(t, name, precision, goldenLimits, 7), train(t, name, precision, recompute, 7)) {
				t.Errorf("%s %s: recomputing changed the bytes", name, precision)
			}
		}
	}
}

// The gradient of the whole model with dropout: central differences of the step's loss along the gradient's direction
// and along random ones, with the same masks.
func TestTrainer_GradientMatchesFiniteDifferences(t *testing.T) {
	for _, name := range caseNames(t) {
		for _, dropout := range []float32{0, 0.3} {
			c := openCase(t, name, engine.F32)
			c.withDropout(t, dropout)
			tr := newTrainer(t, c, goldenLimits)
			batches := c.Steps[0].MicroBatches
			accumulate(t, tr, batches, 3)
			gradient := gradients(t, c, tr)
			at := parameters(t, c)

			// lossAt is the step's loss with the adapter moved by h along direction. Its rounding is about 1e-7 of the loss,
			// so h is chosen to make the difference some 1e-3 of it; the curvature then costs about as much squared.
			lossAt := func(direction []float32, h float64) float64 {
				i := 0
				c.pairs(func(_ string, layer int, target engine.Target, a, b []float32) {
					for _, m := range [][]float32{a, b} {
						for j := range m {
							m[j] = float32(float64(at[i]) + h*float64(direction[i]))
							i++
						}
					}
					ok(t, c.adapter.Write(layer, target, a, b))
				})
				_, err := tr.Update(update(0, 1)) // forgets what was accumulated
				ok(t, err)
				accumulate(t, tr, batches, 3)
				u := update(0, 1)
				u.WeightDecay = 0
				result, err := tr.Update(u)
				ok(t, err)
				return result.LossSum
			}
			random := rand.New(rand.NewPCG(1, 2))
			for trial := range 4 {
				direction := slices.Clone(gradient)
				if trial > 0 {
					for i := range direction {
						direction[i] = float32(random.NormFloat64()) + direction[i]/10
					}
				}
				var slope float64
				for i := range gradient {
					slope += float64(gradient[i]) * float64(direction[i])
				}
				h := 1e-3 * lossAt(direction, 0) / math.Abs(slope)
				measured := (lossAt(direction, h) - lossAt(direction, -h)) / (2 * h)
				if math.Abs(measured-slope) > 2e-3*math.Abs(slope) {
					t.Errorf("%s dropout %g direction %d: slope %g, gradient says %g", name, dropout, trial, measured, slope)
				}
			}
		}
	}
}

func TestTrainer_EvaluateSkipsDropout(t *testing.T) {
	c := openCase(t, someCase, engine.F32)
	windows := c.Steps[0].MicroBatches[0]
	losses := func() []float32 {
		tr := newTrainer(t, c, goldenLimits)
		count, targets := fill(tr, 0, windows)
		loss := make([]float32, targets)
		ok(t, tr.Evaluate(0, count, targets, loss))
		return loss
	}
	without := losses()
	c.withDropout(t, 0.5)
	if !slices.Equal(losses(), without) {
		t.Error("dropout changes the losses of an evaluation")
	}
}

// Evaluating between accumulating and updating leaves the step alone.
func TestTrainer_EvaluateKeepsGradients(t *testing.T) {
	c := openCase(t, someCase, engine.F32)
	tr := newTrainer(t, c, goldenLimits)
	accumulate(t, tr, c.Steps[0].MicroBatches, 1)
	before := gradients(t, c, tr)
	count, targets := fill(tr, 0, c.Steps[1].MicroBatches[0])
	ok(t, tr.Evaluate(0, count, targets, make([]float32, targets)))
	if !slices.Equal(gradients(t, c, tr), before) {
		t.Error("an evaluation changed the gradients")
	}
}

// A target's weight scales its loss and its gradient; with weight 0 it might as well not be there.
func TestTrainer_TargetWeights(t *testing.T) {
	c := openCase(t, someCase, engine.F32)
	tr := newTrainer(t, c, goldenLimits)
	windows := c.Steps[0].MicroBatches[0]
	run := func(weight func(i int) float32) ([]float32, float64) {
		count, targets := fill(tr, 0, windows)
		for i := range targets {
			tr.Batch(0).TargetWeight[i] = weight(i)
		}
		ok(t, tr.Accumulate(0, count, targets, 1))
		g := gradients(t, c, tr)
		result, err := tr.Update(update(0, 1))
		ok(t, err)
		return g, result.LossSum
	}
	half, halfLoss := run(func(int) float32 { return 0.5 })
	even, evenLoss := run(func(i int) float32 { return float32((i + 1) % 2) })
	odd, oddLoss := run(func(i int) float32 { return float32(i % 2) })
	sum := make([]float32, len(even))
	for i := range sum {
		sum[i] = (even[i] + odd[i]) / 2
	}
	near(t, "gradients", sum, half, 1e-5)
	if math.Abs((evenLoss+oddLoss)/2-halfLoss) > 1e-5*halfLoss {
		t.Errorf("losses %g and %g do not add up to twice %g", evenLoss, oddLoss, halfLoss)
	}
}

// Adapter and moments written into a new trainer go on to the same bytes.
func TestTrainer_ResumeFromMoments(t *testing.T) {
	run := func(restart bool) []float32 {
		c := openCase(t, someCase, engine.F32)
		c.withDropout(t, 0.1)
		tr := newTrainer(t, c, goldenLimits)
		for i, step := range c.Steps[:4] {
			if restart && i == 2 {
				fresh, err := c.model.NewTrainer(c.adapter, goldenLimits, true)
				ok(t, err)
				c.pairs(func(_ string, layer int, target engine.Target, a, b []float32) {
					m := engine.Moments{AM: a, AV: make([]float32, len(a)), BM: b, BV: make([]float32, len(b))}
					ok(t, tr.ReadMoments(layer, target, m))
					ok(t, fresh.WriteMoments(layer, target, m))
				})
				tr.Close()
				tr = fresh
				t.Cleanup(tr.Close)
			}
			accumulate(t, tr, step.MicroBatches, uint64(10*i))
			_, err := tr.Update(update(1e-2, int64(i+1)))
			ok(t, err)
		}
		return parameters(t, c)
	}
	if !slices.Equal(run(false), run(true)) {
		t.Error("a resumed run goes another way")
	}
}

func TestTrainer_NonFiniteLossUpdatesNothing(t *testing.T) {
	c := openCase(t, someCase, engine.F32)
	tr := newTrainer(t, c, goldenLimits)
	before := parameters(t, c)
	count, targets := fill(tr, 0, c.Steps[0].MicroBatches[0])
	tr.Batch(0).TargetWeight[0] = float32(math.Inf(1))
	ok(t, tr.Accumulate(0, count, targets, 1))
	result, err := tr.Update(update(1e-2, 1))
	if !errors.Is(err, engine.ErrNotFinite) {
		t.Fatalf("error %v, want %v", err, engine.ErrNotFinite)
	}
	if !math.IsInf(result.LossSum, 0) && !math.IsNaN(result.LossSum) {
		t.Errorf("the result has loss %g", result.LossSum)
	}
	if !slices.Equal(parameters(t, c), before) {
		t.Error("the adapter has changed")
	}
	for _, g := range gradients(t, c, tr) {
		if g != 0 {
			t.Fatal("the gradients are not zero")
		}
	}
	accumulate(t, tr, c.Steps[0].MicroBatches, 1)
	_, err = tr.Update(update(1e-2, 1))
	ok(t, err)
}

func TestTrainer_RefusesBadBatches(t *testing.T) {
	c := openCase(t, someCase, engine.F32)
	tr := newTrainer(t, c, goldenLimits)
	vocab := int32(c.model.Config().Vocab)
	for name, spoil := range map[string]func(b *engine.Batch, rows int32){
		"negative id":            func(b *engine.Batch, _ int32) { b.IDs[1] = -1 },
		"id beyond vocabulary":   func(b *engine.Batch, _ int32) { b.IDs[0] = vocab },
		"empty window":           func(b *engine.Batch, _ int32) { b.WindowBegin[1] = 0 },
		"first window not at 0":  func(b *engine.Batch, _ int32) { b.WindowBegin[0] = 1 },
		"windows descend":        func(b *engine.Batch, _ int32) { b.WindowBegin[2] = b.WindowBegin[1] - 1 },
		"too many rows":          func(b *engine.Batch, _ int32) { b.WindowBegin[3] = int32(goldenLimits.MaxTokens) + 1 },
		"target row negative":    func(b *engine.Batch, _ int32) { b.TargetRow[0] = -1 },
		"target row repeated":    func(b *engine.Batch, _ int32) { b.TargetRow[1] = b.TargetRow[0] },
		"target row beyond rows": func(b *engine.Batch, rows int32) { b.TargetRow[1] = rows },
		"target id negative":     func(b *engine.Batch, _ int32) { b.TargetID[0] = -7 },
		"target id too large":    func(b *engine.Batch, _ int32) { b.TargetID[1] = vocab },
	} {
		count, targets := fill(tr, 0, c.Steps[0].MicroBatches[0])
		if targets < 2 {
			t.Fatal("the case has too few targets for this test")
		}
		b := tr.Batch(0)
		spoil(b, b.WindowBegin[count])
		if name == "target row beyond rows" || name == "target id too large" {
			targets = 2
		}
		if err := tr.Accumulate(0, count, targets, 1); !errors.Is(err, engine.ErrBadArgument) {
			t.Errorf("%s: error %v", name, err)
		}
		if err := tr.Evaluate(0, count, targets, make([]float32, targets)); !errors.Is(err, engine.ErrBadArgument) {
			t.Errorf("%s: evaluation: error %v", name, err)
		}
	}
	for _, bad := range [][3]int{{2, 1, 1}, {-1, 1, 1}, {0, 0, 1}, {0, 1, 0}, {0, goldenLimits.MaxWindows + 1, 1}, {0, 1, 65}} {
		if err := tr.Accumulate(bad[0], bad[1], bad[2], 1); !errors.Is(err, engine.ErrBadArgument) {
			t.Errorf("slot %d, %d windows, %d targets: error %v", bad[0], bad[1], bad[2], err)
		}
	}
}

// The figure of the design for Qwen3-0.6B: 2.976 GFLOP a token at rank 128, 2,048 tokens, loss on 40.
func TestTrainingFLOPs_Qwen3Small(t *testing.T) {
	m := engine.ModelConfig{Layers: 28, Hidden: 1024, FFN: 3072, Heads: 16, KVHeads: 8, HeadDim: 128, Vocab: 151936,
		Tied: true, NormEps: 1e-6, RopeTheta: 1e6}
	a := engine.AdapterConfig{Rank: 128, Scale: 2, Targets: engine.AllTargets}
	perToken := engine.TrainingFLOPs(m, a, 0, []int64{2048, 2048}, []int64{40, 40}).Useful() / 4096
	if math.Abs(perToken-2.976e9) > 0.0005e9 {
		t.Errorf("%.4f GFLOP a token, want 2.976", perToken/1e9)
	}
}

func TestHandles_CloseTwice(t *testing.T) {
	c := openCase(t, someCase, engine.F32)
	tr := newTrainer(t, c, goldenLimits)
	s, err := c.model.NewSession(c.adapter, 32, 1)
	ok(t, err)
	for range 2 {
		s.Close()
		tr.Close()
	}
	if err := tr.Wait(0); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("waiting on a closed trainer: %v", err)
	}
	if err := s.Prefill(0, []int32{1}, nil); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("prefill of a closed session: %v", err)
	}
	for _, handle := range []any{(*engine.Device)(nil), (*engine.Model)(nil), (*engine.Adapter)(nil),
		(*engine.Trainer)(nil), (*engine.Session)(nil)} {
		reflect.ValueOf(handle).MethodByName("Close").Call(nil)
	}
}
