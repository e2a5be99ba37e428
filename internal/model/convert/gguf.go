package convert

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/gguf"
)

// fileTypes are llama.cpp's numbers for a whole file of a type.
var fileTypes = map[gguf.Type]uint32{gguf.F32: 0, gguf.F16: 1, gguf.Q8_0: 7, gguf.BF16: 32}

// WriteGGUF writes the merged model as a GGUF file. Norms are f32, as llama.cpp wants them; matrices are of type t.
func (s Source) WriteGGUF(ctx context.Context, path string, t gguf.Type) error {
	if err := s.checkType(t); err != nil {
		return err
	}
	vocabulary, err := readVocabulary(s.Base.Location)
	if err != nil {
		return err
	}
	metadata, err := s.ggufMetadata(t, vocabulary)
	if err != nil {
		return err
	}
	var entries []gguf.Entry
	for _, spec := range model.RequiredTensors(s.Base.Config) {
		kind := t
		if len(spec.Shape) == 1 {
			kind = gguf.F32
		}
		entries = append(entries, gguf.Entry{Name: model.GGUFTensor(spec.Name), Type: kind, Shape: spec.Shape,
			Write: func(w io.Writer) error { return s.write(ctx, w, spec.Name, kind) }})
	}
	if err := atomicfile.Write(path, func(w io.Writer) error { return gguf.Write(w, metadata, entries) }); err != nil {
		return fmt.Errorf("cannot export the model: %w", err)
	}
	return nil
}

// ggufMetadata returns the keys of a Qwen3 model, as llama.cpp reads them.
func (s Source) ggufMetadata(t gguf.Type, v *vocabulary) ([]gguf.KeyValue, error) {
	c := s.Base.Config
	key := func(name string) string { return model.GGUFArchitecture + "." + name }
	list := []gguf.KeyValue{
		{Key: "general.architecture", Value: model.GGUFArchitecture},
		{Key: "general.type", Value: "model"},
		{Key: "general.name", Value: s.name()},
		{Key: "general.file_type", Value: fileTypes[t]},
		{Key: "general.quantization_version", Value: uint32(2)},
		{Key: key("block_count"), Value: uint32(c.Layers)},
		{Key: key("context_length"), Value: uint32(c.MaxPositions)},
		{Key: key("embedding_length"), Value: uint32(c.HiddenSize)},
		{Key: key("feed_forward_length"), Value: uint32(c.IntermediateSize)},
		{Key: key("attention.head_count"), Value: uint32(c.Heads)},
		{Key: key("attention.head_count_kv"), Value: uint32(c.KVHeads)},
		{Key: key("attention.key_length"), Value: uint32(c.HeadDim)},
		{Key: key("attention.value_length"), Value: uint32(c.HeadDim)},
		{Key: key("attention.layer_norm_rms_epsilon"), Value: float32(c.RMSNormEps)},
		{Key: key("rope.freq_base"), Value: float32(c.RopeTheta)},
	}
	tokenizer, err := v.metadata(c)
	return append(list, tokenizer...), err
}

// name is what the model is called in lists of models.
func (s Source) name() string {
	name := strings.TrimSuffix(filepath.Base(cmp.Or(s.Base.Location.Name, "model")), ".gguf")
	if s.Adapter != nil {
		name += " with an adapter of Ventriloquist"
	}
	return name
}
