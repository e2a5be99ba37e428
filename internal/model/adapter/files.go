package adapter

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// Names of an adapter's files.
const (
	ConfigFile  = "adapter_config.json"
	WeightsFile = "adapter_model.safetensors"
)

// prefix is what PEFT puts before the base model's tensor names.
const prefix = "base_model.model."

func tensorName(layer int, p model.Projection, matrix string) string {
	return prefix + moduleName(layer, p) + ".lora_" + matrix + ".weight"
}

// ReadConfig reads only a folder's adapter_config.json. Targets is empty, because targets are known only together with the
// base model, which BaseModel names.
func ReadConfig(dir string) (Config, error) {
	c, _, err := readConfig(dir)
	return c, err
}

func readConfig(dir string) (Config, moduleFilter, error) {
	path := filepath.Join(dir, ConfigFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, moduleFilter{}, usererr.With(fmt.Errorf("%s has no %s: %w", dir, ConfigFile, fs.ErrNotExist),
			"an adapter is a folder with %s and %s, as written by vqctl train", ConfigFile, WeightsFile)
	}
	if err != nil {
		return Config{}, moduleFilter{}, fmt.Errorf("cannot read the adapter: %w", err)
	}
	return parseConfig(path, content)
}

// Load reads an adapter folder and checks that it fits the base model.
func Load(dir string, base model.Config) (*Adapter, error) {
	config, modules, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, WeightsFile)
	file, err := safetensors.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usererr.With(fmt.Errorf("%s has no %s: %w", dir, WeightsFile, fs.ErrNotExist), "the adapter is incomplete, or its weights are not in safetensors format")
	}
	if err != nil {
		return nil, err
	}
	l := loader{file: file, base: base, adapter: &Adapter{Config: config, modules: modules}}
	if err := errors.Join(l.load(), file.Close()); err != nil {
		return nil, err
	}
	return l.adapter, nil
}

// loader fills an adapter from its weights file.
type loader struct {
	file    *safetensors.File
	base    model.Config
	adapter *Adapter
}

func (l *loader) load() error {
	if err := l.checkNames(); err != nil {
		return err
	}
	a := l.adapter
	wanted := map[string]bool{}
	for layer := range l.base.Layers {
		for _, p := range model.Projections {
			if l.targeted(layer, p) {
				wanted[p.Short] = true
			}
		}
	}
	if a.Targets = pick(wanted); len(a.Targets) == 0 {
		return fmt.Errorf("%s: target_modules matches no projection of the base model", filepath.Join(filepath.Dir(l.file.Path()), ConfigFile))
	}
	for layer := range l.base.Layers {
		pairs := make([]Pair, len(a.Targets))
		for i, p := range a.Targets {
			pair, err := l.pair(layer, p)
			if err != nil {
				return err
			}
			pairs[i] = pair
		}
		a.Layers = append(a.Layers, pairs)
	}
	return nil
}

// targeted reports whether the adapter has a pair there. If its pattern cannot be evaluated, the tensors in the file decide.
func (l *loader) targeted(layer int, p model.Projection) bool {
	if l.adapter.modules.opaque() {
		_, ok := l.file.Tensor(tensorName(layer, p, "A"))
		return ok
	}
	return l.adapter.modules.has(moduleName(layer, p))
}

func (l *loader) pair(layer int, p model.Projection) (Pair, error) {
	r := l.adapter.R
	if !l.targeted(layer, p) {
		pair := newPair(l.base, p, r)
		pair.Absent = true
		return pair, nil
	}
	var pair Pair // allocated once the file is known to hold what the configuration claims
	var err error
	pair.In, pair.Out = l.base.Dims(p)
	if pair.A, err = l.matrix(tensorName(layer, p, "A"), r, pair.In); err != nil {
		return pair, err
	}
	pair.B, err = l.matrix(tensorName(layer, p, "B"), pair.Out, r)
	return pair, err
}

func (l *loader) matrix(name string, rows, columns int) ([]float32, error) {
	t, ok := l.file.Tensor(name)
	if !ok {
		return nil, l.mismatch("tensor %q is missing", name)
	}
	if !slices.Equal(t.Shape, []int{rows, columns}) {
		return nil, l.mismatch("tensor %q has shape %v, but this base model and r = %d need %v", name, t.Shape, l.adapter.R, []int{rows, columns})
	}
	values, err := t.Floats()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.file.Path(), err)
	}
	return values, nil
}

// checkNames rejects tensors that would be ignored: their effect would be missing without notice.
func (l *loader) checkNames() error {
	known := map[string]bool{}
	for layer := range l.base.Layers {
		for _, p := range model.Projections {
			if l.targeted(layer, p) {
				known[tensorName(layer, p, "A")], known[tensorName(layer, p, "B")] = true, true
			}
		}
	}
	for _, name := range l.file.Names() {
		if known[name] {
			continue
		}
		if layer, ok := layerOf(name); ok && layer >= l.base.Layers {
			return l.mismatch("tensor %q belongs to layer %d, but the base model has %d layers", name, layer, l.base.Layers)
		}
		return usererr.With(fmt.Errorf("%s: unexpected tensor %q: %s does not list it", l.file.Path(), name, ConfigFile), plainLoRA)
	}
	return nil
}

// layerOf returns the layer number in a tensor's name.
func layerOf(name string) (layer int, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix+"model.layers.")
	if !ok {
		return 0, false
	}
	_, err := fmt.Sscanf(rest, "%d.", &layer)
	return layer, err == nil
}

func (l *loader) mismatch(format string, args ...any) error {
	err := fmt.Errorf("%s: %s", l.file.Path(), fmt.Sprintf(format, args...))
	if trained := l.adapter.BaseModel; trained != "" {
		return usererr.With(err, "the adapter may belong to another base model: it was trained on %s", trained)
	}
	return usererr.With(err, "the adapter may belong to another base model")
}

// WriteFiles writes the adapter's two files into an existing folder, such as a checkpoint in progress. The same adapter gives
// the same bytes.
func (a *Adapter) WriteFiles(dir string) error {
	modules := a.modules
	if modules.target.raw == nil {
		modules = forTargets(a.Targets)
	}
	config, err := encodeConfig(a.Config, modules)
	if err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(filepath.Join(dir, ConfigFile), config); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, WeightsFile), a.writeWeights)
}

// writeWeights writes the matrices in F32, sorted by name.
func (a *Adapter) writeWeights(w io.Writer) error {
	var tensors []safetensors.Entry
	for layer, pairs := range a.Layers {
		for i, pair := range pairs {
			if pair.Absent {
				continue
			}
			p := a.Targets[i]
			tensors = append(tensors,
				matrixSource(tensorName(layer, p, "A"), a.R, pair.In, pair.A),
				matrixSource(tensorName(layer, p, "B"), pair.Out, a.R, pair.B))
		}
	}
	sort.Slice(tensors, func(i, j int) bool { return tensors[i].Name < tensors[j].Name })
	if err := safetensors.Write(w, map[string]string{"format": "pt"}, tensors); err != nil {
		return fmt.Errorf("cannot write %s: %w", WeightsFile, err)
	}
	return nil
}

func matrixSource(name string, rows, columns int, values []float32) safetensors.Entry {
	return safetensors.Entry{Name: name, DType: safetensors.F32, Shape: []int{rows, columns}, Write: func(w io.Writer) error {
		buffer := make([]byte, 0, 1<<16)
		for chunk := range slices.Chunk(values, 1<<14) {
			if _, err := w.Write(safetensors.AppendF32(buffer, chunk)); err != nil {
				return err
			}
		}
		return nil
	}}
}
