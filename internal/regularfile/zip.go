package regularfile

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
)

// largestDirectory limits the directory of a zip, which is in memory as long as the zip is open: room for 400,000 files, ten times
// the messages of the largest export of WhatsApp.
const largestDirectory = 32 << 20

// Zip is an open zip archive. Readers of its members must limit what they read: the sizes in its directory may be wrong.
type Zip struct {
	*zip.Reader
	Path string
	// Cut reports whether the end of the archive is missing. The last member may be cut off, too, and then ends early without an error.
	Cut  bool
	file *os.File
}

// Close closes the archive.
func (z *Zip) Close() error { return z.file.Close() }

// ErrNoZip is the error of a file that is not a zip archive.
var ErrNoZip = errors.New("not a zip archive")

// OpenZip opens a zip archive.
func OpenZip(path string) (*Zip, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	z, err := newZip(path, f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return z, nil
}

func newZip(path string, f *os.File) (*Zip, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	in := &directoryReader{in: f, left: largestDirectory}
	archive, err := zip.NewReader(in, info.Size())
	switch {
	case in.left < 0:
		return nil, fmt.Errorf("%s lists too many files: its directory is larger than %d MiB", path, largestDirectory>>20)
	case errors.Is(err, zip.ErrFormat):
		if archive := salvage(f, info.Size()); archive != nil {
			return &Zip{archive, path, true, f}, nil
		}
		return nil, fmt.Errorf("%s: %w", path, ErrNoZip)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	in.read = true
	return &Zip{archive, path, false, f}, nil
}

// directoryReader limits how much is read until the directory has been read.
type directoryReader struct {
	in   io.ReaderAt
	left int64
	read bool
}

func (d *directoryReader) ReadAt(p []byte, at int64) (int, error) {
	if !d.read {
		if d.left -= int64(len(p)); d.left < 0 {
			return 0, errors.New("the directory is too large")
		}
	}
	return d.in.ReadAt(p, at)
}
