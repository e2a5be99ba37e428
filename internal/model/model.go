// Package model finds and reads base models on disk: their config.json, their weights, and where they are by name. It also
// creates models with random weights.
//
// In: folders in Hugging Face's layout, GGUF files, the model embedded in the program, names. Out: a checked Config, and views of the
// weights in the type in which they are stored. It must not know: the engine, adapters, what a model is used for.
package model

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"unsafe"

	"ventriloquist/internal/model/safetensors"
)

// Names of a model's files.
const (
	ConfigFile          = "config.json"
	TokenizerFile       = "tokenizer.json"
	TokenizerConfigFile = "tokenizer_config.json"
	AddedTokensFile     = "added_tokens.json"
	SpecialTokensFile   = "special_tokens_map.json"
	GenerationFile      = "generation_config.json"
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
	shards   []weightFile
	index    map[string]storedTensor // by name, for each tensor that Config requires
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
	m := &Model{Config: config, Location: s, index: map[string]storedTensor{}}
	if err := m.openWeights(); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// Config reads and checks only config.json, and generation_config.json where there is one.
func (s Location) Config() (Config, error) {
	content, err := s.ReadFile(ConfigFile)
	if err != nil {
		return Config{}, err
	}
	config, err := ParseConfig(s.Path(ConfigFile), s.Name, content)
	if err != nil {
		return Config{}, err
	}
	return config, s.readGeneration(&config)
}

// Tensor returns a tensor of RequiredTensors(m.Config); a quantized one is converted to F32, in new memory. It is safe for
// concurrent use.
func (m *Model) Tensor(name string) (View, error) {
	stored, ok := m.index[name]
	if !ok {
		return View{}, fmt.Errorf("%s: the model has no tensor %q", m.Location, name)
	}
	t, ok := stored.file.Tensor(stored.name)
	if !ok {
		return View{}, fmt.Errorf("%s: tensor %q was requested after the model was closed", m.Location, name)
	}
	t.Name = name
	return dequantize(aligned(t)), nil
}

// TensorType returns the type of the tensor that Tensor returns, without reading its data.
func (m *Model) TensorType(name string) (safetensors.DType, error) {
	stored, ok := m.index[name]
	if !ok {
		return "", fmt.Errorf("%s: the model has no tensor %q", m.Location, name)
	}
	t, _ := stored.file.Tensor(stored.name)
	if t.DType == q8 {
		return safetensors.F32, nil
	}
	return t.DType, nil
}

// WeightsFileOf returns the name of the file that holds a tensor of RequiredTensors(m.Config), and whether the model has several.
func (m *Model) WeightsFileOf(name string) (file string, several bool) {
	stored, ok := m.index[name]
	if !ok {
		return "", false
	}
	return filepath.Base(stored.file.Path()), len(m.shards) > 1
}

// aligned copies a tensor whose elements are not aligned to their size, as in a file with an unpadded header.
func aligned(t View) View {
	if t.DType.Size() == 0 {
		return t
	}
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
