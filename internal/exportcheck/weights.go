package exportcheck

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/model/safetensors"
)

// Original is what was exported.
type Original struct {
	Base    *model.Model
	Adapter *adapter.Adapter // nil: the base alone
	// Progress is called with the number of weights compared since the last call; may be nil.
	Progress func(weights int64)
}

// CheckMerged compares each weight of a merged model, a GGUF file or a folder of safetensors files, with W + scale B A, and returns an
// error for the first that is not rounded from it, else the type of the matrices.
func (o Original) CheckMerged(ctx context.Context, path string, format Format) (kind gguf.Type, err error) {
	find, finish, err := o.openMerged(path, format)
	if err != nil {
		return kind, err
	}
	defer func() { err = errors.Join(err, finish()) }()
	for _, spec := range model.RequiredTensors(o.Base.Config) {
		stored, err := find(spec.Name)
		if err != nil {
			return kind, err
		}
		if !slices.Equal(stored.Shape, spec.Shape) {
			return kind, fmt.Errorf("%s: tensor %s has the shape %v, not %v", path, stored.Name, stored.Shape, spec.Shape)
		}
		if format == GGUF && len(spec.Shape) == 1 && stored.Type != gguf.F32 {
			return kind, fmt.Errorf("%s: tensor %s is %s, and llama.cpp wants norms in f32", path, stored.Name, stored.Type)
		}
		if err := o.checkTensor(ctx, spec.Name, stored); err != nil {
			return kind, fmt.Errorf("%s: tensor %s: %w", path, stored.Name, err)
		}
		if len(spec.Shape) == 2 {
			kind = stored.Type
		}
		o.Base.Evict()
	}
	return kind, nil
}

// openMerged returns a function that finds a tensor of the export by its name in transformers.
func (o Original) openMerged(path string, format Format) (find func(name string) (gguf.Tensor, error), finish func() error, err error) {
	if format == GGUF {
		file, err := gguf.Open(path)
		if err != nil {
			return nil, nil, err
		}
		if err := checkMetadata(file, o.Base.Config); err != nil {
			return nil, nil, errors.Join(err, file.Close())
		}
		return func(name string) (gguf.Tensor, error) {
			t, ok := file.Tensor(llamaCppName(name))
			if !ok {
				return t, fmt.Errorf("%s: tensor %s is missing", path, llamaCppName(name))
			}
			return t, nil
		}, file.Close, nil
	}
	folder, err := model.Open(path)
	if err != nil {
		return nil, nil, err
	}
	return func(name string) (gguf.Tensor, error) {
		view, err := folder.Tensor(name)
		return gguf.Tensor{Name: name, Type: types[view.DType], Shape: view.Shape, Data: view.Data}, err
	}, folder.Close, nil
}

// types are the types of tensors in safetensors files.
var types = map[safetensors.DType]gguf.Type{safetensors.F32: gguf.F32, safetensors.F16: gguf.F16, safetensors.BF16: gguf.BF16}

// checkTensor compares the rows of a tensor on all processors.
func (o Original) checkTensor(ctx context.Context, name string, stored gguf.Tensor) error {
	original, err := o.Base.Tensor(name)
	if err != nil {
		return err
	}
	columns := original.Shape[len(original.Shape)-1]
	rows := original.Elements() / columns
	r := &rowChecker{original: original, stored: stored, pair: o.pairOf(name), columns: columns}
	if o.Adapter != nil {
		r.rank, r.scale = o.Adapter.R, o.Adapter.Scale()
	}
	workers := min(runtime.GOMAXPROCS(0), rows)
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			for row := worker; row < rows && errs[worker] == nil; row += workers {
				if errs[worker] = ctx.Err(); errs[worker] == nil {
					errs[worker] = r.check(row)
				}
			}
		})
	}
	wait.Wait()
	if o.Progress != nil {
		o.Progress(int64(original.Elements()))
	}
	for _, err := range errs {
		if err != nil {
			return err // of several wrong rows one is enough
		}
	}
	return nil
}

// pairOf returns the matrices that the adapter has for a tensor, nil for none.
func (o Original) pairOf(name string) *adapter.Pair {
	if o.Adapter == nil {
		return nil
	}
	for layer := range o.Adapter.Layers {
		for i, p := range o.Adapter.Targets {
			if pair := &o.Adapter.Layers[layer][i]; !pair.Absent && model.LayerTensor(layer, p.Module) == name {
				return pair
			}
		}
	}
	return nil
}

// rowChecker compares rows of one tensor.
type rowChecker struct {
	original model.View
	stored   gguf.Tensor
	pair     *adapter.Pair // may be nil
	rank     int
	scale    float64
	columns  int
}

func (c *rowChecker) check(row int) error {
	want, sizes, err := c.want(row)
	if err != nil {
		return err
	}
	size := len(c.stored.Data) / (c.stored.Elements() / c.columns)
	at, got, err := wrongIn(c.stored.Type, c.stored.Data[row*size:(row+1)*size], want, sizes)
	if err != nil || at < 0 {
		return err
	}
	return fmt.Errorf("row %d, column %d is %g; %g in %s was expected", row, at, got, want[at], c.stored.Type)
}

// want returns a row of W + scale B A, and the magnitudes of the terms of each element.
func (c *rowChecker) want(row int) (want, sizes []float64, err error) {
	size := c.original.DType.Size() * c.columns
	part := c.original
	part.Shape, part.Data = []int{1, c.columns}, c.original.Data[row*size:(row+1)*size]
	weights, err := part.Floats()
	if err != nil {
		return nil, nil, err
	}
	want, sizes = make([]float64, c.columns), make([]float64, c.columns)
	for i, w := range weights {
		want[i], sizes[i] = float64(w), math.Abs(float64(w))
	}
	if c.pair == nil {
		return want, sizes, nil
	}
	for k := range c.rank {
		b := c.scale * float64(c.pair.B[row*c.rank+k])
		for i, a := range c.pair.A[k*c.columns : (k+1)*c.columns] {
			term := b * float64(a)
			want[i] += term
			sizes[i] += math.Abs(term)
		}
	}
	return want, sizes, nil
}
