// Package convert writes models and adapters in the formats of other programs: merged weights for transformers, GGUF for
// llama.cpp and Ollama, adapters for llama.cpp and MLX. It reads the adapters of these formats back, to check them.
//
// In: an open base model, and an adapter or none. Out: files, written one tensor after the other, in memory for a few rows at a
// time. It must not know: the engine, messages, and whether what it writes is any good.
package convert

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/usererr"
)

// Source is what is converted.
type Source struct {
	Base    *model.Model
	Adapter *adapter.Adapter // nil: the base alone
	// Progress is called with the number of weights that were written since the last call; may be nil.
	Progress func(weights int64)
}

// Weights returns the number of weights of a merged model, for progress.
func (s Source) Weights() int64 { return s.Base.Config.Parameters() }

// delta is what an adapter adds to a matrix: scale B A.
type delta struct {
	pair  *adapter.Pair
	rank  int
	scale float32
}

// deltaOf returns the delta of a tensor, nil if the adapter leaves it alone.
func (s Source) deltaOf(name string) *delta {
	if s.Adapter == nil {
		return nil
	}
	for layer := range s.Adapter.Layers {
		for i, p := range s.Adapter.Targets {
			if pair := &s.Adapter.Layers[layer][i]; !pair.Absent && model.LayerTensor(layer, p.Module) == name {
				return &delta{pair, s.Adapter.R, float32(s.Adapter.Scale())}
			}
		}
	}
	return nil
}

// addTo adds the delta's rows from first on to rows of the matrix. Sums are float32.
func (d *delta) addTo(rows []float32, first int) {
	in := d.pair.In
	for row := 0; row*in < len(rows); row++ {
		out := rows[row*in : (row+1)*in]
		b := d.pair.B[(first+row)*d.rank : (first+row+1)*d.rank]
		for k, weight := range b {
			weight *= d.scale
			if weight == 0 {
				continue
			}
			for i, a := range d.pair.A[k*in : (k+1)*in] {
				out[i] += weight * a
			}
		}
	}
}

// chunkWeights is about the number of weights that a worker converts at a time.
const chunkWeights = 1 << 20

// write writes a merged tensor in a type, a few rows at a time.
func (s Source) write(ctx context.Context, w io.Writer, name string, t gguf.Type) error {
	view, err := s.Base.Tensor(name)
	if err != nil {
		return err
	}
	columns := view.Shape[len(view.Shape)-1]
	rows := view.Elements() / columns
	step := max(chunkWeights/columns, 1)
	d := s.deltaOf(name)
	convert := func(first int) ([]byte, error) {
		count := min(step, rows-first)
		part := view
		size := view.DType.Size() * columns
		part.Shape, part.Data = []int{count, columns}, view.Data[first*size:(first+count)*size]
		values, err := part.Floats()
		if err != nil {
			return nil, err
		}
		if d != nil {
			d.addTo(values, first)
		}
		return t.Append(nil, values)
	}
	defer s.Base.Evict()
	return inOrder(ctx, (rows+step-1)/step, func(i int) ([]byte, error) { return convert(i * step) }, func(i int, part []byte) error {
		if _, err := w.Write(part); err != nil {
			return err
		}
		s.report(int64(min(step, rows-i*step) * columns))
		return nil
	})
}

func (s Source) report(weights int64) {
	if s.Progress != nil {
		s.Progress(weights)
	}
}

// inOrder makes count parts on all processors and passes them on in order, until one fails.
func inOrder(ctx context.Context, count int, make func(i int) ([]byte, error), pass func(i int, part []byte) error) error {
	workers := min(runtime.GOMAXPROCS(0), count)
	parts, errs := [][]byte{}, []error{}
	for first := 0; first < count; first += workers {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(workers, count-first)
		parts, errs = append(parts[:0], nil), append(errs[:0], nil)
		for len(parts) < n {
			parts, errs = append(parts, nil), append(errs, nil)
		}
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() { parts[i], errs[i] = make(first + i) })
		}
		wait.Wait()
		for i := range n {
			if errs[i] != nil {
				return errs[i]
			}
			if err := pass(first+i, parts[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkType refuses a type whose blocks do not divide a row.
func (s Source) checkType(t gguf.Type) error {
	block := t.BlockElements()
	for _, spec := range model.RequiredTensors(s.Base.Config) {
		if columns := spec.Shape[len(spec.Shape)-1]; len(spec.Shape) == 2 && columns%block != 0 {
			return usererr.With(fmt.Errorf("%s: tensor %q has rows of %d, which %s cannot store: it has blocks of %d", s.Base.Location, spec.Name, columns, t, block),
				"choose f16, bf16 or f32")
		}
	}
	return nil
}
