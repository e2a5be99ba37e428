package style

import (
	"maps"
	"math/rand/v2"
	"slices"

	"ventriloquist/internal/evaluate/interval"
)

// Person has the texts about one person.
type Person struct {
	Name        string
	Real        []string // held out
	Written     []string // by the model, in their places
	Others      []string // held out, of the people the person writes with
	Trained     []string // the person's, trained on
	OthersTrain []string // of the people the person writes with, trained on
}

// Report is how near the written texts are to each person.
type Report struct {
	All        map[string]Distances `json:"all"`         // by feature: the mean over people
	PerContact map[string]Figures   `json:"per_contact"` // people with enough texts
	TooFew     []string             `json:"too_few"`     // people with fewer than FewestTexts

	draws map[string]map[string][]float64 // written distances by person and feature
}

// Figures are about one person.
type Figures struct {
	Real    int `json:"real"` // texts
	Written int `json:"written"`
	// AttributionAUC is how well the classifier tells the person's held-out texts from other people's: 0.5 is a guess, 1 is always.
	AttributionAUC float64              `json:"attribution_auc"`
	Features       map[string]Distances `json:"features"`
}

// Distances in a feature.
type Distances struct {
	Written  float64            `json:"distance"`
	Interval *interval.Interval `json:"interval"`
	Floor    float64            `json:"floor"`   // between two halves of the person's texts
	Ceiling  float64            `json:"ceiling"` // to other people's texts
}

// Nearness is 0 at the floor and 1 at the ceiling.
func (d *Distances) Nearness() float64 { return (d.Written - d.Floor) / (d.Ceiling - d.Floor) }

// FewestTexts is how many real, written and other texts a person needs.
const FewestTexts = 12

// draws is how often samples are drawn.
const draws = 200

// Measure compares the written texts of all people with their real ones.
func Measure(people []Person) *Report {
	r := &Report{All: map[string]Distances{}, PerContact: map[string]Figures{}, TooFew: []string{}, draws: map[string]map[string][]float64{}}
	known := ordinary(people)
	sums := make(map[string][]float64) // over people, of what was drawn, by feature
	for i := range people {
		p := &people[i]
		if min(len(p.Real), len(p.Written), len(p.Others)) < FewestTexts || len(p.Trained) == 0 || len(p.OthersTrain) == 0 {
			r.TooFew = append(r.TooFew, p.Name)
			continue
		}
		f, drawn := p.measure(known)
		r.PerContact[p.Name], r.draws[p.Name] = f, drawn
		for name, values := range drawn {
			if sums[name] == nil {
				sums[name] = make([]float64, draws)
			}
			for k, v := range values {
				sums[name][k] += v
			}
		}
	}
	count := float64(len(r.PerContact))
	for name, values := range sums {
		all := Distances{}
		for _, p := range people {
			f, measured := r.PerContact[p.Name]
			if !measured {
				continue
			}
			of := f.Features[name]
			all.Written, all.Floor, all.Ceiling = all.Written+of.Written/count, all.Floor+of.Floor/count, all.Ceiling+of.Ceiling/count
		}
		for k := range values {
			values[k] /= count
		}
		all.Interval = interval.Percentiles(slices.Clone(values))
		r.All[name] = all
	}
	return r
}

// ordinary returns which words at least two of the training texts have.
func ordinary(people []Person) func(word string) bool {
	texts := make(map[string]int)
	for _, p := range people {
		for _, text := range p.Trained {
			words := wordsOf(text)
			slices.Sort(words)
			for _, w := range slices.Compact(words) {
				texts[w]++
			}
		}
	}
	return func(word string) bool { return texts[word] > 1 }
}

// measure returns the figures of a person, and the drawn distances by feature.
func (p *Person) measure(known func(word string) bool) (Figures, map[string][]float64) {
	c := train(p.Trained, p.OthersTrain)
	reader := reader{known, make(map[string]int32)}
	read := func(texts []string) []*traits {
		list := make([]*traits, len(texts))
		for i, text := range texts {
			t := reader.read(text)
			t.attribution = c.score(text)
			list[i] = &t
		}
		return list
	}
	real, written, others := read(p.Real), read(p.Written), read(p.Others)
	f := Figures{Real: len(real), Written: len(written), Features: make(map[string]Distances), AttributionAUC: auc(real, others)}
	size := min(len(real), len(written), len(others)) / 2
	drawn := make(map[string][]float64)
	sums := make(map[string]*Distances)
	// Every model is compared with the same halves of the same texts.
	random := rand.New(rand.NewPCG(7, uint64(len(real))))
	writtenRandom := rand.New(rand.NewPCG(8, uint64(len(real))))
	for range draws {
		shuffle(random, real)
		shuffle(random, others)
		shuffle(writtenRandom, written)
		half, other := real[:size], real[size:2*size]
		for _, name := range Features {
			if sums[name] == nil {
				sums[name] = new(Distances)
			}
			d := distance(name, half, written[:size])
			drawn[name] = append(drawn[name], d)
			sums[name].Written += d
			sums[name].Floor += distance(name, half, other)
			sums[name].Ceiling += distance(name, half, others[:size])
		}
	}
	for name, d := range sums {
		d.Written, d.Floor, d.Ceiling = d.Written/draws, d.Floor/draws, d.Ceiling/draws
		d.Interval = interval.Percentiles(slices.Clone(drawn[name]))
		f.Features[name] = *d
	}
	return f, drawn
}

func shuffle(random *rand.Rand, list []*traits) {
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// auc is the share of pairs of a text of the person and one of others in which the person's has the higher attribution.
func auc(real, others []*traits) (sum float64) {
	for _, a := range real {
		for _, b := range others {
			switch {
			case a.attribution > b.attribution:
				sum++
			case a.attribution == b.attribution:
				sum += 0.5
			}
		}
	}
	return sum / float64(len(real)*len(others))
}

// Difference is by how much the texts of one model are nearer than those of another: below 0 if a's are.
type Difference struct {
	Distance float64            `json:"difference"`
	Interval *interval.Interval `json:"interval"`
}

// Compare returns the differences between two models by feature: means over the people of both reports. Both were compared with the same real
// texts.
func Compare(a, b *Report) map[string]Difference {
	differences := make(map[string]Difference)
	for _, feature := range Features {
		values, people := make([]float64, draws), 0
		for _, name := range slices.Sorted(maps.Keys(a.draws)) {
			if b.draws[name] == nil {
				continue
			}
			people++
			for k := range values {
				values[k] += a.draws[name][feature][k] - b.draws[name][feature][k]
			}
		}
		if people == 0 {
			return nil
		}
		mean := 0.0
		for k := range values {
			values[k] /= float64(people)
			mean += values[k] / draws
		}
		differences[feature] = Difference{mean, interval.Percentiles(values)}
	}
	return differences
}
