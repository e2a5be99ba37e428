package generate

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"ventriloquist/engine"
)

// Sampling says how a token is drawn from the model's distribution. The repetition penalty changes the model's logits; then the
// distribution is restricted to the allowed tokens and renormalized, and temperature, top-k, top-p and min-p apply, in the order
// of Hugging Face. The zero values of all but Temperature leave the distribution as it is.
type Sampling struct {
	Temperature float64 // 0: greedy
	TopP        float64 // nucleus sampling: the smallest set of tokens with this much probability; 0 or 1: all
	TopK        int     // the k most likely tokens; 0: all
	MinP        float64 // the tokens with at least this share of the most likely token's probability; 0: all
	// RepetitionPenalty divides the positive logits, and multiplies the negative ones, of the tokens that the message's text has
	// already (with Options.Raw, of all tokens written); 0 or 1: none.
	RepetitionPenalty float64
	// FrequencyPenalty is subtracted from the logits of these tokens for each time that they came, PresencePenalty once.
	FrequencyPenalty, PresencePenalty float64
	Bias                              map[int32]float64 // added to the logits of these tokens
	Seed                              uint64
}

// penalizes reports whether the penalties change the logits of tokens that came before.
func (s *Sampling) penalizes() bool {
	return s.RepetitionPenalty > 0 && s.RepetitionPenalty != 1 || s.FrequencyPenalty != 0 || s.PresencePenalty != 0
}

// sampler draws the tokens of one continuation. It has its own random generator, so that a continuation does not depend on
// the others drawn with it.
type sampler struct {
	Sampling
	random     *rand.Rand
	repeated   []int32       // the distinct tokens that the penalties apply to: of the text so far; when raw, all
	counts     map[int32]int // how often each of them came
	restricted []float32
	drawn      []candidate
}

type candidate struct {
	index  int     // position in the list of allowed ids, or the id itself
	weight float64 // relative to the most likely candidate
}

// newSampler returns the sampler of continuation number i.
func newSampler(s Sampling, i int) *sampler {
	return &sampler{Sampling: s, random: rand.New(rand.NewPCG(s.Seed, uint64(i)))}
}

// count notes a token that the penalties apply to.
func (s *sampler) count(id int32) {
	if s.counts == nil {
		s.counts = make(map[int32]int)
	}
	if s.counts[id]++; s.counts[id] == 1 {
		s.repeated = append(s.repeated, id)
	}
}

// changesLogits reports whether penalties or biases change the logits of the next token.
func (s *sampler) changesLogits() bool {
	return len(s.Bias) > 0 || s.penalizes() && len(s.repeated) > 0
}

// penalize applies the penalties, to each token once, and the biases.
func (s *sampler) penalize(logits []float32) {
	if s.penalizes() {
		penalty := float32(s.RepetitionPenalty)
		for _, id := range s.repeated {
			switch {
			case penalty <= 0:
			case logits[id] < 0:
				logits[id] *= penalty
			default:
				logits[id] /= penalty
			}
			logits[id] -= float32(s.PresencePenalty + s.FrequencyPenalty*float64(s.counts[id]))
		}
	}
	for id, bias := range s.Bias {
		logits[id] += float32(bias)
	}
}

var errNotFinite = errors.New("every allowed next token has a NaN logit, or the largest logit is infinite")

// pick draws from ids, which are sorted, or from all of logits if ids is nil, and returns the index of the token drawn. Among
// equally likely tokens, greedy sampling takes the one with the lowest id.
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

// pickSelected draws as pick does, from candidates that the engine has selected: allowed tokens with more than negligible
// probability, or with temperature 0 the most likely ones.
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

// negligible is the logit difference, in units of the temperature, below which a token is ignored: a whole vocabulary of such
// tokens has some 1e-8 of the probability of the most likely one, less than the rounding of the model's output.
const negligible = -30

// cut applies top-k, top-p and min-p. The most likely candidate, of weight 1, is never cut.
func (s *sampler) cut() {
	if s.TopK > 0 && s.TopK < len(s.drawn) {
		s.drawn = likeliest(s.drawn, func(count int, _ float64) bool { return count >= s.TopK })
	}
	if s.TopP > 0 && s.TopP < 1 {
		enough := s.TopP * total(s.drawn)
		s.drawn = likeliest(s.drawn, func(_ int, weight float64) bool { return weight >= enough })
	}
	if s.MinP > 0 {
		s.drawn = slices.DeleteFunc(s.drawn, func(c candidate) bool { return c.weight < s.MinP })
	}
}

// likeliest returns the fewest candidates, most likely first, whose count and weight satisfy enough. Sorting a whole
// vocabulary would take longer than running the model, so it finds the cut as quickselect does: cs[:lo] are surely in,
// cs[hi:] surely out, and every candidate before lo is likelier than every one behind.
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

// partition moves the candidates of cs[lo:hi] that are likelier than a pivot before it, and the rest behind. It returns the
// pivot's index and the weight of cs[lo:pivot].
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

// draw draws one of the candidates by weight.
func (s *sampler) draw() int {
	mark := s.random.Float64() * total(s.drawn)
	for _, c := range s.drawn {
		if mark -= c.weight; mark < 0 {
			return c.index
		}
	}
	return s.drawn[len(s.drawn)-1].index
}
