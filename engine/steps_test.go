package engine_test

import (
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"ventriloquist/engine"
)

// onDevices runs a test on the processor and, where it is built, on the CUDA device's stand-in.
func onDevices(t *testing.T, test func(t *testing.T, c *goldenCase)) {
	t.Run("cpu", func(t *testing.T) { test(t, openCase(t, someCase, engine.BF16)) })
	t.Run("cuda", func(t *testing.T) {
		if _, err := os.Stat(cudaSim); err != nil {
			t.Skipf("%s is not built: make test builds it", cudaSim)
		}
		test(t, openCaseOn(t, openCUDA, someCase, engine.BF16, engine.Plain))
	})
}

// writeParameters sets the adapter to what parameters gave.
func writeParameters(t *testing.T, c *goldenCase, all []float32) {
	t.Helper()
	c.pairs(func(_ string, layer int, target engine.Target, a, b []float32) {
		all = all[copy(a, all):]
		all = all[copy(b, all):]
		ok(t, c.adapter.Write(layer, target, a, b))
	})
}

// An update that is ended after the next step has begun, or is even filled, has the result of one that is waited
// for.
func TestTrainer_OverlappedStepsMatchSequential(t *testing.T) {
	onDevices(t, func(t *testing.T, c *goldenCase) {
		c.withDropout(t, 0.2)
		start := parameters(t, c)
		run := func(overlap bool) ([]float32, []engine.UpdateResult) {
			writeParameters(t, c, start)
			tr := newTrainer(t, c, goldenLimits)
			var results []engine.UpdateResult
			end := func() {
				result, err := tr.EndUpdate()
				ok(t, err)
				results = append(results, result)
			}
			slot := 0
			for i, step := range c.Steps[:2] {
				for j, windows := range step.MicroBatches {
					ok(t, tr.Wait(slot))
					count, targets := fill(tr, slot, windows)
					ok(t, tr.Accumulate(slot, count, targets, uint64(100*i+j)))
					if overlap && i > 0 && j == 0 {
						end()
					}
					slot = 1 - slot
				}
				ok(t, tr.BeginUpdate(update(1e-2, int64(i+1))))
				if !overlap || i == 1 {
					end()
				}
			}
			return parameters(t, c), results
		}
		waited, waitedResults := run(false)
		overlapped, results := run(true)
		if !slices.Equal(waited, overlapped) || slices.Equal(waited, start) {
			t.Error("the adapter is another when steps overlap, or has not changed")
		}
		if !slices.Equal(waitedResults, results) {
			t.Errorf("the steps see %v when they overlap, else %v", results, waitedResults)
		}
	})
}

// A non-finite loss becomes known after the next step has begun: that step is dropped, and the adapter is as
// before both.
func TestTrainer_NonFiniteLossDropsTheStepBehindIt(t *testing.T) {
	onDevices(t, func(t *testing.T, c *goldenCase) {
		tr := newTrainer(t, c, goldenLimits)
		before := parameters(t, c)
		windows := c.Steps[0].MicroBatches[0]
		count, targets := fill(tr, 0, windows)
		tr.Batch(0).TargetWeight[0] = float32(math.Inf(1))
		ok(t, tr.Accumulate(0, count, targets, 1))
		ok(t, tr.BeginUpdate(update(1e-2, 1)))
		fill(tr, 1, windows)
		ok(t, tr.Accumulate(1, count, targets, 2))
		result, err := tr.EndUpdate()
		if !errors.Is(err, engine.ErrNotFinite) {
			t.Fatalf("error %v, want %v", err, engine.ErrNotFinite)
		}
		if !math.IsInf(result.LossSum, 0) && !math.IsNaN(result.LossSum) {
			t.Errorf("the result has loss %g", result.LossSum)
		}
		if !slices.Equal(parameters(t, c), before) {
			t.Error("the adapter has changed")
		}
		if slices.ContainsFunc(gradients(t, c, tr), func(g float32) bool { return g != 0 }) {
			t.Error("gradients of the dropped step are left")
		}
		fill(tr, 0, windows)
		ok(t, tr.Accumulate(0, count, targets, 1))
		result, err = tr.Update(update(1e-2, 1))
		ok(t, err)
		if !(result.LossSum > 0 && result.LossSum < 1e6) {
			t.Errorf("the step after has loss %g", result.LossSum)
		}
	})
}

func TestTrainer_OneUpdateAtATime(t *testing.T) {
	c := openCase(t, someCase, engine.F32)
	tr := newTrainer(t, c, goldenLimits)
	if _, err := tr.EndUpdate(); !errors.Is(err, engine.ErrBadArgument) {
		t.Errorf("ending no update: %v", err)
	}
	accumulate(t, tr, c.Steps[0].MicroBatches, 1)
	ok(t, tr.BeginUpdate(update(1e-2, 1)))
	if err := tr.BeginUpdate(update(1e-2, 2)); !errors.Is(err, engine.ErrBadArgument) {
		t.Errorf("beginning a second update: %v", err)
	}
	_, err := tr.EndUpdate()
	ok(t, err)
}
