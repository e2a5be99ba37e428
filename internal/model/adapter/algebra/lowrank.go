package algebra

import (
	"context"
	"fmt"
	"math"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
)

// Loss is what an adapter of lower rank leaves out, as shares of the norm of what the whole one changes.
type Loss struct {
	All     float64 // of all changes together
	Worst   float64 // of the projection where the share is largest
	WorstAt string  // that projection, such as "layer 3 q_proj"; "" if nothing was left out
}

// LowRank returns the adapter of a rank that is nearest to a: of each change, the largest singular values. The result has the scale 1,
// and shares each singular value equally between A and B.
func LowRank(ctx context.Context, a *adapter.Adapter, rank int, progress func(done, total int64)) (*adapter.Adapter, Loss, error) {
	low := *a
	low.R, low.Alpha, low.RSLoRA = rank, float64(rank), false
	low.Layers = make([][]adapter.Pair, len(a.Layers))
	values := make([][][]float64, len(a.Layers))
	for layer := range low.Layers {
		low.Layers[layer] = make([]adapter.Pair, len(a.Targets))
		values[layer] = make([][]float64, len(model.Projections))
	}
	err := each(ctx, len(a.Layers), progress, func(layer int, p model.Projection) {
		for i, target := range a.Targets {
			if target == p {
				low.Layers[layer][i], values[layer][index(p)] = reduce(a, a.Layers[layer][i], rank)
			}
		}
	})
	return &low, lossOf(values, rank), err
}

// reduce returns the pair of a rank that is nearest to a pair, and the singular values of the change.
func reduce(a *adapter.Adapter, whole adapter.Pair, rank int) (adapter.Pair, []float64) {
	pair := adapter.Pair{In: whole.In, Out: whole.Out, Absent: whole.Absent,
		A: make([]float32, rank*whole.In), B: make([]float32, whole.Out*rank)}
	if whole.Absent {
		return pair, nil
	}
	qb, core, qa := factorsOf(&whole, a.R, a.Scale()).core()
	u, s, v := core.svd()
	left, right := qb.times(u), qa.times(v)
	for k := range min(rank, len(s)) {
		root := math.Sqrt(s[k])
		for i, x := range left.col(k) {
			pair.B[i*rank+k] = float32(root * x)
		}
		for i, x := range right.col(k) {
			pair.A[k*whole.In+i] = float32(root * x)
		}
	}
	return pair, s
}

// lossOf computes what is lost after the first rank singular values.
func lossOf(values [][][]float64, rank int) (l Loss) {
	var all, most float64
	energy := func(s []float64) (sum float64) { return dot(s, s) }
	for _, layer := range values {
		for _, s := range layer {
			all += energy(s)
		}
	}
	var left float64
	for layer := range values {
		for i, s := range values[layer] {
			rest := energy(s[min(rank, len(s)):])
			left += rest
			if whole := energy(s); rest > 0 && rest/whole > most {
				most = rest / whole
				l.Worst, l.WorstAt = math.Sqrt(most), fmt.Sprintf("layer %d %s", layer, model.Projections[i].Name)
			}
		}
	}
	if all > 0 {
		l.All = math.Sqrt(left / all)
	}
	return l
}
