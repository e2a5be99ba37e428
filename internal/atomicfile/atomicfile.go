// Package atomicfile writes files and folders that are either whole or not there: it writes beside the target, syncs,
// renames, and syncs the parent folder. After a failure the target is what it was before, and nothing is left beside it.
//
// Files are made with mode 0600 and folders with 0700: they hold private messages.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Write makes path hold what fill writes. Nothing is visible at path before fill has returned without an error.
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

// WriteBytes makes path hold data.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteDir makes path a folder with what fill puts into the temporary folder that it is given. A folder already at path
// is replaced: it is moved aside, and removed only after the new one stands in its place.
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
