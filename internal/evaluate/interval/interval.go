// Package interval computes 95% confidence intervals of means, shares and differences that are measured on groups of dependent
// values: the tokens of a window, the windows of a conversation.
//
// In: one Unit per independent group. Out: an Interval, nil if there are too few units for one. It must not know: what is measured.
//
// Means use the bootstrap: units, not the values in them, are drawn again with replacement, and the interval is between two
// quantiles of the means of the drawn units. The quantiles are those of Hesterberg's expanded percentile interval (2015), which is wider
// than the plain one where there are few units. Shares use Wilson's interval for the effective sample size: the number of values,
// divided by how much more their share varies between units than if the values were independent (Dean and Pagano 2015).
package interval

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Interval is the lower and the upper end.
type Interval [2]float64

// Contains reports whether x is between the ends.
func (i Interval) Contains(x float64) bool { return i[0] <= x && x <= i[1] }

// Half returns half the width.
func (i Interval) Half() float64 { return (i[1] - i[0]) / 2 }

// Map returns the interval of an increasing function of the value.
func (i *Interval) Map(f func(float64) float64) *Interval {
	if i == nil {
		return nil
	}
	return &Interval{f(i[0]), f(i[1])}
}

// Unit is a group of values: their sum and how many they are, or their sum with weights and the sum of the weights.
type Unit struct{ Sum, Weight float64 }

// FewestUnits is how many units an interval needs. With fewer, the true mean is outside the range of all units in more than 5 of 100 cases.
const FewestUnits = 6

// draws is how often the bootstrap draws.
const draws = 2000

// Mean returns the interval of the sum of all units divided by the sum of their weights.
func Mean(units []Unit) *Interval {
	n := len(units)
	if n < FewestUnits {
		return nil
	}
	random := rand.New(rand.NewPCG(1, uint64(n))) // the same units have the same interval
	means := make([]float64, 0, draws)
	for range draws {
		var sum, weight float64
		for range n {
			u := &units[random.IntN(n)]
			sum, weight = sum+u.Sum, weight+u.Weight
		}
		if weight > 0 {
			means = append(means, sum/weight)
		}
	}
	if len(means) == 0 {
		return nil
	}
	slices.Sort(means)
	tail := normalTail(math.Sqrt(float64(n)/float64(n-1)) * studentQuantile(n-1))
	return &Interval{quantile(means, tail), quantile(means, 1-tail)}
}

// Share returns the interval of a share: each unit has how many of its values count (Sum), and how many it has (Weight). Units of one
// value each need no minimum.
func Share(units []Unit) *Interval {
	var sum, weight, largest float64
	for _, u := range units {
		sum, weight, largest = sum+u.Sum, weight+u.Weight, max(largest, u.Weight)
	}
	if weight == 0 || (largest > 1 && len(units) < FewestUnits) {
		return nil
	}
	effect := 1.0
	if largest > 1 {
		effect = DesignEffect(units)
	}
	low, high := Wilson(sum/weight, weight/effect)
	return &Interval{low, high}
}

// DesignEffect returns how many times the variance of a share is what it would be if all values were independent; at least 1.
func DesignEffect(units []Unit) float64 {
	var sum, weight float64
	for _, u := range units {
		sum, weight = sum+u.Sum, weight+u.Weight
	}
	n, share := float64(len(units)), sum/weight
	independent := share * (1 - share) / weight
	if n < 2 || independent <= 0 {
		return 1
	}
	squares := 0.0
	for _, u := range units {
		off := u.Sum - share*u.Weight
		squares += off * off
	}
	// Few units know the variance between them badly: as for the mean, Student's quantile takes the place of the normal one.
	t := studentQuantile(len(units)-1) / normalQuantile
	return max(1, t*t*n/(n-1)*squares/(weight*weight)/independent)
}

// Wilson returns the interval of a share of n independent values.
func Wilson(share, n float64) (low, high float64) {
	const z = normalQuantile
	center := share + z*z/(2*n)
	half := z * math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	scale := 1 + z*z/n
	return max(0, (center-half)/scale), min(1, (center+half)/scale)
}

// Percentiles returns the interval between the 2.5th and the 97.5th percentile of values, which it sorts.
func Percentiles(values []float64) *Interval {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	return &Interval{quantile(values, 0.025), quantile(values, 0.975)}
}

// normalQuantile is the 97.5% quantile of the normal distribution.
const normalQuantile = 1.959963984540054

func normalTail(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

// studentQuantile returns the 97.5% quantile of Student's distribution: exactly for 1 and 2 degrees of freedom, else by the first terms of
// its expansion (Abramowitz and Stegun 26.7.5), which are right within 0.5%.
func studentQuantile(freedom int) float64 {
	switch freedom {
	case 1:
		return 12.7062047364
	case 2:
		return 4.30265272991
	}
	const z = normalQuantile
	z2, f := z*z, float64(freedom)
	return z * (1 + (z2+1)/(4*f) + ((5*z2+16)*z2+3)/(96*f*f) + (((3*z2+19)*z2+17)*z2-15)/(384*f*f*f) +
		((((79*z2+776)*z2+1482)*z2-1920)*z2-945)/(92160*f*f*f*f))
}

// quantile returns the value below which the share q of the sorted values is.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}
