package interval

import (
	"math"
	"math/rand/v2"
	"testing"
)

// covered returns in how many of the simulations the interval holds the truth.
func covered(t *testing.T, rounds int, truth float64, simulate func(r *rand.Rand) *Interval) float64 {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	count := 0
	for range rounds {
		i := simulate(random)
		if i == nil {
			t.Fatal("no interval")
		}
		if i.Contains(truth) {
			count++
		}
	}
	return float64(count) / float64(rounds)
}

// Windows differ in length and in how hard they are, and the tokens of a window share that: their mean loss is in 95 of 100
// intervals. An interval over tokens would have it in far fewer.
func TestMean_Covers(t *testing.T) {
	t.Parallel()
	for _, n := range []int{8, 40} {
		share := covered(t, 400, 2, func(r *rand.Rand) *Interval {
			units := make([]Unit, n)
			for i := range units {
				tokens := 1 + float64(r.IntN(60))
				units[i] = Unit{tokens * (2 + 0.8*r.NormFloat64() + r.NormFloat64()/math.Sqrt(tokens)), tokens}
			}
			return Mean(units)
		})
		if share < 0.92 || share > 0.98 {
			t.Errorf("%d units: the truth is in %.1f%% of the intervals", n, 100*share)
		}
	}
}

// The difference of two models on the same windows is much surer than each mean: its interval is narrower, and holds the truth.
func TestMean_PairedDifference(t *testing.T) {
	t.Parallel()
	narrower := 0
	share := covered(t, 200, -0.03, func(r *rand.Rand) *Interval {
		a, difference := make([]Unit, 60), make([]Unit, 60)
		for i := range a {
			tokens := 10 + float64(r.IntN(30))
			hard := tokens * (2 + 0.5*r.NormFloat64())
			a[i] = Unit{hard, tokens}
			difference[i] = Unit{tokens * (-0.03 + 0.05*r.NormFloat64()), tokens}
		}
		i := Mean(difference)
		if i.Half() < Mean(a).Half()/3 {
			narrower++
		}
		return i
	})
	if share < 0.92 || share > 0.98 || narrower < 195 {
		t.Errorf("the truth is in %.1f%% of the intervals; %d of 200 are narrow", 100*share, narrower)
	}
}

// Values that all agree have an interval of no width, and units that are multiples of each other, too: only the ratio counts.
func TestMean_KnownCases(t *testing.T) {
	t.Parallel()
	units := []Unit{{2, 1}, {4, 2}, {6, 3}, {8, 4}, {2, 1}, {2, 1}}
	if i := Mean(units); i == nil || *i != (Interval{2, 2}) {
		t.Errorf("%v", i)
	}
	if i := Mean(units[:5]); i != nil {
		t.Errorf("%v of 5 units", i)
	}
}

// Independent values are Wilson's case: 8 of 10 (Newcombe 1998).
func TestShare_IndependentValues(t *testing.T) {
	t.Parallel()
	units := make([]Unit, 10)
	for i := range units {
		units[i].Weight = 1
		if i < 8 {
			units[i].Sum = 1
		}
	}
	low, high := Wilson(0.8, 10)
	if math.Abs(low-0.4902) > 1e-4 || math.Abs(high-0.9433) > 1e-4 {
		t.Errorf("Wilson: %.4f to %.4f", low, high)
	}
	if i := Share(units); *i != (Interval{low, high}) {
		t.Errorf("%v, Wilson %.4f to %.4f", i, low, high)
	}
}

// A share that all values agree on has an interval, unlike with the bootstrap.
func TestShare_AllAgree(t *testing.T) {
	t.Parallel()
	units := make([]Unit, 20)
	for i := range units {
		units[i] = Unit{1, 1}
	}
	if i := Share(units); i[0] > 0.9 || i[0] < 0.8 || i[1] != 1 {
		t.Errorf("%v", i)
	}
}

// The share of right answers differs between conversations: the interval holds its mean in about 95 of 100 cases.
func TestShare_Covers(t *testing.T) {
	t.Parallel()
	for _, spread := range []float64{0, 0.3} {
		for _, n := range []int{10, 40} {
			share := covered(t, 1500, 0.6, func(r *rand.Rand) *Interval {
				units := make([]Unit, n)
				for i := range units {
					p := 0.6 + spread*(2*float64(r.IntN(2))-1)
					units[i].Weight = 10
					for range 10 {
						if r.Float64() < p {
							units[i].Sum++
						}
					}
				}
				return Share(units)
			})
			if share < 0.92 || share > 0.99 {
				t.Errorf("%d units, spread %g: the truth is in %.1f%% of the intervals", n, spread, 100*share)
			}
		}
	}
}

// Values of Student's distribution from tables.
func TestStudentQuantile(t *testing.T) {
	t.Parallel()
	for freedom, want := range map[int]float64{1: 12.706, 2: 4.303, 3: 3.182, 5: 2.571, 10: 2.228, 30: 2.042, 1000: 1.962} {
		if got := studentQuantile(freedom); math.Abs(got-want) > 0.005*want {
			t.Errorf("%d degrees of freedom: %.3f, want %.3f", freedom, got, want)
		}
	}
}
