package algebra

import (
	"context"
	"math"
	"slices"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
)

// Norms returns the Frobenius norm of each change scale B A, by layer and by the place in model.Projections; NaN where the adapter
// leaves the projection alone.
func Norms(ctx context.Context, a *adapter.Adapter) ([][]float64, error) {
	norms := make([][]float64, len(a.Layers))
	for layer := range norms {
		norms[layer] = make([]float64, len(model.Projections))
	}
	err := each(ctx, len(a.Layers), nil, func(layer int, p model.Projection) {
		norm := math.NaN()
		if pair := a.Pair(layer, p); pair != nil {
			norm = factorsOf(pair, a.R, a.Scale()).norm()
		}
		norms[layer][index(p)] = norm
	})
	return norms, err
}

// Total returns the norm of several changes together, leaving out those that are NaN.
func Total(norms []float64) float64 {
	var sum float64
	for _, n := range norms {
		if !math.IsNaN(n) {
			sum += n * n
		}
	}
	return math.Sqrt(sum)
}

// Difference compares what two adapters change.
type Difference struct {
	A, B       float64 // the norms
	Difference float64 // the norm of the difference
	Cosine     float64 // of the angle between the changes as vectors; NaN where one is zero
}

// Comparison is two adapters compared by layer, and as a whole.
type Comparison struct {
	Layers []Difference
	All    Difference
}

// products are sums over the elements of two changes, from which a Difference follows.
type products struct{ aa, bb, ab, difference float64 }

func (p *products) add(q products) {
	p.aa += q.aa
	p.bb += q.bb
	p.ab += q.ab
	p.difference += q.difference
}

func (p products) result() Difference {
	d := Difference{A: math.Sqrt(max(p.aa, 0)), B: math.Sqrt(max(p.bb, 0)), Difference: math.Sqrt(p.difference), Cosine: math.NaN()}
	if d.A > 0 && d.B > 0 {
		d.Cosine = max(-1, min(1, p.ab/d.A/d.B))
	}
	return d
}

// Compare compares two adapters of one base model. A projection that one of them leaves alone counts as no change there.
func Compare(ctx context.Context, a, b *adapter.Adapter, progress func(done, total int64)) (Comparison, error) {
	layers := max(len(a.Layers), len(b.Layers))
	parts := make([][]products, layers)
	for layer := range parts {
		parts[layer] = make([]products, len(model.Projections))
	}
	err := each(ctx, layers, progress, func(layer int, p model.Projection) {
		parts[layer][index(p)] = compare(factorsOf(a.Pair(layer, p), a.R, a.Scale()), factorsOf(b.Pair(layer, p), b.R, b.Scale()))
	})
	var c Comparison
	var all products
	for layer := range parts {
		var sum products
		for _, p := range parts[layer] {
			sum.add(p)
		}
		c.Layers = append(c.Layers, sum.result())
		all.add(sum)
	}
	c.All = all.result()
	return c, err
}

// compare computes the norm of the difference from its own factors: from the norms and the inner product, that of adapters that are
// nearly the same would be rounding.
func compare(a, b factors) products {
	p := products{aa: a.inner(a), bb: b.inner(b), ab: a.inner(b)}
	if slices.Equal(a.b.data, b.b.data) && slices.Equal(a.a.data, b.a.data) {
		return p // without the rounding of what follows
	}
	for i := range b.b.data {
		b.b.data[i] = -b.b.data[i]
	}
	if joined := a.beside(b); joined.b.cols > 0 {
		_, core, _ := joined.core()
		p.difference = core.norm() * core.norm()
	}
	return p
}
