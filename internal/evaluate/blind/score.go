package blind

import (
	"fmt"
	"maps"
	"slices"

	"ventriloquist/internal/evaluate/interval"
)

// Result says how often raters chose the real reply.
type Result struct {
	All      *Figures            `json:"all"`
	ByRater  map[string]*Figures `json:"by_rater"`  // by kind, those there are
	ByLength map[string]*Figures `json:"by_length"` // of the talk shown: Lengths
}

// Figures of some answers.
type Figures struct {
	Raters     int                `json:"raters"`
	Answers    int                `json:"answers"`
	Unanswered int                `json:"unanswered"`
	Right      float64            `json:"right"` // share of the answers that name the real reply
	Interval   *interval.Interval `json:"interval"`
	Chance     float64            `json:"chance"`

	right     int
	byMoment  map[string]*interval.Unit
	byRater   map[string]*interval.Unit
	chanceSum float64
}

// Lengths are how much of a talk was shown, in messages before the reply.
var Lengths = []string{"up to 3 messages", "4 to 8 messages", "9 messages and more"}

func lengthOf(shown int) string {
	switch {
	case shown <= 3:
		return Lengths[0]
	case shown <= 8:
		return Lengths[1]
	}
	return Lengths[2]
}

// Score compares answers with their keys, by seal.
func Score(sheets []Sheet, keys map[string]*Key) (*Result, error) {
	r := &Result{All: new(Figures), ByRater: map[string]*Figures{}, ByLength: map[string]*Figures{}}
	of := func(all map[string]*Figures, name string) *Figures {
		if all[name] == nil {
			all[name] = new(Figures)
		}
		return all[name]
	}
	for _, s := range Latest(sheets) {
		key := keys[s.Seal]
		if key == nil {
			return nil, fmt.Errorf("there is no key with the seal %s", s.Seal)
		}
		if len(s.Choices) != len(key.Moments) {
			return nil, fmt.Errorf("the answers of %s are to %d moments, the test has %d", s.Rater, len(s.Choices), len(key.Moments))
		}
		for i, choice := range s.Choices {
			m := &key.Moments[i]
			if choice >= m.Candidates {
				return nil, fmt.Errorf("the answers of %s: moment %d has no reply %s", s.Rater, i+1, letter(choice))
			}
			for _, f := range []*Figures{r.All, of(r.ByRater, s.Kind), of(r.ByLength, lengthOf(m.Shown))} {
				f.add(fmt.Sprintf("%s %d", s.Seal, i), s.Seal+s.Rater, choice, m)
			}
		}
	}
	r.All.finish()
	for _, all := range []map[string]*Figures{r.ByRater, r.ByLength} {
		for _, f := range all {
			f.finish()
		}
	}
	return r, nil
}

func (f *Figures) add(moment, rater string, choice int, m *Answer) {
	if f.byMoment == nil {
		f.byMoment, f.byRater = map[string]*interval.Unit{}, map[string]*interval.Unit{}
	}
	if f.byRater[rater] == nil {
		f.byRater[rater] = new(interval.Unit)
		f.Raters++
	}
	if choice < 0 {
		f.Unanswered++
		return
	}
	if f.byMoment[moment] == nil {
		f.byMoment[moment] = new(interval.Unit)
	}
	f.Answers++
	f.chanceSum += 1 / float64(m.Candidates)
	for _, unit := range []*interval.Unit{f.byMoment[moment], f.byRater[rater]} {
		unit.Weight++
		if choice == m.Real {
			unit.Sum++
		}
	}
	if choice == m.Real {
		f.right++
	}
}

// finish computes the shares. Answers to one moment resemble each other, and so do those of one rater: the interval is for the one that
// makes them vary more.
func (f *Figures) finish() {
	if f.Answers == 0 {
		return
	}
	n := float64(f.Answers)
	f.Right, f.Chance = float64(f.right)/n, f.chanceSum/n
	effect := 1.0
	for _, units := range []map[string]*interval.Unit{f.byMoment, f.byRater} {
		if len(units) < interval.FewestUnits || len(units) == f.Answers {
			continue // too few to say, or nothing is grouped
		}
		var list []interval.Unit
		for _, name := range slices.Sorted(maps.Keys(units)) { // sums depend on the order
			list = append(list, *units[name])
		}
		effect = max(effect, interval.DesignEffect(list))
	}
	low, high := interval.Wilson(f.Right, n/effect)
	f.Interval = &interval.Interval{low, high}
}

// Verdict says in words what the figures show.
func (f *Figures) Verdict() string {
	switch {
	case f.Interval == nil:
		return "no answers"
	case f.Interval[0] > f.Chance:
		return "they tell the real reply from the written ones"
	case f.Interval[1] < f.Chance:
		return "they take written replies for the real one"
	}
	return "no better than guessing is shown"
}
