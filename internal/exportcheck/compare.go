package exportcheck

import (
	"fmt"
	"math"
	"slices"

	"ventriloquist/internal/model/gguf"
)

// Comparison is how an exported model's Run differs from the original's.
type Comparison struct {
	Windows int
	Equal   int     // windows whose greedy lines are the same
	Tied    int     // windows whose lines part where the original's two most likely tokens are as good as equal
	KL      float64 // mean over the scored tokens of the divergence of the export from the original, in nats
	Largest float64 // largest such divergence
}

// tie is the difference of log-probability within which two tokens are as good as equal, for each type of weights.
var tie = map[gguf.Type]float64{gguf.F32: 1e-3, gguf.F16: 0.02, gguf.BF16: 0.1, gguf.Q8_0: 0.2}

// Compare compares an export of weights in type t with the original.
func Compare(original, export *Run, t gguf.Type) (Comparison, error) {
	c := Comparison{Windows: len(original.windows)}
	tokens := 0
	for i, want := range original.windows {
		got := export.windows[i]
		switch at := partsAt(want.line, got.line); {
		case at < 0:
			c.Equal++
		case at < len(want.gaps) && want.gaps[at] < tie[t]:
			c.Tied++
		}
		for row := range want.logProbs {
			kl := divergence(want.logProbs[row], got.logProbs[row])
			if math.IsNaN(kl) || math.IsInf(kl, 0) {
				return c, fmt.Errorf("window %d: a probability is not finite", i)
			}
			c.KL += kl
			c.Largest = max(c.Largest, kl)
			tokens++
		}
	}
	c.KL /= float64(max(tokens, 1))
	return c, nil
}

// partsAt returns the place of the first token that differs, -1 for equal lines.
func partsAt(a, b []int32) int {
	if slices.Equal(a, b) {
		return -1
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// divergence is the Kullback-Leibler divergence of q from p.
func divergence(p, q []float32) (sum float64) {
	for i := range p {
		sum += math.Exp(float64(p[i])) * (float64(p[i]) - float64(q[i]))
	}
	return max(sum, 0)
}

// Limits are what a type of weights may change.
type Limits struct {
	KL    float64 // mean
	Texts bool    // whether the greedy texts must be the same, but for ties
}

// LimitsOf returns the limits of a type of weights. Where the engine computes in less than float32, rounding in between adds to the
// differences.
func LimitsOf(t gguf.Type, exactly bool) Limits {
	limits := map[gguf.Type]Limits{gguf.F32: {1e-6, true}, gguf.F16: {1e-3, true}, gguf.BF16: {0.02, false}, gguf.Q8_0: {0.02, false}}[t]
	if !exactly {
		limits = Limits{max(limits.KL, 0.02), false}
	}
	return limits
}

// Within returns an error if the comparison exceeds the limits.
func (c Comparison) Within(l Limits) error {
	if !(c.KL <= l.KL) {
		return fmt.Errorf("the export's probabilities differ: KL %.2g per token, more than %.2g", c.KL, l.KL)
	}
	if parted := c.Windows - c.Equal - c.Tied; l.Texts && parted > 0 {
		return fmt.Errorf("%d of %d greedy texts differ from the original's", parted, c.Windows)
	}
	return nil
}
