// Package safetensors reads and writes the safetensors file format: eight bytes with the length of the header, a JSON header
// with each tensor's type, shape and byte range, then the tensors' bytes.
//
// In: a path, which is mapped into memory read-only, or bytes in memory. Out: views of those bytes; nothing is copied or
// converted until Floats is called. It must not know: models, and which tensors a file should have.
//
// Invalid files are rejected by the rules of the reference implementation, with an error that names the file and the tensor:
// the ranges must cover the data exactly, without gaps, overlaps or a rest. Repeated names, which the reference accepts, are
// rejected as well.
package safetensors

import (
	"errors"
	"fmt"
	"hash/crc32"
	"sort"

	"ventriloquist/internal/model/mapped"
	"ventriloquist/internal/usererr"
)

// DType is the type of a tensor's elements, as the file spells it.
type DType string

// The types of weights. Tensors of other types are checked and can be viewed.
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	F64  DType = "F64"
)

// widths is the number of bits per element of every type in the format.
var widths = map[DType]uint64{
	"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8,
	"F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
	"I16": 16, "U16": 16, F16: 16, BF16: 16, "I32": 32, "U32": 32, F32: 32,
	"C64": 64, F64: 64, "I64": 64, "U64": 64,
}

// IsFloat reports whether d is F32, F16 or BF16.
func (d DType) IsFloat() bool { return d == F32 || d == F16 || d == BF16 }

// Size returns the number of bytes per element, 0 for types whose elements are not whole bytes.
func (d DType) Size() int {
	if b := widths[d]; b%8 == 0 {
		return int(b / 8)
	}
	return 0
}

// Tensor is a view of one tensor in an open file. Data is row-major, little-endian and read-only, and invalid once the file is
// closed.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// Elements returns the product of the shape, 1 for a scalar.
func (t Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// File is an open safetensors file.
type File struct {
	path    string
	data    []byte       // the data after the header
	mapping *mapped.File // the whole file if it is mapped, else nil
	tensors map[string]entry
	names   []string // in order of their data
	// metadata is the header's free text, nil if there is none
	metadata map[string]string
}

// Open maps the file at path and checks its header. The file must not be truncated while it is open.
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
	head, data, err := split(name, content)
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(head)
	if err != nil {
		return nil, damaged(name, "bad header: %v", err)
	}
	if err := h.check(uint64(len(data))); err != nil {
		return nil, damaged(name, "%v", err)
	}
	f := &File{path: name, data: data, tensors: h.tensors, metadata: h.metadata}
	for n := range h.tensors {
		f.names = append(f.names, n)
	}
	sort.Slice(f.names, func(i, j int) bool { return h.before(f.names[i], f.names[j]) })
	return f, nil
}

// Path returns the file's path, or the name given to Parse.
func (f *File) Path() string { return f.path }

// Metadata returns an entry of the header's free text, "" if it is absent.
func (f *File) Metadata(key string) string { return f.metadata[key] }

// Names lists the tensors in the order of their data.
func (f *File) Names() []string { return f.names }

// Bytes returns the size of all tensors.
func (f *File) Bytes() int64 { return int64(len(f.data)) }

// CRC32C returns the CRC-32C of all data, in hexadecimal.
func (f *File) CRC32C() string { return fmt.Sprintf("%08x", crc32.Checksum(f.data, castagnoli)) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// DataCRC32C returns what CRC32C will return for a file with these tensors.
func DataCRC32C(tensors []Entry) (string, error) {
	hash := crc32.New(castagnoli)
	for _, t := range tensors {
		if err := t.Write(hash); err != nil {
			return "", fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	return fmt.Sprintf("%08x", hash.Sum32()), nil
}

// Tensor returns a view of a tensor, and whether it exists.
func (f *File) Tensor(name string) (Tensor, bool) {
	e, ok := f.tensors[name]
	if !ok || f.data == nil {
		return Tensor{}, false
	}
	return Tensor{Name: name, DType: e.dtype, Shape: e.shape, Data: f.data[e.begin:e.end:e.end]}, true
}

// Evict releases the memory of a mapped file. Views stay valid and are read again from disk.
func (f *File) Evict() { f.mapping.Evict() }

// Close invalidates all views. It may be called twice.
func (f *File) Close() error {
	f.data = nil
	return f.mapping.Close()
}

func damaged(path, format string, args ...any) error {
	return usererr.With(fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)),
		"the file is corrupt, incomplete or not a safetensors file: copy or download it again")
}
