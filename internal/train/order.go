package train

import "math/rand/v2"

// epochOrder is the order in which the windows of one epoch are visited: a permutation of n drawn from the seed and the
// epoch (from 0) alone, so that a resumed run meets the same windows; file order without shuffling.
func epochOrder(n int, seed uint64, epoch int, shuffle bool) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if shuffle {
		r := rand.New(rand.NewPCG(seed, uint64(epoch)))
		r.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	return order
}

// Steps is how the windows of a run fall into micro-batches and optimizer steps.
type Steps struct {
	Windows      int // of an epoch
	BatchSize    int // windows a micro-batch
	Accumulation int // micro-batches an optimizer step
}

// MicroBatches is the number of micro-batches of an epoch; the last may be smaller.
func (s Steps) MicroBatches() int { return ceilDiv(s.Windows, s.BatchSize) }

// PerEpoch is the number of optimizer steps of an epoch; the last accumulates what is left.
func (s Steps) PerEpoch() int { return ceilDiv(s.MicroBatches(), s.Accumulation) }

// Step returns the epoch (from 0) of an optimizer step (from 1) and its windows as positions first to last (exclusive)
// in that epoch's order.
func (s Steps) Step(step int) (epoch, first, last int) {
	epoch = (step - 1) / s.PerEpoch()
	inEpoch := (step - 1) % s.PerEpoch()
	first = inEpoch * s.Accumulation * s.BatchSize
	last = min(first+s.Accumulation*s.BatchSize, s.Windows)
	return epoch, first, last
}

// Epochs is how many epochs have been done after a step, as a fraction.
func (s Steps) Epochs(step int) float64 {
	epoch, _, last := s.Step(step)
	return float64(epoch) + float64(ceilDiv(last, s.BatchSize))/float64(s.MicroBatches())
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
