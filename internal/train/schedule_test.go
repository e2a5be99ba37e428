package train

import (
	"math"
	"testing"
)

// Values of transformers.get_scheduler(kind, AdamW(lr=1), num_warmup_steps=2, num_training_steps=8), the rate that each
// optimizer step used.
func TestSchedule_MatchesTransformers(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string][]float64{
		"cosine":               {0, 0.5, 1, 0.9330127018922194, 0.75, 0.5, 0.25, 0.06698729810778059},
		"linear":               {0, 0.5, 1, 0.8333333333333334, 0.6666666666666666, 0.5, 0.3333333333333333, 0.16666666666666666},
		"constant_with_warmup": {0, 0.5, 1, 1, 1, 1, 1, 1},
		"constant":             {1, 1, 1, 1, 1, 1, 1, 1},
	} {
		s, err := NewSchedule(kind, 1, 0.25, 8)
		if err != nil {
			t.Fatal(err)
		}
		for i, rate := range want {
			if got := s.Rate(i + 1); math.Abs(got-rate) > 1e-12 {
				t.Errorf("%s: step %d uses %v, transformers %v", kind, i+1, got, rate)
			}
		}
	}
}

func TestSchedule_WarmupIsRoundedUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ratio float64
		total int
		want  int
	}{{0.03, 100, 3}, {0.03, 101, 4}, {0.03, 1, 1}, {0, 50, 0}, {0.03, 34, 2}} {
		s, err := NewSchedule("cosine", 1, c.ratio, c.total)
		if err != nil {
			t.Fatal(err)
		}
		if s.WarmupSteps != c.want {
			t.Errorf("ratio %v of %d: %d warm-up steps, want %d", c.ratio, c.total, s.WarmupSteps, c.want)
		}
	}
}

func TestNewSchedule_RejectsUnknownKind(t *testing.T) {
	t.Parallel()
	if _, err := NewSchedule("cosin", 1, 0, 10); err == nil {
		t.Error("accepted")
	}
}
