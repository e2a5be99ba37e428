package train

import (
	"math"
	"slices"
	"testing"
)

func TestEpochOrder_DependsOnSeedAndEpochOnly(t *testing.T) {
	t.Parallel()
	a := epochOrder(100, 42, 0, true)
	if !slices.Equal(a, epochOrder(100, 42, 0, true)) {
		t.Error("the same seed and epoch gave two orders")
	}
	if slices.Equal(a, epochOrder(100, 42, 1, true)) || slices.Equal(a, epochOrder(100, 43, 0, true)) {
		t.Error("another epoch or seed gave the same order")
	}
	sorted := slices.Sorted(slices.Values(a))
	if !slices.Equal(sorted, epochOrder(100, 42, 0, false)) {
		t.Error("not a permutation of file order")
	}
}

// Every window of an epoch belongs to exactly one step, and the last step takes the remainder.
func TestSteps_CoverEachEpochOnce(t *testing.T) {
	t.Parallel()
	for _, s := range []Steps{{1, 1, 1}, {10, 2, 2}, {11, 2, 2}, {7, 3, 4}, {100, 2, 16}, {5, 8, 8}} {
		next := 0
		for step := 1; step <= 3*s.PerEpoch(); step++ {
			epoch, first, last := s.Step(step)
			if want := (step - 1) / s.PerEpoch(); epoch != want {
				t.Fatalf("%+v: step %d is in epoch %d, want %d", s, step, epoch, want)
			}
			if first != next || last <= first {
				t.Fatalf("%+v: step %d takes %d to %d after %d", s, step, first, last, next)
			}
			if next = last; last == s.Windows {
				next = 0
			}
		}
		if next != 0 {
			t.Errorf("%+v: three epochs end within an epoch", s)
		}
		if got := s.Epochs(s.PerEpoch()); math.Abs(got-1) > 1e-15 {
			t.Errorf("%+v: after an epoch's steps %v epochs are done", s, got)
		}
	}
}
