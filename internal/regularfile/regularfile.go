// Package regularfile opens files that others may have put in place.
//
// In: a path. Out: an open regular file or its content, at most so large. A pipe, a device, a socket or a folder is an error
// that says what it is, and opening one never waits. It must not know: what files hold.
package regularfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"ventriloquist/internal/usererr"
)

// ErrKind matches the errors of files that are not regular.
var ErrKind = errors.New("not a regular file")

// kindError is the error of a file of another kind.
type kindError struct {
	path string
	kind string // "a pipe"
}

func (e *kindError) Error() string {
	return fmt.Sprintf("%s is %s, not a regular file", e.path, e.kind)
}
func (e *kindError) Is(target error) bool { return target == ErrKind }

// Check returns an error if a file is not regular.
func Check(path string, info fs.FileInfo) error {
	err := &kindError{path: path, kind: kindOf(info.Mode())}
	switch info.Mode().Type() {
	case 0:
		return nil
	case fs.ModeNamedPipe:
		return usererr.With(err, "write what it delivers to a file first")
	}
	return err
}

// kindOf describes a kind of file.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// Open opens a regular file for reading. It does not wait for a pipe or a device to deliver.
func Open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) { // a socket, or a device without a driver
		if info, failed := os.Stat(path); failed == nil {
			return nil, Check(path, info)
		}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = Check(path, info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Read reads a regular file of at most limit bytes.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s is larger than %s, the limit for this kind of file", path, size(limit))
	}
	return content, nil
}

// size formats a limit.
func size(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}
