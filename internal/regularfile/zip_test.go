package regularfile

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeZip writes a zip with many empty members.
func writeZip(t *testing.T, members int, comment string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(f)
	w := zip.NewWriter(out)
	for i := range members {
		if _, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i), Comment: comment}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), out.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenZip_ReadsMembers(t *testing.T) {
	t.Parallel()
	z, err := OpenZip(writeZip(t, 3, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	in, err := z.File[2].Open()
	if err != nil || z.File[2].Name != "2" {
		t.Fatalf("%q, error %v", z.File[2].Name, err)
	}
	if content, err := io.ReadAll(in); err != nil || len(content) != 0 {
		t.Errorf("%q, error %v", content, err)
	}
}

func TestOpenZip_RefusesALargeDirectory(t *testing.T) {
	t.Parallel()
	path := writeZip(t, largestDirectory>>15, strings.Repeat("x", 1<<15))
	if _, err := OpenZip(path); err == nil || !strings.Contains(err.Error(), path+" lists too many files") {
		t.Errorf("error %v", err)
	}
}

func TestOpenZip_KnowsWhatIsNoZip(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(path, []byte("PK is not enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenZip(path); !errors.Is(err, ErrNoZip) {
		t.Errorf("error %v", err)
	}
	if _, err := OpenZip("/dev/null"); !errors.Is(err, ErrKind) {
		t.Errorf("error %v", err)
	}
}
