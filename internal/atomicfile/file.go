package atomicfile

import (
	"errors"
	"os"
	"path/filepath"

	"ventriloquist/internal/filelock"
	"ventriloquist/internal/scratch"
)

// file is a file that is being written. It is locked, so that it can be told from one that a killed run left.
type file struct {
	*os.File
	name string // its path; "" as long as it has none
}

// newFile creates a file in the folder of path: without a name where the system allows that.
func newFile(path string) (*file, error) {
	if f, err := newNameless(filepath.Dir(path)); err == nil {
		return &file{File: f}, nil
	}
	for {
		f, err := os.CreateTemp(filepath.Dir(path), scratch.Pattern(filepath.Base(path)))
		if err != nil {
			return nil, err
		}
		if filelock.Try(f) == nil && filelock.IsAt(f, f.Name()) {
			return &file{f, f.Name()}, nil
		}
		f.Close() // another run swept it before it was locked
	}
}

// rename moves the file to path and closes it.
func (f *file) rename(path string) error {
	if f.name == "" {
		name, err := f.link(path)
		if err != nil {
			return err
		}
		f.name = name
	}
	if err := os.Rename(f.name, path); err != nil {
		return err
	}
	f.name = ""
	return f.Close()
}

// link gives a nameless file a temporary name in the folder of path.
func (f *file) link(path string) (string, error) {
	if err := filelock.Try(f.File); err != nil {
		return "", err
	}
	for {
		name := filepath.Join(filepath.Dir(path), scratch.RandomName(filepath.Base(path)))
		if err := linkNameless(f.File, name); !errors.Is(err, os.ErrExist) {
			return name, err
		}
	}
}

// discard closes and removes the file unless rename moved it.
func (f *file) discard() {
	if f.name != "" {
		os.Remove(f.name)
	}
	f.Close()
}
