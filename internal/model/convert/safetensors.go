package convert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/model/safetensors"
)

// dtypes are the types of weights in safetensors files, by the types of conversion.
var dtypes = map[gguf.Type]struct {
	dtype safetensors.DType
	torch string // as config.json names it
}{gguf.F32: {safetensors.F32, "float32"}, gguf.F16: {safetensors.F16, "float16"}, gguf.BF16: {safetensors.BF16, "bfloat16"}}

// StoredType returns the type of the base model's matrices.
func (s Source) StoredType() (gguf.Type, error) {
	view, err := s.Base.Tensor(model.EmbedTokens)
	if err != nil {
		return 0, err
	}
	for t, d := range dtypes {
		if d.dtype == view.DType {
			return t, nil
		}
	}
	return gguf.F32, nil
}

// shardBytes is the size that a weights file does not exceed, unless a single tensor does: that of transformers.
const shardBytes = 5_000_000_000

// copied are the files of a base model that belong to a merged one as they are.
var copied = []string{model.TokenizerFile, model.TokenizerConfigFile, model.AddedTokensFile, model.SpecialTokensFile, model.GenerationFile,
	"vocab.json", "merges.txt"}

// WriteSafetensors writes the merged model into a folder as transformers reads it: weights of type t, in the files of the base model or
// in parts if they are large, the configuration and the tokenizer. The folder must not exist.
func (s Source) WriteSafetensors(ctx context.Context, dir string, t gguf.Type) error {
	if _, ok := dtypes[t]; !ok {
		return fmt.Errorf("safetensors files have no %s", t)
	}
	return s.writeSafetensors(ctx, dir, t, shardBytes)
}

func (s Source) writeSafetensors(ctx context.Context, dir string, t gguf.Type, most int64) error {
	return atomicfile.WriteDir(dir, func(tmp string) error {
		if err := s.writeConfig(filepath.Join(tmp, model.ConfigFile), dtypes[t].torch); err != nil {
			return err
		}
		for _, name := range copied {
			content, err := s.Base.Location.ReadFile(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = atomicfile.WriteBytes(filepath.Join(tmp, name), content)
			}
			if err != nil {
				return err
			}
		}
		return s.writeShards(ctx, tmp, t, most)
	})
}

// writeConfig writes the base model's configuration with the type of the weights.
func (s Source) writeConfig(path, torch string) error {
	content, err := s.Base.Location.ReadFile(model.ConfigFile)
	if err != nil {
		return err
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(content, &config); err != nil {
		return fmt.Errorf("%s: %w", model.ConfigFile, jsonfields.Describe(content, err))
	}
	key := "torch_dtype"
	if _, newer := config["dtype"]; newer {
		key = "dtype"
	}
	config[key] = json.RawMessage(`"` + torch + `"`)
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, append(text, '\n'))
}

// shard is a weights file and its tensors.
type shard struct {
	name    string
	entries []safetensors.Entry
}

// shards distributes the weights over files as the base model does, if it has several, else over files of at most this many bytes.
func (s Source) shards(ctx context.Context, t gguf.Type, most int64) (list []shard) {
	var size int64
	for _, spec := range model.RequiredTensors(s.Base.Config) {
		entry := safetensors.Entry{Name: spec.Name, DType: dtypes[t].dtype, Shape: spec.Shape,
			Write: func(w io.Writer) error { return s.write(ctx, w, spec.Name, t) }}
		if name, several := s.Base.WeightsFileOf(spec.Name); several {
			i := slices.IndexFunc(list, func(known shard) bool { return known.name == name })
			if i < 0 {
				i, list = len(list), append(list, shard{name: name})
			}
			list[i].entries = append(list[i].entries, entry)
			continue
		}
		if len(list) == 0 || size+entry.Size() > most {
			list, size = append(list, shard{}), 0
		}
		list[len(list)-1].entries = append(list[len(list)-1].entries, entry)
		size += entry.Size()
	}
	for i := range list {
		switch {
		case len(list) == 1:
			list[i].name = model.WeightsFile
		case list[i].name == "":
			list[i].name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(list))
		}
	}
	return list
}

// writeShards writes the weights, and their index if they are in several files.
func (s Source) writeShards(ctx context.Context, dir string, t gguf.Type, most int64) error {
	list := s.shards(ctx, t, most)
	where, total := make(map[string]string), int64(0) // tensor: file
	for _, shard := range list {
		for _, entry := range shard.entries {
			where[entry.Name] = shard.name
			total += entry.Size()
		}
		err := atomicfile.Write(filepath.Join(dir, shard.name), func(w io.Writer) error {
			return safetensors.Write(w, map[string]string{"format": "pt"}, shard.entries)
		})
		if err != nil {
			return err
		}
	}
	if len(list) == 1 {
		return nil
	}
	index, err := json.MarshalIndent(map[string]any{"metadata": map[string]int64{"total_size": total}, "weight_map": where}, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, model.IndexFile), append(index, '\n'))
}
