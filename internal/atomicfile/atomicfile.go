// Package atomicfile writes files and folders that are either complete or absent: it writes a temporary file next to the
// target, syncs it, renames it, and syncs the parent folder. After a failure the target is unchanged and nothing is left over.
//
// In: a path, and a function that writes the content. Out: the file or folder at that path, with mode 0600 or 0700 because it
// holds private messages. It must not know: what it writes.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Write replaces the file at path with what fill writes. Nothing changes at path unless fill returns nil.
func Write(path string, fill func(w io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".partial-*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	buffered := bufio.NewWriterSize(f, 1<<20)
	if err = fill(buffered); err != nil {
		return err
	}
	if err = errors.Join(buffered.Flush(), f.Sync()); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err = f.Close(); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// WriteBytes replaces the file at path with data.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteDir replaces the folder at path with what fill puts into the temporary folder it is given. An existing folder is moved
// aside, and removed once the new one is in its place.
func WriteDir(path string, fill func(tmp string) error) (err error) {
	path = filepath.Clean(path)
	parent := filepath.Dir(path)
	if err = os.MkdirAll(parent, 0o700); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	tmp, err := os.MkdirTemp(parent, "."+filepath.Base(path)+".partial-*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(tmp)
		}
	}()
	if err = fill(tmp); err != nil {
		return err
	}
	if err = syncTree(tmp); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return replaceDir(tmp, path)
}

func replaceDir(tmp, path string) error {
	old := tmp + ".old"
	err := os.Rename(path, old)
	replaced := err == nil
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot replace %s: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		if replaced {
			err = errors.Join(err, os.Rename(old, path))
		}
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return err
	}
	if replaced {
		return os.RemoveAll(old)
	}
	return nil
}

func syncTree(root string) error {
	return filepath.WalkDir(root, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncPath(p)
	})
}

func syncDir(dir string) error {
	if err := syncPath(dir); err != nil {
		return fmt.Errorf("cannot sync folder %s: %w", dir, err)
	}
	return nil
}

func syncPath(p string) error {
	f, err := os.Open(p)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
