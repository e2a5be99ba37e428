package adapter

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

// Term is an adapter and its weight in a sum.
type Term struct {
	Part
	Adapter *Adapter
}

// Sum returns the adapter that changes the weights by the weighted sum of what the terms change. The rank of a projection is the
// sum of the terms' ranks there: A has their rows one after the other, B their columns. The scale of the result is the largest
// weight times scale of a term, and B of the others is multiplied in float64 and rounded once, so that terms with equal factors,
// and an adapter alone, keep their values. A term of weight 0 is left out. Dropout and the name of the base model are those of the
// first.
func Sum(terms []Term) (*Adapter, error) {
	terms = slices.DeleteFunc(slices.Clone(terms), func(t Term) bool { return t.Weight == 0 })
	if len(terms) == 0 {
		return nil, usererr.With(usererr.Usage("every adapter has the weight 0"), "give one of them another weight, or use the base model alone")
	}
	if err := RequireOneBase(terms); err != nil {
		return nil, err
	}
	if len(terms) == 1 {
		return terms[0].Adapter.Scaled(terms[0].Weight)
	}
	s := newSum(terms)
	if s.result.R > maxRank {
		return nil, fmt.Errorf("the sum has the rank %d; a rank is at most %d", s.result.R, maxRank)
	}
	for layer := range s.layers {
		pairs := make([]Pair, len(s.result.Targets))
		for i, p := range s.result.Targets {
			pairs[i] = s.pair(layer, p)
		}
		s.result.Layers = append(s.result.Layers, pairs)
	}
	s.result.modules = s.filter()
	return s.result, s.result.Validate()
}

// Scaled returns the adapter with what it changes multiplied by a factor. Its matrices stay as they are, except that a negative
// factor changes the sign of B.
func (a *Adapter) Scaled(factor float64) (*Adapter, error) {
	scaled := *a
	if factor < 0 {
		scaled.Layers = make([][]Pair, len(a.Layers))
		for layer, pairs := range a.Layers {
			scaled.Layers[layer] = slices.Clone(pairs)
			for i := range pairs {
				b := slices.Clone(pairs[i].B)
				for j := range b {
					b[j] = -b[j]
				}
				scaled.Layers[layer][i].B = b
			}
		}
	}
	scaled.Alpha *= math.Abs(factor)
	if !(float32(scaled.Scale()) > 0) || math.IsInf(float64(float32(scaled.Scale())), 0) {
		return nil, usererr.Usage("the factor %g makes the adapter's scale %g, which is not a positive number in float32", factor, scaled.Scale())
	}
	return &scaled, nil
}

// sum is a sum in progress.
type sum struct {
	terms  []Term
	layers int
	result *Adapter
}

// newSum decides on the configuration of the result.
func newSum(terms []Term) *sum {
	first := terms[0].Adapter
	s := &sum{terms: terms, result: &Adapter{BaseFingerprint: first.BaseFingerprint}}
	s.result.Dropout, s.result.BaseModel = first.Dropout, first.BaseModel
	wanted, scale := map[string]bool{}, 0.0
	for _, t := range terms {
		s.layers = max(s.layers, len(t.Adapter.Layers))
		scale = max(scale, t.factor())
		for _, p := range t.Adapter.Targets {
			wanted[p.Short] = true
		}
		if t.Adapter.BaseFingerprint == "" {
			s.result.BaseFingerprint = "" // the sum is no more certain than its terms
		}
	}
	s.result.Targets = pick(wanted)
	for layer := range s.layers {
		for _, p := range s.result.Targets {
			rank := 0
			for _, t := range terms {
				if t.Adapter.Pair(layer, p) != nil {
					rank += t.Adapter.R
				}
			}
			s.result.R = max(s.result.R, rank)
		}
	}
	s.result.Alpha = scale * float64(s.result.R)
	return s
}

// factor is the absolute value of what B A is multiplied by.
func (t Term) factor() float64 { return math.Abs(t.Weight * t.Adapter.Scale()) }

// Pair returns the pair of a projection in a layer, nil if the adapter leaves it alone.
func (a *Adapter) Pair(layer int, p model.Projection) *Pair {
	i := slices.Index(a.Targets, p)
	if i < 0 || layer >= len(a.Layers) || a.Layers[layer][i].Absent {
		return nil
	}
	return &a.Layers[layer][i]
}

// pair puts the terms' matrices side by side. What is left of the rank is zero.
func (s *sum) pair(layer int, p model.Projection) Pair {
	in, out := s.dims(p)
	pair := newPair(in, out, s.result.R)
	pair.Absent = true
	rank, scale := 0, s.result.Scale()
	for _, t := range s.terms {
		own := t.Adapter.Pair(layer, p)
		if own == nil {
			continue
		}
		pair.Absent = false
		copy(pair.A[rank*in:], own.A)
		gain := t.Weight * t.Adapter.Scale() / scale
		if math.Abs(math.Abs(gain)-1) < 1e-12 {
			gain = math.Copysign(1, gain) // alpha / r is rounded
		}
		for row := range out {
			for k := range t.Adapter.R {
				pair.B[row*s.result.R+rank+k] = float32(gain * float64(own.B[row*t.Adapter.R+k]))
			}
		}
		rank += t.Adapter.R
	}
	return pair
}

func (s *sum) dims(p model.Projection) (in, out int) {
	for _, t := range s.terms {
		if i := slices.Index(t.Adapter.Targets, p); i >= 0 {
			return t.Adapter.Layers[0][i].In, t.Adapter.Layers[0][i].Out
		}
	}
	return 0, 0
}

// filter returns target_modules of the result. Projections that have a pair in every layer are named as such; if a term leaves
// layers out, each module is named in full.
func (s *sum) filter() (m moduleFilter) {
	if !slices.ContainsFunc(s.terms, func(t Term) bool { return !t.Adapter.modules.coversLayers() }) {
		return m
	}
	for layer, pairs := range s.result.Layers {
		for i := range pairs {
			if !pairs[i].Absent {
				m.target.names = append(m.target.names, moduleName(layer, s.result.Targets[i]))
			}
		}
	}
	return m
}

// coversLayers reports whether the filter treats all layers alike, whatever their number.
func (m moduleFilter) coversLayers() bool {
	if m.exclude.raw != nil || m.layers.layers != nil {
		return false
	}
	named := func(name string) bool { return !strings.Contains(name, ".") }
	return m.target.allLinear || m.target.raw == nil && m.target.names == nil ||
		m.target.names != nil && !slices.ContainsFunc(m.target.names, func(name string) bool { return !named(name) })
}

// RequireOneBase returns an error if the terms cannot be adapters of one base model.
func RequireOneBase(terms []Term) error {
	first := terms[0]
	for _, t := range terms[1:] {
		if a, b := first.Adapter.BaseFingerprint, t.Adapter.BaseFingerprint; a != "" && b != "" && a != b {
			return differentBases(first.Origin(), t.Origin())
		}
		for _, p := range model.Projections {
			if a, b := shapeOf(first.Adapter, p), shapeOf(t.Adapter, p); a != b && a != [2]int{} && b != [2]int{} {
				return usererr.With(fmt.Errorf("%s and %s are adapters of different base models: %s maps %d values to %d in one, and %d to %d in the other",
					first.Dir, t.Dir, p.Name, a[0], a[1], b[0], b[1]), "%s", oneBase)
			}
		}
		both := first.Adapter.modules.coversLayers() && t.Adapter.modules.coversLayers()
		if a, b := len(first.Adapter.Layers), len(t.Adapter.Layers); both && a != b {
			return usererr.With(fmt.Errorf("%s and %s are adapters of different base models: one has %d layers, the other %d", first.Dir, t.Dir, a, b), "%s", oneBase)
		}
	}
	return nil
}

const oneBase = "only adapters of the same base model can be combined"

func shapeOf(a *Adapter, p model.Projection) (dims [2]int) {
	if i := slices.Index(a.Targets, p); i >= 0 {
		dims = [2]int{a.Layers[0][i].In, a.Layers[0][i].Out}
	}
	return dims
}

// Origin says which base model an adapter was trained on.
type Origin struct {
	Dir         string // the adapter's folder
	BaseModel   string // "" if it is not recorded
	Fingerprint string // "" if it is not recorded
}

// Origin returns what the adapter records of its base model.
func (t Term) Origin() Origin {
	return Origin{Dir: t.Dir, BaseModel: t.Adapter.BaseModel, Fingerprint: t.Adapter.BaseFingerprint}
}

// RequireOneOrigin returns an error if adapters record different base models: by their fingerprints, else by their names.
func RequireOneOrigin(origins []Origin) error {
	for _, o := range origins[min(1, len(origins)):] {
		first := origins[0]
		known := first.Fingerprint != "" && o.Fingerprint != ""
		if known && first.Fingerprint != o.Fingerprint || !known && first.BaseModel != "" && o.BaseModel != "" && first.BaseModel != o.BaseModel {
			return differentBases(first, o)
		}
	}
	return nil
}

func differentBases(a, b Origin) error {
	describe := func(o Origin) string {
		text := o.Dir
		if o.BaseModel != "" {
			text += " (" + o.BaseModel + ")"
		}
		return text
	}
	err := errors.New(describe(a) + " and " + describe(b) + " were trained on different base models")
	return usererr.With(err, "%s", oneBase)
}
