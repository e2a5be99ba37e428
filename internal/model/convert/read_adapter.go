package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/model/safetensors"
)

// ReadGGUFAdapter reads the file of WriteGGUFAdapter as llama.cpp does: the scale is alpha / rank, the rank is that of the matrices.
func ReadGGUFAdapter(path string, base model.Config) (_ *adapter.Adapter, err error) {
	file, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for key, want := range map[string]string{"general.type": "adapter", "adapter.type": "lora", "general.architecture": model.GGUFArchitecture} {
		if got, err := file.Text(key); err != nil || got != want {
			return nil, errors.Join(err, fmt.Errorf("%s: %s is %q, not %q", path, key, got, want))
		}
	}
	alpha, ok, err := file.Number("adapter.lora.alpha")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%s: adapter.lora.alpha is missing", path)
	}
	found := map[string]matrix{}
	for _, name := range file.Names() {
		tensor, _ := file.Tensor(name)
		values, err := tensor.Floats()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		found[name] = matrix{tensor.Shape, values}
	}
	return assemble(path, base, alpha, false, found, func(layer int, p model.Projection) (a, b string) {
		name := model.GGUFLayerTensor(layer, p.Module)
		return name + ".lora_a", name + ".lora_b"
	})
}

// mlxConfig is what mlx-lm reads of its adapter_config.json.
type mlxConfig struct {
	FineTuneType string `json:"fine_tune_type"`
	NumLayers    int    `json:"num_layers"`
	LoRA         struct {
		Rank  int      `json:"rank"`
		Scale float64  `json:"scale"`
		Keys  []string `json:"keys"`
	} `json:"lora_parameters"`
}

// ReadMLX reads the folder of WriteMLX as mlx-lm does.
func ReadMLX(dir string, base model.Config) (_ *adapter.Adapter, err error) {
	path := filepath.Join(dir, mlxConfigFile)
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var config mlxConfig
	if err := json.Unmarshal(content, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, jsonfields.Describe(content, err))
	}
	if config.FineTuneType != "lora" || config.NumLayers != base.Layers {
		return nil, fmt.Errorf("%s: fine_tune_type is %q, num_layers %d; the model needs \"lora\" and %d", path, config.FineTuneType, config.NumLayers, base.Layers)
	}
	weights := filepath.Join(dir, mlxWeightsFile)
	file, err := safetensors.Open(weights)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	found := map[string]matrix{}
	for _, name := range file.Names() {
		tensor, _ := file.Tensor(name)
		values, err := tensor.Floats()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", weights, err)
		}
		found[name] = matrix{tensor.Shape, values}
	}
	a, err := assemble(weights, base, config.LoRA.Scale*float64(config.LoRA.Rank), true, found, func(layer int, p model.Projection) (a, b string) {
		name := fmt.Sprintf("model.layers.%d.%s", layer, p.Module)
		return name + ".lora_a", name + ".lora_b"
	})
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, p := range a.Targets {
		keys = append(keys, p.Module)
	}
	if !slices.Equal(keys, config.LoRA.Keys) || a.R != config.LoRA.Rank {
		return nil, fmt.Errorf("%s: rank %d for %v, but %s has rank %d for %v", path, config.LoRA.Rank, config.LoRA.Keys, mlxWeightsFile, a.R, keys)
	}
	return a, nil
}

// matrix is a tensor of an adapter's file.
type matrix struct {
	shape  []int
	values []float32
}

// assemble makes an adapter of matrices by name, which are transposed in some formats. Every matrix must have its place.
func assemble(path string, base model.Config, alpha float64, isTransposed bool, found map[string]matrix, names func(layer int, p model.Projection) (a, b string)) (*adapter.Adapter, error) {
	result := &adapter.Adapter{Config: adapter.Config{Alpha: alpha}, Layers: make([][]adapter.Pair, base.Layers)}
	used := 0
	for _, p := range model.Projections {
		in, out := base.Dims(p)
		column, targeted := make([]adapter.Pair, base.Layers), false
		for layer := range base.Layers {
			column[layer] = adapter.Pair{In: in, Out: out, Absent: true}
			nameA, nameB := names(layer, p)
			a, hasA := found[nameA]
			b, hasB := found[nameB]
			if !hasA && !hasB {
				continue
			}
			if result.R == 0 && len(a.shape) == 2 {
				result.R = a.shape[0]
				if isTransposed {
					result.R = a.shape[1]
				}
			}
			shapeA, shapeB := []int{result.R, in}, []int{out, result.R}
			if isTransposed {
				shapeA, shapeB = []int{in, result.R}, []int{result.R, out}
			}
			if !slices.Equal(a.shape, shapeA) || !slices.Equal(b.shape, shapeB) {
				return nil, fmt.Errorf("%s: %s has the shape %v and %s %v; the model needs %v and %v", path, nameA, a.shape, nameB, b.shape, shapeA, shapeB)
			}
			used, targeted = used+2, true
			column[layer] = adapter.Pair{In: in, Out: out, A: a.values, B: b.values}
			if isTransposed {
				column[layer].A, column[layer].B = transposed(a.values, in, result.R), transposed(b.values, result.R, out)
			}
		}
		if !targeted {
			continue
		}
		result.Targets = append(result.Targets, p)
		for layer := range base.Layers {
			result.Layers[layer] = append(result.Layers[layer], column[layer])
		}
	}
	if used != len(found) {
		return nil, fmt.Errorf("%s: %d of %d tensors have no place in the model", path, len(found)-used, len(found))
	}
	if !(alpha > 0) || math.IsInf(alpha, 0) {
		return nil, fmt.Errorf("%s: the scale is %g / %d", path, alpha, result.R)
	}
	return result, result.Validate()
}
