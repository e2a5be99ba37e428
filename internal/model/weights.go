package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/usererr"
)

// A storedTensor is where a tensor is, and its name there: models saved without their output layer lack the prefix "model.".
type storedTensor struct {
	file weightFile
	name string
}

// weightFile is an open file with weights, in any format.
type weightFile interface {
	Path() string
	Names() []string // in the order of their data
	Tensor(name string) (View, bool)
	Bytes() int64
	Evict()
	Close() error
}

// openWeights opens the weight files, and refuses tensors that are missing, have another shape, or would be ignored.
func (m *Model) openWeights() error {
	found, err := m.openFiles()
	if err != nil {
		return err
	}
	names := m.storedNames(found)
	required := map[string]bool{}
	specs := RequiredTensors(m.Config)
	for _, spec := range specs {
		required[names(spec.Name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if !required[name] {
			if err := m.checkExtra(found[name], name); err != nil {
				return err
			}
		}
	}
	for _, spec := range specs {
		stored := storedTensor{found[names(spec.Name)], names(spec.Name)}
		if err := m.checkTensor(stored, spec); err != nil {
			return err
		}
		m.index[spec.Name] = stored
	}
	return m.checkTied(found)
}

// storedNames returns the function from a tensor's name to its name in the files.
func (m *Model) storedNames(found map[string]weightFile) func(string) string {
	_, full := found[EmbedTokens]
	_, short := found[strings.TrimPrefix(EmbedTokens, "model.")]
	if full || !short {
		return func(name string) string { return name }
	}
	return func(name string) string { return strings.TrimPrefix(name, "model.") }
}

func (m *Model) checkTensor(stored storedTensor, spec TensorSpec) error {
	if stored.file == nil {
		path := m.Location.Path(IndexFile)
		if len(m.shards) == 1 {
			path = m.shards[0].Path()
		}
		if spec.Name == LMHead {
			return usererr.With(fmt.Errorf("%s: tensor %q is missing", path, spec.Name),
				"the model was saved without its output layer, or the download is incomplete: save it from Qwen3ForCausalLM")
		}
		return missingTensor(path, spec.Name)
	}
	t, _ := stored.file.Tensor(stored.name)
	if !isWeight(t.DType) {
		types := "F32, BF16 and F16"
		if m.Location.gguf != nil {
			types = "f32, f16, bf16 and q8_0"
		}
		return usererr.With(fmt.Errorf("%s: tensor %q has type %s; only %s are supported", stored.file.Path(), stored.name, t.DType, types),
			"%s", quantizedAdvice(strings.TrimSuffix(m.Location.Name, ".gguf")))
	}
	if !slices.Equal(t.Shape, spec.Shape) {
		return fmt.Errorf("%s: tensor %q has shape %v, but %s needs %v", stored.file.Path(), stored.name, t.Shape, ConfigFile, spec.Shape)
	}
	return nil
}

// openFiles opens the weight files and returns each tensor's file. It prefers a single file over an index, as transformers does.
func (m *Model) openFiles() (map[string]weightFile, error) {
	if m.Location.gguf != nil || m.Location.Has(WeightsFile) {
		if err := m.openShard(WeightsFile); err != nil {
			return nil, err
		}
		return m.filesByTensor()
	}
	content, err := m.Location.ReadFile(IndexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, m.noWeights()
	}
	if err != nil {
		return nil, err
	}
	path := m.Location.Path(IndexFile)
	weightMap, err := parseIndex(path, content)
	if err != nil {
		return nil, err
	}
	for _, name := range shardNames(weightMap) {
		if err := m.openShard(name); err != nil {
			return nil, err
		}
	}
	found, err := m.filesByTensor()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(weightMap)) {
		if file := found[name]; file == nil || filepath.Base(file.Path()) != weightMap[name] {
			return nil, missingTensor(m.Location.Path(weightMap[name]), name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if _, ok := weightMap[name]; !ok {
			return nil, usererr.With(fmt.Errorf("%s: weight_map does not list tensor %q, which is in %s", path, name, found[name].Path()),
				"the index and the files are not of one model: copy or download it again")
		}
	}
	return found, nil
}

// filesByTensor maps the tensors of all open files to their file.
func (m *Model) filesByTensor() (map[string]weightFile, error) {
	found := map[string]weightFile{}
	for _, file := range m.shards {
		for _, name := range file.Names() {
			if other := found[name]; other != nil {
				return nil, usererr.With(fmt.Errorf("tensor %q is in both %s and %s", name, other.Path(), file.Path()), "copy or download the model again")
			}
			found[name] = file
		}
	}
	return found, nil
}

func (m *Model) openShard(name string) error {
	file, err := m.Location.openWeights(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = usererr.With(err, "%s", m.Location.incompleteHint())
		}
		return err
	}
	m.shards = append(m.shards, file)
	return nil
}

// noWeights is the error of a folder without weights in safetensors format. It names what is there instead.
func (m *Model) noWeights() error {
	err := fmt.Errorf("%s has neither %s nor %s", m.Location, WeightsFile, IndexFile)
	files, _ := m.Location.Files() // without a list the advice is the general one
	for _, f := range files {
		switch filepath.Ext(f.Name) {
		case ".gguf":
			if _, quantized := Original(strings.TrimSuffix(f.Name, ".gguf")); quantized && !strings.Contains(strings.ToLower(f.Name), "q8_0") {
				return usererr.With(fmt.Errorf("%w, only %s", err, f.Name), "%s", quantizedAdvice(strings.TrimSuffix(f.Name, ".gguf")))
			}
			return usererr.With(fmt.Errorf("%w, only %s", err, f.Name), "name the file: %v %s", usererr.Option("base_model"), m.Location.Path(f.Name))
		case ".bin", ".pt", ".pth":
			return usererr.With(fmt.Errorf("%w, only %s", err, f.Name),
				"convert the weights to safetensors: load the model with transformers and save it with save_pretrained")
		}
	}
	return usererr.With(err, "%s", m.Location.incompleteHint())
}

func missingTensor(path, name string) error {
	return usererr.With(fmt.Errorf("%s: tensor %q is missing", path, name),
		"%s describes another model, or the download is incomplete", ConfigFile)
}

// parseIndex parses {"weight_map": {tensor: file}}. The files must be in the folder of the index.
func parseIndex(path string, content []byte) (map[string]string, error) {
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(content, &index); err != nil {
		return nil, fmt.Errorf("%s: %w", path, jsonfields.Describe(content, err))
	}
	if err := jsonfields.CheckNames(content); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(index.WeightMap) == 0 {
		return nil, fmt.Errorf("%s: weight_map is missing or empty", path)
	}
	for _, name := range shardNames(index.WeightMap) {
		if name == "" || name != filepath.Base(name) || !filepath.IsLocal(name) {
			return nil, fmt.Errorf("%s: weight_map names %q, which is not a file in the same folder", path, name)
		}
	}
	return index.WeightMap, nil
}

func shardNames(weightMap map[string]string) []string {
	return slices.Compact(slices.Sorted(maps.Values(weightMap)))
}
