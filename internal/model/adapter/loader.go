package adapter

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// loader fills an adapter from its weights file.
type loader struct {
	file    *safetensors.File
	base    outline
	shapes  shapes
	adapter *Adapter
}

func (l *loader) load() error {
	if err := l.checkNames(); err != nil {
		return err
	}
	a := l.adapter
	wanted := map[string]bool{}
	for layer := range l.base.layers {
		for _, p := range model.Projections {
			if l.targeted(layer, p) {
				wanted[p.Short] = true
			}
		}
	}
	if a.Targets = pick(wanted); len(a.Targets) == 0 {
		return fmt.Errorf("%s: target_modules matches no projection of the base model", filepath.Join(filepath.Dir(l.file.Path()), ConfigFile))
	}
	if err := l.checkShapes(); err != nil {
		return err
	}
	if err := l.widen(); err != nil {
		return err
	}
	for layer := range l.base.layers {
		pairs := make([]Pair, len(a.Targets))
		for i, p := range a.Targets {
			pair, err := l.pair(layer, p)
			if err != nil {
				return err
			}
			pairs[i] = pair
		}
		a.Layers = append(a.Layers, pairs)
	}
	return nil
}

// targeted reports whether the adapter has a pair there. If its pattern cannot be evaluated, the tensors in the file decide.
func (l *loader) targeted(layer int, p model.Projection) bool {
	if l.adapter.modules.opaque() {
		_, ok := l.file.Tensor(tensorName(layer, p, "A"))
		return ok
	}
	return l.adapter.modules.has(moduleName(layer, p))
}

// widen sets the adapter's rank to the largest of its modules, and its alpha so that the scale is the largest of theirs.
// pair fits the others to them, so that an adapter with several ranks and scales is one with one rank and one scale. Values only
// become smaller, so that none overflows.
func (l *loader) widen() error {
	if l.shapes.rank == nil && l.shapes.alpha == nil {
		return nil
	}
	a := l.adapter
	rank, scale, perRank := 0, 0.0, int64(0)
	for layer := range l.base.layers {
		for _, p := range a.Targets {
			in, out := l.base.dims(p)
			perRank += int64(in + out)
			if l.targeted(layer, p) {
				s := l.shapes.of(moduleName(layer, p))
				rank = max(rank, s.rank)
				scale = max(scale, s.scale)
			}
		}
	}
	const most = 64 // times the values in the file
	if values := l.file.Bytes() / 2; int64(rank)*perRank > most*values {
		return usererr.With(fmt.Errorf("%s: rank_pattern has ranks up to %d for few of the modules, which would take %d times the memory of the file",
			filepath.Join(filepath.Dir(l.file.Path()), ConfigFile), rank, int64(rank)*perRank/max(values, 1)), "%s", mergeAdvice())
	}
	a.R, a.Alpha = rank, 1
	a.Alpha = scale / a.Scale()
	return nil
}

// checkShapes checks all matrices before anything is allocated for them.
func (l *loader) checkShapes() error {
	for layer := range l.base.layers {
		for _, p := range l.adapter.Targets {
			if !l.targeted(layer, p) {
				continue
			}
			in, out := l.base.dims(p)
			rank := l.shapes.of(moduleName(layer, p)).rank
			if _, err := l.tensor(tensorName(layer, p, "A"), rank, in, rank); err != nil {
				return err
			}
			if _, err := l.tensor(tensorName(layer, p, "B"), out, rank, rank); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loader) pair(layer int, p model.Projection) (Pair, error) {
	r := l.adapter.R
	if !l.targeted(layer, p) {
		in, out := l.base.dims(p)
		pair := newPair(in, out, r)
		pair.Absent = true
		return pair, nil
	}
	own := l.shapes.of(moduleName(layer, p))
	var pair Pair
	var err error
	pair.In, pair.Out = l.base.dims(p)
	if pair.A, err = l.matrix(tensorName(layer, p, "A"), own.rank, pair.In, own.rank); err != nil {
		return pair, err
	}
	if pair.B, err = l.matrix(tensorName(layer, p, "B"), pair.Out, own.rank, own.rank); err != nil {
		return pair, err
	}
	if own.rank < r {
		pair.A = append(pair.A, make([]float32, (r-own.rank)*pair.In)...)
		pair.B = widenRows(pair.B, pair.Out, own.rank, r)
	}
	if gain := own.scale / l.adapter.Scale(); math.Abs(gain-1) > 1e-12 {
		for i, v := range pair.B {
			pair.B[i] = float32(float64(v) * gain)
		}
	}
	return pair, nil
}

// widenRows appends zeros to each row of a matrix.
func widenRows(values []float32, rows, from, to int) []float32 {
	wide := make([]float32, rows*to)
	for row := range rows {
		copy(wide[row*to:], values[row*from:(row+1)*from])
	}
	return wide
}

// tensor returns a matrix of the file, and an error if it has another shape.
func (l *loader) tensor(name string, rows, columns, rank int) (safetensors.Tensor, error) {
	t, ok := l.file.Tensor(name)
	if !ok {
		return t, l.mismatch("tensor %q is missing", name)
	}
	if !slices.Equal(t.Shape, []int{rows, columns}) {
		return t, l.mismatch("tensor %q has shape %v, but this base model and r = %d need %v", name, t.Shape, rank, []int{rows, columns})
	}
	return t, nil
}

func (l *loader) matrix(name string, rows, columns, rank int) ([]float32, error) {
	t, err := l.tensor(name, rows, columns, rank)
	if err != nil {
		return nil, err
	}
	values, err := t.Floats()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.file.Path(), err)
	}
	return values, nil
}

// checkNames rejects tensors that would be ignored: their effect would be missing without notice.
func (l *loader) checkNames() error {
	known := map[string]bool{}
	for layer := range l.base.layers {
		for _, p := range model.Projections {
			if l.targeted(layer, p) {
				known[tensorName(layer, p, "A")], known[tensorName(layer, p, "B")] = true, true
			}
		}
	}
	for _, name := range l.file.Names() {
		if known[name] {
			continue
		}
		if layer, ok := layerOf(name); ok && layer >= l.base.layers {
			return l.mismatch("tensor %q belongs to layer %d, but the base model has %d layers", name, layer, l.base.layers)
		}
		return usererr.With(fmt.Errorf("%s: unexpected tensor %q: %s does not list it", l.file.Path(), name, ConfigFile), plainLoRA)
	}
	return nil
}

// layerOf returns the layer number in a tensor's name.
func layerOf(name string) (layer int, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix+"model.layers.")
	if !ok {
		return 0, false
	}
	_, err := fmt.Sscanf(rest, "%d.", &layer)
	return layer, err == nil
}

func (l *loader) mismatch(format string, args ...any) error {
	err := fmt.Errorf("%s: %s", l.file.Path(), fmt.Sprintf(format, args...))
	if trained := l.adapter.BaseModel; trained != "" {
		return usererr.With(err, "the adapter may belong to another base model: it was trained on %s", trained)
	}
	return usererr.With(err, "the adapter may belong to another base model")
}
