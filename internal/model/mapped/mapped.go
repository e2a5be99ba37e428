// Package mapped opens files of weights: it maps them into memory, or reads them where files cannot be mapped.
//
// In: a path. Out: the bytes of the file, read-only, until it is closed. It must not know: file formats.
package mapped

import (
	"fmt"
	"math"
	"os"
	"syscall"
)

// File is a file's content in memory.
type File struct {
	path    string
	content []byte // nil once the file is closed
}

// Open maps the file at path, which must not be truncated while it is open. An empty file has no content.
func Open(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would make it wait
	if err != nil {
		return nil, fmt.Errorf("cannot read weights: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot read weights: %w", err)
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("cannot read weights: %s is not a file", path)
	case info.Size() > math.MaxInt:
		return nil, fmt.Errorf("%s: %d bytes cannot be mapped on this machine", path, info.Size())
	case info.Size() == 0:
		return &File{path: path}, nil
	}
	content, err := mapFile(f, int(info.Size()))
	if err != nil {
		return nil, fmt.Errorf("cannot map %s: %w", path, err)
	}
	return &File{path: path, content: content}, nil
}

// Bytes returns the file's content.
func (f *File) Bytes() []byte { return f.content }

// Evict releases the memory of the content, which is read again from disk when it is next used.
func (f *File) Evict() {
	if f != nil && f.content != nil {
		evict(f.content)
	}
}

// Close invalidates the content. It may be called twice.
func (f *File) Close() error {
	if f == nil || f.content == nil {
		return nil
	}
	content := f.content
	f.content = nil
	if err := unmap(content); err != nil {
		return fmt.Errorf("cannot unmap %s: %w", f.path, err)
	}
	return nil
}
