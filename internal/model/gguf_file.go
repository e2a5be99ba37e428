package model

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// ggufModel is a base model in one GGUF file. It has the content of config.json, tokenizer.json and tokenizer_config.json as the
// file's metadata give them, made when one is first read.
type ggufModel struct {
	path  string
	once  sync.Once
	texts map[string][]byte
	err   error
}

// ggufLocation returns the location of a GGUF file.
func ggufLocation(path string) Location {
	return Location{Name: path, gguf: &ggufModel{path: path}}
}

// isGGUF reports whether a file is in the format of llama.cpp, by its beginning or its name.
func isGGUF(path string) bool {
	if strings.EqualFold(filepath.Ext(path), ".gguf") {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, len(gguf.Magic))
	n, _ := f.Read(start) // a file that cannot be read is none
	return bytes.Equal(start[:n], []byte(gguf.Magic))
}

// ggufTexts are the files that a GGUF file stands for.
var ggufTexts = []string{ConfigFile, TokenizerFile, TokenizerConfigFile}

// text returns the content of one of ggufTexts.
func (g *ggufModel) text(name string) ([]byte, error) {
	g.once.Do(func() {
		g.texts = map[string][]byte{}
		g.err = g.readTexts()
	})
	return g.texts[name], g.err
}

func (g *ggufModel) readTexts() (err error) {
	file, err := gguf.Open(g.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	reader := ggufReader{file}
	if err := reader.checkKind(); err != nil {
		return err
	}
	if g.texts[ConfigFile], err = reader.config(); err != nil {
		return err
	}
	g.texts[TokenizerFile], g.texts[TokenizerConfigFile], err = reader.tokenizer()
	return err
}

// ggufReader reads a model's settings from a file's metadata.
type ggufReader struct{ *gguf.File }

func (r ggufReader) key(name string) string { return GGUFArchitecture + "." + name }

// checkKind refuses files that hold something else than a whole Qwen3 model.
func (r ggufReader) checkKind() error {
	kind, err := r.Text("general.type")
	if err != nil {
		return err
	}
	if kind == "adapter" {
		return usererr.With(fmt.Errorf("%s is an adapter, not a base model", r.Path()), "name the model that it belongs to")
	}
	architecture, err := r.Text("general.architecture")
	if err != nil {
		return err
	}
	if architecture != GGUFArchitecture {
		return usererr.With(fmt.Errorf("%s: general.architecture is %q, which is not supported", r.Path(), architecture),
			"models of the architecture %q are supported, such as Qwen/Qwen3-8B-Base", GGUFArchitecture)
	}
	parts, _, err := r.Integer("split.count")
	if err == nil && parts > 1 {
		err = usererr.With(fmt.Errorf("%s is one of %d parts of a model", r.Path(), parts), "join them with: llama-gguf-split --merge %s whole.gguf", filepath.Base(r.Path()))
	}
	return err
}

// ggufWeights presents the tensors of a GGUF file under the names of safetensors files.
type ggufWeights struct {
	*gguf.File
	stored map[string]string // our name to the file's
}

func openGGUFWeights(path string) (*ggufWeights, error) {
	file, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	w := &ggufWeights{File: file, stored: map[string]string{}}
	for _, name := range file.Names() {
		w.stored[fromGGUF(name)] = name
	}
	return w, nil
}

// Names lists the tensors in the order of the file.
func (w *ggufWeights) Names() []string {
	var names []string
	for _, name := range w.File.Names() {
		names = append(names, fromGGUF(name))
	}
	return names
}

// Tensor returns a tensor as the file holds it; dequantize converts one of type q8.
func (w *ggufWeights) Tensor(name string) (View, bool) {
	t, ok := w.File.Tensor(w.stored[name])
	if !ok {
		return View{}, false
	}
	return View{Name: name, DType: ggufDType(t.Type), Shape: t.Shape, Data: t.Data}, true
}

// q8 is the type of tensors in blocks of int8, which safetensors files do not have.
var q8 = safetensors.DType(gguf.Q8_0.String())

// isWeight reports whether weights of this type can be used.
func isWeight(d safetensors.DType) bool { return d.IsFloat() || d == q8 }

// ggufDType is the type of a tensor of a GGUF file.
func ggufDType(t gguf.Type) safetensors.DType {
	switch t {
	case gguf.F32:
		return safetensors.F32
	case gguf.F16:
		return safetensors.F16
	case gguf.BF16:
		return safetensors.BF16
	}
	return safetensors.DType(t.String())
}

// dequantize converts a tensor of type q8 to F32, in new memory, and returns others as they are.
func dequantize(t View) View {
	if t.DType != q8 {
		return t
	}
	out := make([]byte, 0, 4*t.Elements())
	const chunk = 4096 * 34 // bytes, whole blocks
	var values []float32
	for data := t.Data; len(data) > 0; data = data[min(chunk, len(data)):] {
		values, _ = gguf.Q8_0.Decode(values[:0], data[:min(chunk, len(data))]) // fails for unknown types only
		out = safetensors.AppendF32(out, values)
	}
	t.DType, t.Data = safetensors.F32, out
	return t
}
