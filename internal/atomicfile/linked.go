package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// WriteAll is Write, and replaces the content under the other names that the file has by hard links too: what is erased is erased
// under each name. Where there are such names, the new content is copied over the old one, after it was written as a whole
// elsewhere.
func WriteAll(path string, fill func(w io.Writer) error) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return Write(path, fill)
	}
	old, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return Write(path, fill)
	}
	defer old.Close()
	if !isLinked(old) {
		return Write(path, fill)
	}
	if err := Write(path, fill); err != nil {
		return err
	}
	whole, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", path, err)
	}
	defer whole.Close()
	return overwrite(old, whole)
}

// overwrite makes the content of a file that of another.
func overwrite(old, whole *os.File) error {
	if _, err := old.Seek(0, io.SeekStart); err != nil {
		return cannotWrite(old.Name(), err)
	}
	n, err := io.Copy(old, whole)
	if err == nil {
		err = old.Truncate(n)
	}
	if err = errors.Join(err, old.Chmod(0o600), old.Sync()); err != nil {
		return cannotWrite(old.Name(), err)
	}
	return nil
}

// Erase removes a file, and its content under the other names that it has by hard links too.
func Erase(path string) error {
	if f, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
		var failed error
		if isLinked(f) {
			failed = errors.Join(f.Truncate(0), f.Sync())
		}
		f.Close()
		if failed != nil {
			return failed
		}
	}
	return os.Remove(path)
}
