package algebra

import (
	"context"
	"math"
	"runtime"
	"sync"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
)

// factors are a change of a weight in two factors: the change is b a^T.
type factors struct {
	b matrix // [out, k]
	a matrix // [in, k]
}

// factorsOf returns scale B and A^T of a pair; nil has none.
func factorsOf(p *adapter.Pair, rank int, scale float64) factors {
	if p == nil {
		return factors{}
	}
	f := factors{newMatrix(p.Out, rank), newMatrix(p.In, rank)}
	for k := range rank {
		for i := range f.b.rows {
			f.b.col(k)[i] = scale * float64(p.B[i*rank+k])
		}
		for i, v := range p.A[k*p.In : (k+1)*p.In] {
			f.a.col(k)[i] = float64(v)
		}
	}
	return f
}

// beside returns the factors of the sum of two changes.
func (f factors) beside(g factors) factors {
	switch {
	case f.b.cols == 0:
		return g
	case g.b.cols == 0:
		return f
	}
	join := func(x, y matrix) matrix {
		m := newMatrix(x.rows, x.cols+y.cols)
		copy(m.data[copy(m.data, x.data):], y.data)
		return m
	}
	return factors{join(f.b, g.b), join(f.a, g.a)}
}

// inner returns the sum of the products of the elements of two changes: the trace of (f.b^T g.b) (g.a^T f.a).
func (f factors) inner(g factors) (sum float64) {
	for i := range f.b.cols {
		for j := range g.b.cols {
			sum += dot(f.b.col(i), g.b.col(j)) * dot(f.a.col(i), g.a.col(j))
		}
	}
	return sum
}

func (f factors) norm() float64 { return math.Sqrt(max(f.inner(f), 0)) }

// core returns orthonormal Q_b and Q_a, and a small matrix C, so that the change is Q_b C Q_a^T: its norm and singular values are C's.
// It overwrites f.
func (f factors) core() (qb, c, qa matrix) {
	qb, rb := f.b.thinQR()
	qa, ra := f.a.thinQR()
	return qb, rb.times(ra.transposed()), qa
}

// each calls f for every projection of every layer, several at a time, until the context ends.
func each(ctx context.Context, layers int, progress func(done, total int64), f func(layer int, p model.Projection)) error {
	type place struct {
		layer int
		p     model.Projection
	}
	places := make(chan place)
	var workers sync.WaitGroup
	var mu sync.Mutex
	done, total := int64(0), int64(layers*len(model.Projections))
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for at := range places {
				f(at.layer, at.p)
				mu.Lock()
				if done++; progress != nil {
					progress(done, total)
				}
				mu.Unlock()
			}
		})
	}
	for layer := range layers {
		for _, p := range model.Projections {
			if ctx.Err() == nil {
				places <- place{layer, p}
			}
		}
	}
	close(places)
	workers.Wait()
	return ctx.Err()
}

// index is the place of a projection in model.Projections.
func index(p model.Projection) int {
	for i, q := range model.Projections {
		if p == q {
			return i
		}
	}
	return -1
}
