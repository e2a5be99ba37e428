package convert

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/model/safetensors"
)

var errNoAdapter = errors.New("there is no adapter to write")

// WriteGGUFAdapter writes the adapter alone as a GGUF file, which llama.cpp adds to a base model in GGUF. llama.cpp scales by
// alpha / rank: the alpha it gets makes that the adapter's scale, whatever that is computed from.
func (s Source) WriteGGUFAdapter(path string) error {
	if s.Adapter == nil {
		return errNoAdapter
	}
	metadata := []gguf.KeyValue{
		{Key: "general.architecture", Value: model.GGUFArchitecture},
		{Key: "general.type", Value: "adapter"},
		{Key: "general.name", Value: s.name()},
		{Key: "general.file_type", Value: fileTypes[gguf.F32]},
		{Key: "general.quantization_version", Value: uint32(2)},
		{Key: "adapter.type", Value: "lora"},
		{Key: "adapter.lora.alpha", Value: float32(s.Adapter.Scale() * float64(s.Adapter.R))},
	}
	var entries []gguf.Entry
	add := func(name string, shape []int, values []float32) {
		entries = append(entries, gguf.Entry{Name: name, Type: gguf.F32, Shape: shape, Write: func(w io.Writer) error { return writeFloats(w, values) }})
	}
	for layer := range s.Adapter.Layers {
		for i, p := range s.Adapter.Targets {
			pair := &s.Adapter.Layers[layer][i]
			if pair.Absent {
				continue
			}
			name := model.GGUFLayerTensor(layer, p.Module)
			add(name+".lora_a", []int{s.Adapter.R, pair.In}, pair.A)
			add(name+".lora_b", []int{pair.Out, s.Adapter.R}, pair.B)
		}
	}
	if err := atomicfile.Write(path, func(w io.Writer) error { return gguf.Write(w, metadata, entries) }); err != nil {
		return fmt.Errorf("cannot export the adapter: %w", err)
	}
	return nil
}

// Names of the files of an adapter of mlx-lm.
const (
	mlxConfigFile  = "adapter_config.json"
	mlxWeightsFile = "adapters.safetensors"
)

// WriteMLX writes the adapter alone into a new folder as mlx-lm reads it: y = W x + scale (x lora_a) lora_b, with the matrices
// transposed. mlx-lm has one set of projections for all layers, so those that a layer leaves alone are zero there.
func (s Source) WriteMLX(dir string) error {
	if s.Adapter == nil {
		return errNoAdapter
	}
	var keys []string
	for _, p := range s.Adapter.Targets {
		keys = append(keys, p.Module)
	}
	config, err := json.MarshalIndent(map[string]any{
		"fine_tune_type":  "lora",
		"model":           s.Adapter.BaseModel,
		"num_layers":      s.Base.Config.Layers,
		"lora_parameters": map[string]any{"rank": s.Adapter.R, "scale": s.Adapter.Scale(), "dropout": s.Adapter.Dropout, "keys": keys},
	}, "", "  ")
	if err != nil {
		return err
	}
	var entries []safetensors.Entry
	add := func(name string, rows, columns int, values []float32) {
		entries = append(entries, safetensors.Entry{Name: name, DType: safetensors.F32, Shape: []int{columns, rows},
			Write: func(w io.Writer) error { return writeFloats(w, transposed(values, rows, columns)) }})
	}
	for layer := range s.Adapter.Layers {
		for i, p := range s.Adapter.Targets {
			pair := &s.Adapter.Layers[layer][i]
			name := fmt.Sprintf("model.layers.%d.%s", layer, p.Module)
			add(name+".lora_a", s.Adapter.R, pair.In, pair.A)
			add(name+".lora_b", pair.Out, s.Adapter.R, pair.B)
		}
	}
	return atomicfile.WriteDir(dir, func(tmp string) error {
		if err := atomicfile.WriteBytes(filepath.Join(tmp, mlxConfigFile), append(config, '\n')); err != nil {
			return err
		}
		return atomicfile.Write(filepath.Join(tmp, mlxWeightsFile), func(w io.Writer) error {
			return safetensors.Write(w, map[string]string{"format": "mlx"}, entries)
		})
	})
}

// transposed returns a row-major matrix with rows and columns exchanged.
func transposed(values []float32, rows, columns int) []float32 {
	out := make([]float32, len(values))
	for r := range rows {
		for c := range columns {
			out[c*rows+r] = values[r*columns+c]
		}
	}
	return out
}

// writeFloats writes values in little-endian order.
func writeFloats(w io.Writer, values []float32) error {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	_, err := w.Write(data)
	return err
}
