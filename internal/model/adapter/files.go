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

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// Names of an adapter's files.
const (
	ConfigFile  = "adapter_config.json"
	WeightsFile = "adapter_model.safetensors"
)

// Entries of the weights file's metadata.
const (
	fingerprintKey = "base_fingerprint" // the base model's
	checksumKey    = "crc32c"           // of the matrices
)

// prefix is what PEFT puts before the base model's tensor names.
const prefix = "base_model.model."

func tensorName(layer int, p model.Projection, matrix string) string {
	return prefix + moduleName(layer, p) + ".lora_" + matrix + ".weight"
}

// ReadConfig reads only a folder's adapter_config.json. Targets is empty, because targets are known only together with the
// base model, which BaseModel names.
func ReadConfig(dir string) (Config, error) {
	s, err := readConfig(dir)
	return s.Config, err
}

func readConfig(dir string) (settings, error) {
	path := filepath.Join(dir, ConfigFile)
	content, err := regularfile.Read(path, jsonfields.MaxDocument)
	if errors.Is(err, fs.ErrNotExist) {
		return settings{}, notAnAdapter(dir)
	}
	if err != nil {
		return settings{}, fmt.Errorf("cannot read the adapter: %w", err)
	}
	return parseConfig(path, content)
}

// notAnAdapter is the error of a folder without adapter_config.json. It says what the folder is where its files show it.
func notAnAdapter(dir string) error {
	if _, missing := os.Stat(dir); missing != nil {
		return usererr.Suggest(fmt.Errorf("there is no adapter %s: %w", dir, fs.ErrNotExist), dir, near(dir), "%s", adapterIs)
	}
	err := fmt.Errorf("%s has no %s: %w", dir, ConfigFile, fs.ErrNotExist)
	has := func(pattern string) bool { return len(regularfile.Glob(dir, pattern)) > 0 }
	switch {
	case has(model.ConfigFile) && (has("*.safetensors") || has("*.bin")):
		return usererr.With(err, "the folder is a whole model: use it with %v", usererr.Option("base_model"))
	case has("*_optim_states.pt") || has("global_step*"):
		return usererr.With(err, "the folder is a checkpoint of DeepSpeed: convert it with its zero_to_fp32.py and save the adapter with PEFT")
	case has(filepath.Join("final", ConfigFile)):
		return usererr.With(err, "did you mean %s?", filepath.Join(dir, "final"))
	case has("checkpoint-*"):
		return usererr.With(err, "the folder is the output of a training run: name one of its checkpoints")
	}
	return usererr.With(err, "%s", adapterIs)
}

const adapterIs = "an adapter is a folder with " + ConfigFile + " and " + WeightsFile + ", as written by vqctl train"

// near returns the adapters that a folder which does not exist may stand for: those as deep below the nearest folder that does.
func near(dir string) (found []string) {
	const deepest = 3
	above, pattern := filepath.Dir(filepath.Clean(dir)), "*"
	for depth := 1; ; depth++ {
		if depth > deepest || above == filepath.Dir(above) && above != "." {
			return nil
		}
		if _, err := os.Stat(above); err == nil {
			break
		}
		above, pattern = filepath.Dir(above), filepath.Join("*", pattern)
	}
	for _, config := range regularfile.Glob(above, filepath.Join(pattern, ConfigFile)) {
		found = append(found, filepath.Dir(config))
	}
	return found
}

// Load reads an adapter folder and checks that it fits the base model.
func Load(dir string, base model.Config) (*Adapter, error) {
	return load(dir, func(*safetensors.File) (outline, error) { return outline{base.Layers, base.Dims}, nil })
}

// Open reads an adapter folder without its base model: it has the layers and the shapes of the file.
func Open(dir string) (*Adapter, error) { return load(dir, outlineOf) }

func load(dir string, base func(*safetensors.File) (outline, error)) (*Adapter, error) {
	settings, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, WeightsFile)
	file, err := safetensors.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s has no %s: %w", dir, WeightsFile, fs.ErrNotExist)
		if _, other := os.Stat(filepath.Join(dir, "adapter_model.bin")); other == nil {
			return nil, usererr.With(err, "its weights are in PyTorch's format: load the adapter with PEFT and save it with save_pretrained")
		}
		return nil, usererr.With(err, "the adapter is incomplete, or its weights are not in safetensors format")
	}
	if err != nil {
		return nil, err
	}
	l := loader{file: file, shapes: settings.shapes,
		adapter: &Adapter{Config: settings.Config, modules: settings.modules, BaseFingerprint: file.Metadata(fingerprintKey)}}
	if l.base, err = base(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := errors.Join(checkSum(file), l.load(), file.Close()); err != nil {
		return nil, err
	}
	return l.adapter, nil
}

// checkSum returns an error if the matrices are not as they were written. Files of other programs have no checksum.
func checkSum(file *safetensors.File) error {
	want := file.Metadata(checksumKey)
	if got := file.CRC32C(); want != "" && got != want {
		return usererr.With(fmt.Errorf("%s is damaged: the CRC-32C of its matrices is %s, its header says %s", file.Path(), got, want),
			"copy it again from where it was whole, or use an earlier checkpoint")
	}
	return nil
}

// WriteFiles writes the adapter's two files into an existing folder, such as a checkpoint in progress. The same adapter gives
// the same bytes.
func (a *Adapter) WriteFiles(dir string) error {
	modules := a.modules
	if modules.target.raw == nil && modules.target.names == nil {
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
	metadata := map[string]string{"format": "pt"}
	if a.BaseFingerprint != "" {
		sum, err := safetensors.DataCRC32C(tensors)
		if err != nil {
			return fmt.Errorf("cannot write %s: %w", WeightsFile, err)
		}
		metadata[fingerprintKey], metadata[checksumKey] = a.BaseFingerprint, sum
	}
	if err := safetensors.Write(w, metadata, tensors); err != nil {
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
