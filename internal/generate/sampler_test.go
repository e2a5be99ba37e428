package generate

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"testing"

	"ventriloquist/engine"
)

// expected is the distribution that Sampling defines, computed directly.
func expected(logits []float32, ids []int32, s Sampling) map[int]float64 {
	if ids == nil {
		for i := range logits {
			ids = append(ids, int32(i))
		}
	}
	type one struct {
		index int
		p     float64
	}
	var all []one
	for i, id := range ids {
		all = append(all, one{i, math.Exp(float64(logits[id]) / s.Temperature)})
	}
	normalize := func() {
		var sum float64
		for _, o := range all {
			sum += o.p
		}
		for i := range all {
			all[i].p /= sum
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].p > all[j].p })
	if s.TopK > 0 {
		all = all[:min(s.TopK, len(all))]
	}
	normalize()
	if s.TopP > 0 {
		var sum float64
		for i, o := range all {
			if sum += o.p; sum >= s.TopP {
				all = all[:i+1]
				break
			}
		}
		normalize()
	}
	all = slices.DeleteFunc(all, func(o one) bool { return o.p < s.MinP*all[0].p })
	normalize()
	p := make(map[int]float64)
	for _, o := range all {
		p[o.index] = o.p
	}
	return p
}

func TestSampler_Distribution(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	logits := make([]float32, 40)
	for i := range logits {
		logits[i] = float32(2 * random.NormFloat64())
	}
	some := []int32{1, 5, 6, 7, 20, 21, 39}
	for _, c := range []struct {
		name string
		ids  []int32
		Sampling
	}{
		{"Plain", nil, Sampling{Temperature: 1}},
		{"Hot", nil, Sampling{Temperature: 3}},
		{"Cold", nil, Sampling{Temperature: 0.3}},
		{"TopK", nil, Sampling{Temperature: 1, TopK: 5}},
		{"TopP", nil, Sampling{Temperature: 1, TopP: 0.6}},
		{"TopKThenTopP", nil, Sampling{Temperature: 1.5, TopK: 8, TopP: 0.7}},
		{"MinP", nil, Sampling{Temperature: 1, MinP: 0.2}},
		{"MinPAfterTopP", nil, Sampling{Temperature: 0.8, TopP: 0.8, MinP: 0.1}},
		{"Restricted", some, Sampling{Temperature: 1}},
		{"RestrictedMinP", some, Sampling{Temperature: 0.7, MinP: 0.3}},
		{"RestrictedTopP", some, Sampling{Temperature: 0.7, TopP: 0.9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const draws = 20000
			want := expected(logits, c.ids, c.Sampling)
			s := newSampler(c.Sampling, 0)
			count := make(map[int]int)
			for range draws {
				i, err := s.pick(logits, c.ids)
				if err != nil {
					t.Fatal(err)
				}
				count[i]++
			}
			for i, n := range count {
				// Five standard deviations of a binomial count: one false alarm in a million.
				deviation := math.Sqrt(draws * want[i] * (1 - want[i]))
				if math.Abs(float64(n)-draws*want[i]) > 5*deviation+1 {
					t.Errorf("%d was drawn %d times, want %.0f", i, n, draws*want[i])
				}
			}
			for i, p := range want {
				if count[i] == 0 && p > 1e-3 {
					t.Errorf("%d was never drawn, want %.0f times", i, draws*p)
				}
			}
		})
	}
}

func TestSampler_Greedy(t *testing.T) {
	t.Parallel()
	nan := float32(math.NaN())
	for _, c := range []struct {
		logits []float32
		ids    []int32
		want   int
	}{
		{[]float32{1, 3, 2}, nil, 1},
		{[]float32{1, 3, 3}, nil, 1},
		{[]float32{nan, 3, 4}, nil, 2},
		{[]float32{9, 3, 4, 4}, []int32{1, 2, 3}, 1},
	} {
		got, err := newSampler(Sampling{}, 0).pick(c.logits, c.ids)
		if err != nil || got != c.want {
			t.Errorf("pick(%v, %v) = %d, %v, want %d", c.logits, c.ids, got, err, c.want)
		}
	}
}

// A temperature too small to distinguish from zero draws the most likely token.
func TestSampler_NearlyGreedy(t *testing.T) {
	t.Parallel()
	inf := float32(math.Inf(1))
	got, err := newSampler(Sampling{Temperature: 1e-30, TopP: 0.9}, 0).pick([]float32{1, 20, 19.9, -inf}, nil)
	if err != nil || got != 1 {
		t.Errorf("drew %d, %v", got, err)
	}
}

func TestSampler_NonFiniteLogits(t *testing.T) {
	t.Parallel()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, logits := range [][]float32{{nan, nan}, {-inf, -inf}, {1, inf}} {
		if i, err := newSampler(Sampling{Temperature: 1}, 0).pick(logits, nil); err == nil {
			t.Errorf("pick(%v) = %d", logits, i)
		}
	}
}

func TestSampler_Seed(t *testing.T) {
	t.Parallel()
	logits := make([]float32, 1000)
	drawn := func(seed uint64, number int) []int {
		s := newSampler(Sampling{Temperature: 1, Seed: seed}, number)
		var got []int
		for range 20 {
			i, _ := s.pick(logits, nil)
			got = append(got, i)
		}
		return got
	}
	if !slices.Equal(drawn(1, 0), drawn(1, 0)) {
		t.Error("the same seed gave other tokens")
	}
	if slices.Equal(drawn(1, 0), drawn(2, 0)) || slices.Equal(drawn(1, 0), drawn(1, 1)) {
		t.Error("other seeds gave the same tokens")
	}
}

// Logits penalized and cut as the logits processors of transformers do it, in its order: scripts/make_sampling_goldens.py.
func TestSampler_IsThatOfTransformers(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/sampling.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Cases []struct {
			Temperature       float64   `json:"temperature"`
			TopK              int       `json:"top_k"`
			TopP              float64   `json:"top_p"`
			MinP              float64   `json:"min_p"`
			RepetitionPenalty float64   `json:"repetition_penalty"`
			Logits            []float32 `json:"logits"`
			Written           []int32   `json:"written"`
			Penalized         []float32 `json:"penalized"`
			Probabilities     []float64 `json:"probabilities"`
		}
	}
	if err := json.Unmarshal(content, &golden); err != nil || len(golden.Cases) < 10 {
		t.Fatalf("%d cases, %v", len(golden.Cases), err)
	}
	for i, c := range golden.Cases {
		s := newSampler(Sampling{Temperature: c.Temperature, TopK: c.TopK, TopP: c.TopP, MinP: c.MinP, RepetitionPenalty: c.RepetitionPenalty}, 0)
		slices.Sort(c.Written)
		for _, id := range c.Written {
			s.count(id)
		}
		s.penalize(c.Logits)
		if !slices.Equal(c.Logits, c.Penalized) {
			t.Errorf("case %d: penalized to %v, want %v", i, c.Logits, c.Penalized)
		}
		if _, err := s.pick(c.Logits, nil); err != nil {
			t.Fatal(err)
		}
		got := make([]float64, len(c.Logits))
		for _, d := range s.drawn {
			got[d.index] = d.weight / total(s.drawn)
		}
		for id, want := range c.Probabilities {
			// transformers divides by the temperature in float32.
			if math.Abs(got[id]-want) > 1e-6 || (got[id] == 0) != (want == 0) {
				t.Errorf("case %d: token %d has probability %v, want %v", i, id, got[id], want)
			}
		}
	}
}

func BenchmarkPickTopP(b *testing.B) {
	for _, c := range []struct {
		name   string
		vocab  int
		spread float64
	}{{"Even", 151936, 0.1}, {"Spread", 151936, 3}, {"Small", 4608, 3}} {
		b.Run(c.name, func(b *testing.B) {
			random := rand.New(rand.NewPCG(3, 4))
			logits := make([]float32, c.vocab)
			for i := range logits {
				logits[i] = float32(c.spread * random.NormFloat64())
			}
			logits[0] = 20 // as of a trained model
			s := newSampler(Sampling{Temperature: 0.7, TopP: 0.9}, 0)
			for b.Loop() {
				if _, err := s.pick(logits, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Drawing from selected candidates gives the same token as drawing from all logits, for the same seed.
func TestSampler_CandidatesMatchLogits(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 9))
	const vocab = 300
	for round := range 300 {
		logits := make([]float32, vocab)
		for i := range logits {
			logits[i] = float32(random.NormFloat64() * float64(1+round%30))
			if round%3 == 0 {
				logits[i] = float32(math.Round(float64(logits[i]))) // ties
			}
		}
		if round%7 == 0 {
			logits[random.IntN(vocab)] = float32(math.NaN())
			logits[random.IntN(vocab)] = float32(math.Inf(-1))
		}
		var ids []int32
		mask := make([]uint32, engine.MaskWords(vocab))
		for i := range int32(vocab) {
			if round%5 == 0 || random.IntN(10) < round%10 {
				ids = append(ids, i)
				mask[i/32] |= 1 << (i % 32)
			}
		}
		if round%50 == 13 {
			for _, id := range ids {
				logits[id] = float32(math.Inf([]int{1, -1}[round/50%2]))
			}
		}
		if len(ids) == 0 {
			continue
		}
		s := Sampling{Temperature: []float64{0, 0.1, 0.7, 1, 2}[round%5], TopP: []float64{0, 0.5, 0.9}[round%3],
			TopK: []int{0, 3, 40}[round/3%3], MinP: []float64{0, 0.05, 0.4}[round/2%3], Seed: uint64(round)}
		long, short := newSampler(s, 0), newSampler(s, 0)
		for range 20 {
			index, wantErr := long.pick(logits, ids)
			got, err := short.pickSelected(chosenFrom(logits, mask, negligible*s.Temperature))
			if (err == nil) != (wantErr == nil) {
				t.Fatalf("round %d: error %v, want %v", round, err, wantErr)
			}
			if err == nil && got != ids[index] {
				t.Fatalf("round %d, %+v: drew %d, want %d", round, s, got, ids[index])
			}
		}
	}
}
