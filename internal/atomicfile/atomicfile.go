// Package atomicfile writes files and folders that are either complete or absent: it writes a temporary one in the same folder,
// syncs it, renames it, and syncs the folder. After a failure the target is unchanged. What a killed run leaves has no name
// where the system allows that; elsewhere the next write of the same target, and scratch.Sweep, remove it.
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
	"syscall"

	"ventriloquist/internal/filelock"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/usererr"
)

// Write replaces the file at path, or the one that a symbolic link there leads to, with what fill writes. Nothing changes at path
// unless fill returns nil. Pipes and character devices, such as /dev/stdout and /dev/null, are not replaced, but written to.
func Write(path string, fill func(w io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return writeTo(path, info.Mode(), fill)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	scratch.SweepNamed(filepath.Dir(path), filepath.Base(path))
	f, err := newFile(path)
	if err != nil {
		return cannotWrite(path, err)
	}
	defer f.discard()
	buffered := bufio.NewWriterSize(f, 1<<20)
	if err = fill(buffered); errors.Is(err, syscall.ENOSPC) {
		return cannotWrite(path, err)
	} else if err != nil {
		return err
	}
	if err = errors.Join(buffered.Flush(), f.Sync()); err != nil {
		return cannotWrite(path, err)
	}
	if err = f.rename(path); err != nil {
		return cannotWrite(path, err)
	}
	return syncDir(filepath.Dir(path))
}

// writeTo writes to a pipe or a device.
func writeTo(path string, mode os.FileMode, fill func(w io.Writer) error) error {
	if mode&(os.ModeCharDevice|os.ModeNamedPipe) == 0 {
		return cannotWrite(path, errNotRegular)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0) // a pipe that nothing reads is an error, not a wait
	if errors.Is(err, syscall.ENXIO) {
		return usererr.With(cannotWrite(path, err), "nothing reads from the pipe: start its reader first")
	} else if err != nil {
		return cannotWrite(path, err)
	}
	buffered := bufio.NewWriterSize(f, 64<<10)
	if err := fill(buffered); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(buffered.Flush(), f.Close()); err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

var (
	errNotRegular = errors.New("it is not a regular file")
	errNoFolder   = errors.New("it is not a folder")
)

// cannotWrite names the file that could not be written, rather than the temporary one.
func cannotWrite(path string, err error) error {
	var named *os.PathError
	var renamed *os.LinkError
	if errors.As(err, &named) && named.Path != path {
		err = named.Err
	} else if errors.As(err, &renamed) {
		err = renamed.Err
	}
	err = fmt.Errorf("cannot write %s: %w", path, err)
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return usererr.With(err, "make room on the disk and run the command again: what was there is as it was before")
	case errors.Is(err, syscall.EBUSY):
		return usererr.With(err, "something is mounted at %s itself, which cannot be replaced: mount its folder instead", path)
	}
	return err
}

// WriteBytes replaces the file at path with data.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Move moves a file that is whole to path.
func Move(from, path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return cannotWrite(path, errNotRegular)
	}
	if err := syncPath(from); err != nil {
		return cannotWrite(path, err)
	}
	if err := os.Rename(from, path); err != nil {
		return cannotWrite(path, err)
	}
	return syncDir(filepath.Dir(path))
}

// WriteDir replaces the folder at path with what fill puts into the temporary folder it is given. The new folder and an existing
// one change places in one step where the system can do that.
func WriteDir(path string, fill func(tmp string) error) error {
	path = filepath.Clean(path)
	parent := filepath.Dir(path)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return cannotWrite(path, err)
	}
	scratch.SweepNamed(parent, filepath.Base(path))
	tmp, err := scratch.NewNamed(parent, filepath.Base(path))
	if err != nil {
		return cannotWrite(path, err)
	}
	if err := fill(tmp.Path); err != nil {
		return errors.Join(err, tmp.Remove())
	}
	if err := syncTree(tmp.Path); err != nil {
		return errors.Join(cannotWrite(path, err), tmp.Remove())
	}
	if err := replaceDir(tmp.Path, path); err != nil {
		return errors.Join(cannotWrite(path, err), tmp.Remove())
	}
	return errors.Join(syncDir(parent), tmp.Remove()) // by now, the folder that was replaced
}

// replaceDir moves the folder tmp to path. A folder that was there is at tmp afterwards.
func replaceDir(tmp, path string) error {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, os.ErrNotExist):
		return os.Rename(tmp, path)
	case err == nil && !info.IsDir() && !info.Mode().IsRegular() && info.Mode()&os.ModeSymlink == 0:
		return errNoFolder // a device or a pipe
	}
	if exchange(tmp, path) == nil {
		return nil
	}
	// Without an exchange, the old folder moves aside. Its lock keeps others from taking it for what a killed run left.
	old := tmp + scratch.Retired
	lock, err := filelock.OpenLocked(path)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := os.Rename(path, old); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(err, os.Rename(old, path))
	}
	return os.Rename(old, tmp)
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
