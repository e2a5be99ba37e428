// Package gguf reads and writes GGUF, the file format of llama.cpp: a header, metadata by key, the tensors' names, shapes and
// types, then their bytes, each at a multiple of the alignment.
//
// In: a path, which is mapped into memory read-only, or bytes in memory; or metadata and tensors to write, one after the other.
// Out: views of the bytes, and files. Invalid files are refused with an error that names the file, the position and the key or
// tensor. It must not know: models, and which keys and tensors a file should have.
package gguf

import (
	"errors"
	"fmt"

	"ventriloquist/internal/model/mapped"
	"ventriloquist/internal/usererr"
)

// Magic is how every file begins.
const Magic = "GGUF"

const (
	version          = 3 // the version that is written; 2 has the same layout
	defaultAlignment = 32
	alignmentKey     = "general.alignment"
)

// Tensor is a view of one tensor in an open file. Data is read-only, and invalid once the file is closed.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int // row-major: rows before columns, the reverse of the file's order
	Data  []byte
}

// Elements returns the product of the shape, 1 for a scalar.
func (t Tensor) Elements() int { return elements(t.Shape) }

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Floats returns a tensor's values.
func (t Tensor) Floats() ([]float32, error) {
	values, err := t.Type.Decode(make([]float32, 0, t.Elements()), t.Data)
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return values, nil
}

// File is an open GGUF file.
type File struct {
	path     string
	mapping  *mapped.File // nil for a file in memory
	size     int64        // of all tensors
	metadata []KeyValue
	byKey    map[string]any
	tensors  map[string]Tensor
	names    []string // in the order of the file
}

// Open maps the file at path and reads all but the tensors' data. The file must not be truncated while it is open.
func Open(path string) (*File, error) {
	mapping, err := mapped.Open(path)
	if err != nil {
		return nil, err
	}
	file, err := Parse(path, mapping.Bytes())
	if err != nil {
		return nil, errors.Join(err, mapping.Close())
	}
	file.mapping = mapping
	return file, nil
}

// Parse opens a file in memory; name stands for the path in errors. The content must not change.
func Parse(name string, content []byte) (*File, error) {
	f := &File{path: name, byKey: map[string]any{}, tensors: map[string]Tensor{}}
	if err := (&parser{content: content, file: f}).parse(); err != nil {
		return nil, err
	}
	return f, nil
}

// Path returns the file's path, or the name given to Parse.
func (f *File) Path() string { return f.path }

// Names lists the tensors in the order of the file.
func (f *File) Names() []string { return f.names }

// Bytes returns the size of all tensors.
func (f *File) Bytes() int64 { return f.size }

// Tensor returns a view of a tensor, and whether it exists.
func (f *File) Tensor(name string) (Tensor, bool) {
	t, ok := f.tensors[name]
	return t, ok
}

// Evict releases the memory of a mapped file. Views stay valid and are read again from disk.
func (f *File) Evict() { f.mapping.Evict() }

// Close invalidates all views. It may be called twice.
func (f *File) Close() error {
	f.tensors = nil
	return f.mapping.Close()
}

func damaged(path, format string, args ...any) error {
	return usererr.With(fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)),
		"the file is corrupt, incomplete or not a GGUF file: copy or download it again")
}
