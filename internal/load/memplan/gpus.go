package memplan

// A GPU is a card as its maker publishes it.
type GPU struct {
	Name   string  // as the option gpu_type takes it
	Title  string  // the product name
	Memory uint64  // bytes that CUDA gives to programs, less than nvidia-smi's total
	BF16   float64 // dense FLOP/s of the tensor cores with sums in fp32
	FP8    float64 // the same for e4m3, 0 where there is none
	Source string

	Multiprocessors int
}

// usableShare is the least share of nvidia-smi's total that CUDA gave to programs on cards of which both are known: 39.38 of
// 40 GiB on an A100. It stands in for cards of which only that total is known.
const usableShare = 0.984

// Usable returns what CUDA gives to programs on a card whose whole memory is known.
func Usable(memory uint64) uint64 { return uint64(usableShare * float64(memory)) }

// GPUs are the cards that a plan can be made for. Of cards that share a name, the usual one is first.
var GPUs = allGPUs()

func allGPUs() []GPU {
	list := append([]GPU{}, published...)
	for _, c := range computed {
		list = append(list, c.gpu())
	}
	return list
}

func mostMultiprocessors() int {
	most := 0
	for _, g := range GPUs {
		most = max(most, g.Multiprocessors)
	}
	return most
}

// The memory of cards with "24 GB" differs: CUDA gives 22.1 of them on an L4, and 23.7 on a GeForce RTX 3090.
const (
	leastOfMemory = 0.92
	mostOfMemory  = 1.04
)

// GPUsWithMemory returns the cards that have about this much usable memory, or if there are none, those with the least memory above
// it, or below it.
func GPUsWithMemory(usable uint64) []GPU {
	around := func(memory uint64) (list []GPU) {
		for _, g := range GPUs {
			if share := float64(g.Memory) / float64(memory); share >= leastOfMemory && share <= mostOfMemory {
				list = append(list, g)
			}
		}
		return list
	}
	if list := around(usable); len(list) > 0 {
		return list
	}
	largest, next := uint64(0), uint64(0)
	for _, g := range GPUs {
		largest = max(largest, g.Memory)
		if g.Memory > usable && (next == 0 || g.Memory < next) {
			next = g.Memory
		}
	}
	if next == 0 {
		next = largest
	}
	return around(next)
}
