package main

import (
	"context"
	"slices"
	"strings"

	"ventriloquist/internal/model/convert"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/usererr"
)

// ownTypes are the types that vqctl writes itself.
func ownTypes() (names []string) {
	for _, t := range gguf.Types {
		names = append(names, t.String())
	}
	return names
}

// quantizedTypes are the types that llama.cpp's quantizer makes without further data.
var quantizedTypes = []string{"q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k_s", "q3_k_m", "q3_k_l", "q4_k_s", "q4_k_m", "q5_k_s", "q5_k_m", "q6_k", "iq4_nl", "iq4_xs"}

// ggufWriter returns what writes a merged GGUF file of the type that --type names.
func (o *exportOptions) ggufWriter() (modelWriter, error) {
	name := strings.ToLower(o.model.kind)
	if slices.Contains(quantizedTypes, name) {
		return o.quantizingWriter(name)
	}
	kind := gguf.F16
	if name != "" {
		var ok bool
		if kind, ok = gguf.TypeNamed(name); !ok {
			return nil, usererr.With(usererr.Usage("--type %q is no type of weights", o.model.kind), "choose one of %s", strings.Join(slices.Concat(ownTypes(), quantizedTypes), ", "))
		}
	}
	return func(ctx context.Context, source convert.Source, path string) error {
		return source.WriteGGUF(ctx, path, kind)
	}, nil
}

// safetensorsWriter returns what writes a merged folder for transformers, in the base model's type unless --type names another.
func (o *exportOptions) safetensorsWriter() (modelWriter, error) {
	kind, ok := gguf.TypeNamed(strings.ToLower(o.model.kind))
	if o.model.kind != "" && (!ok || kind == gguf.Q8_0) {
		return nil, usererr.With(usererr.Usage("--type %s does not go with --format safetensors", o.model.kind), "choose f32, f16 or bf16")
	}
	return func(ctx context.Context, source convert.Source, path string) error {
		kind := kind
		if o.model.kind == "" {
			var err error
			if kind, err = source.StoredType(); err != nil {
				return err
			}
		}
		return source.WriteSafetensors(ctx, path, kind)
	}, nil
}
