package generate

import (
	"errors"
	"math"
	"math/rand/v2"

	"ventriloquist/engine"
)

// Sampling is how a token is drawn from the model's distribution. First the distribution is restricted to what may come
// and renormalized, then the temperature applies, then top-k, then top-p; this is the order of Hugging Face.
type Sampling struct {
	Temperature float64 // 0: always the likeliest
	TopP        float64 // the fewest tokens, likeliest first, that hold this much; 0 or 1: all
	TopK        int     // the likeliest k; 0: all
	Seed        uint64
}

// sampler draws the tokens of one continuation. Its own generator makes a continuation the same whichever others are
// drawn beside it.
type sampler struct {
	Sampling
	random     *rand.Rand
	restricted []float32
	drawn      []candidate
}

type candidate struct {
	index  int     // of ids, or the id itself
	weight float64 // relative to the likeliest's
}

// newSampler is for continuation number i of those with this seed.
func newSampler(s Sampling, i int) *sampler {
	return &sampler{Sampling: s, random: rand.New(rand.NewPCG(s.Seed, uint64(i)))}
}

var errNotFinite = errors.New("the model gave no number for any token that may come next")

// pick draws from the ids, rising, or from all of logits when ids is nil, and returns the index of the one drawn. Of
// equally likely tokens the likeliest is the one with the lowest id.
func (s *sampler) pick(logits []float32, ids []int32) (int, error) {
	if ids != nil {
		s.restricted = s.restricted[:0]
		for _, id := range ids {
			s.restricted = append(s.restricted, logits[id])
		}
		logits = s.restricted
	}
	best := -1
	for i, l := range logits {
		if (best < 0 || l > logits[best]) && l == l {
			best = i
		}
	}
	if best < 0 || math.IsInf(float64(logits[best]), 0) {
		return 0, errNotFinite
	}
	if s.Temperature == 0 {
		return best, nil
	}
	s.drawn = s.drawn[:0]
	highest := float64(logits[best])
	floor := float32(highest + negligible*s.Temperature)
	for i, l := range logits {
		if l >= floor {
			s.add(i, l, highest)
		}
	}
	s.cut()
	return s.draw(), nil
}

// pickSelected draws as pick does, from tokens that were restricted already and of which none is negligible: all of them,
// or with temperature 0 those that are likeliest.
func (s *sampler) pickSelected(c engine.Candidates) (int32, error) {
	highest := float64(c.Highest)
	if c.Count == 0 || math.IsInf(highest, 0) {
		return 0, errNotFinite
	}
	if s.Temperature == 0 {
		return c.IDs[0], nil
	}
	s.drawn = s.drawn[:0]
	for i, id := range c.IDs {
		s.add(int(id), c.Logits[i], highest)
	}
	s.cut()
	return int32(s.draw()), nil
}

func (s *sampler) add(index int, logit float32, highest float64) {
	s.drawn = append(s.drawn, candidate{index: index, weight: math.Exp((float64(logit) - highest) / s.Temperature)})
}

// negligible is where a token's share is taken for nothing: a whole vocabulary of such tokens weighs some 1e-8 of the
// likeliest, less than the rounding of the model's output.
const negligible = -30

// cut applies top-k, then top-p.
func (s *sampler) cut() {
	if s.TopK > 0 && s.TopK < len(s.drawn) {
		s.drawn = likeliest(s.drawn, func(count int, _ float64) bool { return count >= s.TopK })
	}
	if s.TopP > 0 && s.TopP < 1 {
		enough := s.TopP * total(s.drawn)
		s.drawn = likeliest(s.drawn, func(_ int, weight float64) bool { return weight >= enough })
	}
}

// likeliest returns the fewest candidates, likeliest first, whose count and weight are enough. It does not sort a whole
// vocabulary for that, which would take longer than the model does, but narrows down where the cut is as quickselect does:
// cs[:lo] are surely in, cs[hi:] surely out, and everything before is likelier than everything behind.
func likeliest(cs []candidate, enough func(count int, weight float64) bool) []candidate {
	lo, hi := 0, len(cs)
	var sum float64 // of cs[:lo]
	for lo < hi {
		p, left := partition(cs, lo, hi)
		switch {
		case enough(p, sum+left):
			hi = p
		case enough(p+1, sum+left+cs[p].weight):
			return cs[:p+1]
		default:
			sum += left + cs[p].weight
			lo = p + 1
		}
	}
	return cs[:lo]
}

// partition moves what is likelier than one of cs[lo:hi], the pivot, before it and the rest behind. It returns the
// pivot's place and the weight of what is before it in cs[lo:].
func partition(cs []candidate, lo, hi int) (pivot int, left float64) {
	mid := lo + (hi-lo)/2
	cs[mid], cs[hi-1] = cs[hi-1], cs[mid]
	last := cs[hi-1]
	pivot = lo
	for i := lo; i < hi-1; i++ {
		c := cs[i]
		if c.weight > last.weight || c.weight == last.weight && c.index < last.index {
			left += c.weight
			cs[i], cs[pivot] = cs[pivot], c
			pivot++
		}
	}
	cs[pivot], cs[hi-1] = last, cs[pivot]
	return pivot, left
}

func total(cs []candidate) (sum float64) {
	for _, c := range cs {
		sum += c.weight
	}
	return sum
}

// draw takes one of the candidates by weight.
func (s *sampler) draw() int {
	mark := s.random.Float64() * total(s.drawn)
	for _, c := range s.drawn {
		if mark -= c.weight; mark < 0 {
			return c.index
		}
	}
	return s.drawn[len(s.drawn)-1].index
}
