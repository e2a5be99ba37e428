//go:build unix

package atomicfile_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ventriloquist/internal/atomicfile"
)

// A pipe is written to, and stays a pipe; one that nothing reads is an error.
func TestWrite_ToAPipe(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(string, func(io.Writer) error) error{"Write": atomicfile.Write, "WriteAll": atomicfile.WriteAll} {
		path := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Skip(err)
		}
		if err := write(path, saying("x")); !errors.Is(err, syscall.ENXIO) {
			t.Errorf("%s, without a reader: %v", name, err)
		}
		reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(path, saying("hello")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := io.ReadAll(reader); err != nil || string(got) != "hello" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		reader.Close()
		if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
			t.Errorf("%s: the pipe is now %v, %v", name, info, err)
		}
	}
}

// /dev/null stays what it is, also under another name.
func TestWrite_ToADevice(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(os.DevNull, path); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(path, saying("x")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		t.Errorf("the device is now %v, %v", info, err)
	}
	if err := atomicfile.Move(path, path); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("moving to it: %v", err)
	}
}

// A socket, and a pipe in the place of a folder, stay as they are.
func TestWrite_RefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "s") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket, pipe := filepath.Join(dir, "socket"), filepath.Join(dir, "pipe")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Skip(err)
	}
	defer listener.Close()
	if err := atomicfile.Write(socket, saying("x")); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("writing to a socket: %v", err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	if err := atomicfile.WriteDir(pipe, func(string) error { return nil }); err == nil || !strings.Contains(err.Error(), "not a folder") {
		t.Errorf("a folder in the place of a pipe: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("there are %v, %v", entries, err)
	}
}

func saying(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}
