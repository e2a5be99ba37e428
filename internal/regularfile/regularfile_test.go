//go:build unix

package regularfile_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

func TestOpen_SaysWhatIsNoRegularFile(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "rf") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	pipe, socket := filepath.Join(dir, "pipe"), filepath.Join(dir, "socket")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for path, want := range map[string]string{pipe: "is a pipe", dir: "is a folder", socket: "is a socket", "/dev/zero": "is a device"} {
		_, err := regularfile.Open(path)
		if err == nil || !errors.Is(err, regularfile.ErrKind) || !strings.Contains(err.Error(), path+" "+want) {
			t.Errorf("%s: error %v, want %s", path, err, want)
		}
	}
	if _, err := regularfile.Open(pipe); usererr.Of(err) == "" {
		t.Error("there is no advice about a pipe")
	}
	if _, err := regularfile.Open(filepath.Join(dir, "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestRead_RefusesMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if content, err := regularfile.Read(path, 4096); err != nil || len(content) != 4096 {
		t.Errorf("%d bytes, error %v", len(content), err)
	}
	huge := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, 1<<40); err != nil { // sparse
		t.Fatal(err)
	}
	if _, err := regularfile.Read(huge, 1<<20); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("error %v", err)
	}
	if _, err := regularfile.Read(path, 2048); err == nil || !strings.Contains(err.Error(), "larger than 2 KiB") || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

func TestCopy_RegularFilesOnly(t *testing.T) {
	t.Parallel()
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	if err := regularfile.Copy(t.Context(), to, from); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(from, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := regularfile.Copy(t.Context(), to, from); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(to)
	if got, _ := os.ReadFile(to); err != nil || string(got) != "content" || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is %q (%v, %v)", got, info.Mode(), err)
	}
	if err := regularfile.Copy(t.Context(), to, t.TempDir()); !errors.Is(err, regularfile.ErrKind) {
		t.Errorf("a folder: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := regularfile.Copy(canceled, to, from); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
