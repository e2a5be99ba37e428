// Package model finds and reads base models on disk: their config.json, their weights, and where they are by name. It also
// creates models with random weights.
//
// In: folders in Hugging Face's layout, the model embedded in the program, names. Out: a checked Config, and views of the
// weights in the type in which they are stored. It must not know: the engine, adapters, what a model is used for.
package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"unsafe"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// Names of a model's files.
const (
	ConfigFile          = "config.json"
	TokenizerFile       = "tokenizer.json"
	TokenizerConfigFile = "tokenizer_config.json"
	WeightsFile         = "model.safetensors"
	IndexFile           = "model.safetensors.index.json"
)

// View is a tensor's name, type, shape and bytes. The bytes are those of the mapped file: read-only, and invalid once the model
// is closed.
type View = safetensors.Tensor

// Model is an open base model. Its configuration and the names, shapes and types of all its weights have been checked.
type Model struct {
	Config   Config
	Location Location
	shards   []*safetensors.File
	index    map[string]*safetensors.File // by name, for each tensor that Config requires
}

// Open opens the model in a folder. Resolve(name).Open() opens one by name.
func Open(dir string) (*Model, error) {
	return Folder(dir).Open()
}

// Open reads the configuration, maps the weights and checks every required tensor.
func (s Location) Open() (*Model, error) {
	config, err := s.Config()
	if err != nil {
		return nil, err
	}
	m := &Model{Config: config, Location: s, index: map[string]*safetensors.File{}}
	if err := m.openWeights(); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// Config reads and checks only config.json.
func (s Location) Config() (Config, error) {
	content, err := s.ReadFile(ConfigFile)
	if err != nil {
		return Config{}, err
	}
	return ParseConfig(s.Path(ConfigFile), content)
}

// Tensor returns a tensor of RequiredTensors(m.Config). It is safe for concurrent use.
func (m *Model) Tensor(name string) (View, error) {
	file, ok := m.index[name]
	if !ok {
		return View{}, fmt.Errorf("%s: the model has no tensor %q", m.Location, name)
	}
	t, ok := file.Tensor(name)
	if !ok {
		return View{}, fmt.Errorf("%s: tensor %q was requested after the model was closed", m.Location, name)
	}
	return aligned(t), nil
}

// aligned copies a tensor whose elements are not aligned to their size, as in a file with an unpadded header.
func aligned(t View) View {
	if address := uintptr(unsafe.Pointer(unsafe.SliceData(t.Data))); address%uintptr(t.DType.Size()) != 0 {
		t.Data = slices.Clone(t.Data)
	}
	return t
}

// Bytes returns the size of the weights on disk, over all shards.
func (m *Model) Bytes() int64 {
	var n int64
	for _, f := range m.shards {
		n += f.Bytes()
	}
	return n
}

// Evict releases the memory of the mapped weights. Views stay valid and are read again from disk.
func (m *Model) Evict() {
	for _, f := range m.shards {
		f.Evict()
	}
}

// Close invalidates all views. It may be called twice.
func (m *Model) Close() error {
	var errs []error
	for _, f := range m.shards {
		errs = append(errs, f.Close())
	}
	m.shards = nil
	return errors.Join(errs...)
}

// openWeights prefers a single file over an index, as transformers does.
func (m *Model) openWeights() error {
	locate, err := m.openFiles()
	if err != nil {
		return err
	}
	for _, spec := range RequiredTensors(m.Config) {
		file, err := locate(spec.Name)
		if err != nil {
			return err
		}
		t, ok := file.Tensor(spec.Name)
		if !ok {
			return missingTensor(file.Path(), spec.Name)
		}
		if !slices.Equal(t.Shape, spec.Shape) {
			return fmt.Errorf("%s: tensor %q has shape %v, but %s needs %v", file.Path(), spec.Name, t.Shape, ConfigFile, spec.Shape)
		}
		if !t.DType.IsFloat() {
			return usererr.With(fmt.Errorf("%s: tensor %q has type %s; only F32, BF16 and F16 are supported", file.Path(), spec.Name, t.DType),
				"use the model with bf16 weights, not a quantized one")
		}
		m.index[spec.Name] = file
	}
	return nil
}

// openFiles opens the weight files and returns a function that finds a tensor's file.
func (m *Model) openFiles() (locate func(name string) (*safetensors.File, error), err error) {
	if m.Location.Has(WeightsFile) {
		file, err := m.openShard(WeightsFile)
		return func(string) (*safetensors.File, error) { return file, nil }, err
	}
	content, err := m.Location.ReadFile(IndexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usererr.With(fmt.Errorf("%s has neither %s nor %s", m.Location, WeightsFile, IndexFile), "%s", m.Location.incompleteHint())
	}
	if err != nil {
		return nil, err
	}
	path := m.Location.Path(IndexFile)
	weightMap, err := parseIndex(path, content)
	if err != nil {
		return nil, err
	}
	byName := map[string]*safetensors.File{}
	for _, name := range shardNames(weightMap) {
		if byName[name], err = m.openShard(name); err != nil {
			return nil, err
		}
	}
	return func(name string) (*safetensors.File, error) {
		if file, ok := byName[weightMap[name]]; ok {
			return file, nil
		}
		return nil, missingTensor(path, name)
	}, nil
}

func (m *Model) openShard(name string) (*safetensors.File, error) {
	file, err := m.Location.openWeights(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = usererr.With(err, "%s", m.Location.incompleteHint())
		}
		return nil, err
	}
	m.shards = append(m.shards, file)
	return file, nil
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
	seen := map[string]bool{}
	var names []string
	for _, file := range weightMap {
		if !seen[file] {
			seen[file] = true
			names = append(names, file)
		}
	}
	sort.Strings(names)
	return names
}
