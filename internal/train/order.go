package train

import "math/rand/v2"

// epochOrder returns the order in which an epoch (from 0) visits its windows: with shuffling a permutation of n that depends
// only on the seed and the epoch, so that a resumed run meets the same windows, and otherwise file order.
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

// Steps divides the windows of an epoch into micro-batches and optimizer steps.
type Steps struct {
	Windows      int // per epoch
	BatchSize    int // windows per micro-batch
	Accumulation int // micro-batches per optimizer step
}

// MicroBatches returns the number of micro-batches per epoch; the last may be smaller.
func (s Steps) MicroBatches() int { return ceilDiv(s.Windows, s.BatchSize) }

// PerEpoch returns the number of optimizer steps per epoch; the last accumulates what remains.
func (s Steps) PerEpoch() int { return ceilDiv(s.MicroBatches(), s.Accumulation) }

// Step returns the epoch (from 0) of an optimizer step (from 1), and the positions in that epoch's order of its windows,
// from first up to but not including last.
func (s Steps) Step(step int) (epoch, first, last int) {
	epoch = (step - 1) / s.PerEpoch()
	inEpoch := (step - 1) % s.PerEpoch()
	first = inEpoch * s.Accumulation * s.BatchSize
	last = min(first+s.Accumulation*s.BatchSize, s.Windows)
	return epoch, first, last
}

// Epochs returns the number of epochs done after a step, as a fraction.
func (s Steps) Epochs(step int) float64 {
	epoch, _, last := s.Step(step)
	return float64(epoch) + float64(ceilDiv(last, s.BatchSize))/float64(s.MicroBatches())
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
