package regularfile

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
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

// Of a zip that was not copied to its end, the members that are there can be read, and the beginning of the last one.
func TestOpenZip_WithoutItsEnd(t *testing.T) {
	t.Parallel()
	text := func(i int) string {
		var out strings.Builder
		for n := range 2000 {
			fmt.Fprintf(&out, "%d: line %d of this text %x\n", i, n, n*n*7919)
		}
		return out.String()
	}
	for name, method := range map[string]uint16{"deflated": zip.Deflate, "stored": zip.Store} {
		for _, sizesBehind := range []bool{false, true} {
			if method == zip.Store && sizesBehind {
				continue // nothing says where such a member ends
			}
			var whole bytes.Buffer
			w := zip.NewWriter(&whole)
			for i := range 3 {
				header := &zip.FileHeader{Name: fmt.Sprintf("text %d.txt", i), Method: method}
				var raw bytes.Buffer
				if method == zip.Deflate {
					f, _ := flate.NewWriter(&raw, 6)
					io.WriteString(f, text(i))
					f.Close()
				} else {
					raw.WriteString(text(i))
				}
				if header.CRC32, header.CompressedSize64, header.UncompressedSize64 = crc32.ChecksumIEEE([]byte(text(i))), uint64(raw.Len()), uint64(len(text(i))); sizesBehind {
					header.Flags |= 8
				}
				out, err := w.CreateRaw(header)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := out.Write(raw.Bytes()); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "a.zip")
			if err := os.WriteFile(path, whole.Bytes()[:whole.Len()*5/6], 0o600); err != nil {
				t.Fatal(err)
			}
			z, err := OpenZip(path)
			if err != nil || !z.Cut || len(z.File) != 3 {
				t.Fatalf("%s, sizes behind %v: %+v, error %v", name, sizesBehind, z, err)
			}
			for i, f := range z.File {
				in, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				content, err := io.ReadAll(in)
				if want := text(i); err != nil || f.Name != fmt.Sprintf("text %d.txt", i) || !strings.HasPrefix(want, string(content)) || i < 2 && len(content) != len(want) || len(content) < len(want)/4 {
					t.Errorf("%s, sizes behind %v: %s has %d of %d bytes, error %v", name, sizesBehind, f.Name, len(content), len(want), err)
				}
			}
			z.Close()
		}
	}
}
