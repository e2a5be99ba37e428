// Package tune searches for good settings of a training run: successive halving, in which many settings train for a short while, and
// the better ones again from the start for longer.
//
// In: a Space of settings, a budget, and a function that trains with some and returns the held-out loss. Out: the best settings; a
// State after each trial, from which a search that was killed goes on to the same result. It must not know: how a run trains,
// where a State is kept, how anything is displayed.
package tune

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Settings are what is searched for.
type Settings struct {
	LearningRate float64 `json:"learning_rate"`
	Rank         int     `json:"lora_r"`
	Epochs       float64 `json:"num_epochs"`
	Dropout      float64 `json:"lora_dropout"`
}

func (s Settings) String() string {
	unit := "epochs"
	if s.Epochs == 1 {
		unit = "epoch"
	}
	return fmt.Sprintf("learning rate %g, rank %d, %g %s, dropout %g", s.LearningRate, s.Rank, s.Epochs, unit, s.Dropout)
}

// Space is the values that each setting may have; the search draws from all combinations. Base is tried in any case, to the end.
type Space struct {
	Base          Settings  `json:"base"`
	LearningRates []float64 `json:"learning_rates"`
	Ranks         []int     `json:"ranks"`
	Epochs        []float64 `json:"epochs"`
	Dropouts      []float64 `json:"dropouts"`
}

// Size returns the number of combinations.
func (s Space) Size() int {
	return len(s.LearningRates) * len(s.Ranks) * len(s.Epochs) * len(s.Dropouts)
}

// draw returns n different settings: Base, and others in which each value of a setting occurs about equally often.
func (s Space) draw(n int, seed uint64) []Settings {
	random := rand.New(rand.NewPCG(seed, 0))
	list := []Settings{s.Base}
	columns := [4][]int{}
	next := func(column, values int) int {
		if len(columns[column]) == 0 {
			columns[column] = random.Perm(values)
		}
		i := columns[column][0]
		columns[column] = columns[column][1:]
		return i
	}
	n = min(n, s.Size())
	for tries := 0; len(list) < n && tries < 100*n; tries++ {
		drawn := Settings{
			LearningRate: s.LearningRates[next(0, len(s.LearningRates))], Rank: s.Ranks[next(1, len(s.Ranks))],
			Epochs: s.Epochs[next(2, len(s.Epochs))], Dropout: s.Dropouts[next(3, len(s.Dropouts))],
		}
		if !slices.Contains(list, drawn) {
			list = append(list, drawn)
		}
	}
	return list
}

// Effect is how the values of one setting compare.
type Effect struct {
	Name   string       `json:"name"`
	Values []ValueScore `json:"values"` // the best first
}

// ValueScore is the mean held-out loss of the trials with a value.
type ValueScore struct {
	Value  float64 `json:"value"`
	Loss   float64 `json:"mean_eval_loss"`
	Trials int     `json:"trials"`
}

// Spread returns how much the values of the setting matter: the difference between the worst and the best mean.
func (e Effect) Spread() float64 { return e.Values[len(e.Values)-1].Loss - e.Values[0].Loss }

// effects compares the values of each setting over results of one rung, without settings that have only one value.
func effects(results []Result) (list []Effect) {
	for _, field := range []struct {
		name string
		of   func(Settings) float64
	}{
		{"learning rate", func(s Settings) float64 { return s.LearningRate }},
		{"rank", func(s Settings) float64 { return float64(s.Rank) }},
		{"epochs", func(s Settings) float64 { return s.Epochs }},
		{"dropout", func(s Settings) float64 { return s.Dropout }},
	} {
		byValue := map[float64]*ValueScore{}
		var values []*ValueScore
		for _, r := range results {
			if r.Failed != "" {
				continue
			}
			x := field.of(r.Settings)
			if byValue[x] == nil {
				byValue[x] = &ValueScore{Value: x}
				values = append(values, byValue[x])
			}
			byValue[x].Loss += r.Loss
			byValue[x].Trials++
		}
		if len(values) < 2 {
			continue
		}
		e := Effect{Name: field.name}
		for _, v := range values {
			v.Loss /= float64(v.Trials)
			e.Values = append(e.Values, *v)
		}
		slices.SortStableFunc(e.Values, func(a, b ValueScore) int {
			switch {
			case a.Loss < b.Loss:
				return -1
			case a.Loss > b.Loss:
				return 1
			}
			return 0
		})
		list = append(list, e)
	}
	return list
}
