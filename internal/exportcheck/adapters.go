package exportcheck

import (
	"fmt"
	"math"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/convert"
)

// ReadAdapter reads an exported adapter as the program that it is for reads it.
func (o Original) ReadAdapter(path string, format Format) (*adapter.Adapter, error) {
	switch format {
	case GGUFAdapter:
		return convert.ReadGGUFAdapter(path, o.Base.Config)
	case MLX:
		return convert.ReadMLX(path, o.Base.Config)
	}
	return adapter.Load(path, o.Base.Config)
}

// CheckAdapter compares the matrices and the scale of an exported adapter with those of the original.
func (o Original) CheckAdapter(path string, exported *adapter.Adapter) error {
	if exported.R != o.Adapter.R {
		return fmt.Errorf("%s: the rank is %d, not %d", path, exported.R, o.Adapter.R)
	}
	if math.Abs(exported.Scale()-o.Adapter.Scale()) > 1e-6*o.Adapter.Scale() {
		return fmt.Errorf("%s: the scale is %g, not %g", path, exported.Scale(), o.Adapter.Scale())
	}
	for layer := range o.Base.Config.Layers {
		for _, p := range model.Projections {
			wantA, wantB := matricesOf(o.Adapter, layer, p)
			gotA, gotB := matricesOf(exported, layer, p)
			for _, m := range []struct {
				name      string
				want, got []float32
			}{{"A", wantA, gotA}, {"B", wantB, gotB}} {
				if at := differsAt(m.want, m.got); at >= 0 {
					return fmt.Errorf("%s: layer %d, %s: element %d of %s differs from the adapter's", path, layer, p.Name, at, m.name)
				}
			}
		}
	}
	return nil
}

// matricesOf returns the matrices of a projection, nil for one that the adapter leaves alone or where B is zero.
func matricesOf(a *adapter.Adapter, layer int, p model.Projection) (matrixA, matrixB []float32) {
	for i, target := range a.Targets {
		if target == p && !a.Layers[layer][i].Absent && differsAt(a.Layers[layer][i].B, make([]float32, len(a.Layers[layer][i].B))) >= 0 {
			return a.Layers[layer][i].A, a.Layers[layer][i].B
		}
	}
	return nil, nil
}

// differsAt returns the first element that differs, -1 if there is none.
func differsAt(a, b []float32) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}
