package adapter

import (
	"fmt"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/safetensors"
)

// outline is what a loader needs to know of a base model: its layers and the shapes of its projections.
type outline struct {
	layers int
	dims   func(model.Projection) (in, out int)
}

// maxLayers is how many layers a base model has at most.
const maxLayers = 4096

// outlineOf finds the outline in the tensors of an adapter: the layers up to the last that has one, and the shapes of the
// projections that have a pair. The others have no size; nothing asks for it.
func outlineOf(file *safetensors.File) (outline, error) {
	o := outline{}
	for _, name := range file.Names() {
		layer, ok := layerOf(name)
		if !ok {
			continue // checkNames rejects it
		}
		if layer < 0 || layer >= maxLayers {
			return o, fmt.Errorf("%s: tensor %q belongs to layer %d, but a base model has at most %d layers", file.Path(), name, layer, maxLayers)
		}
		o.layers = max(o.layers, layer+1)
	}
	dims := make(map[string][2]int)
	for layer := range o.layers {
		for _, p := range model.Projections {
			a, hasA := file.Tensor(tensorName(layer, p, "A"))
			b, hasB := file.Tensor(tensorName(layer, p, "B"))
			if _, known := dims[p.Short]; !known && hasA && hasB && len(a.Shape) == 2 && len(b.Shape) == 2 {
				dims[p.Short] = [2]int{a.Shape[1], b.Shape[0]}
			}
		}
	}
	o.dims = func(p model.Projection) (in, out int) { return dims[p.Short][0], dims[p.Short][1] }
	return o, nil
}
