package sources

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"ventriloquist/internal/regularfile"
)

// Head is what formats are recognized by.
type Head struct {
	Path string
	// Dir reports whether it is a folder. Names are its entries, or the entries of a zip.
	Dir   bool
	Names []string
	// Text is the beginning of a file, decompressed if it is a .gz or a zip with a single file.
	Text []byte
}

// headSize is how many bytes of a file are examined.
const headSize = 64 << 10

// ReadHead reads the head of a file or folder.
func ReadHead(path string) (*Head, error) {
	h := &Head{Path: path}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	if info.IsDir() {
		h.Dir = true
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read the source: %w", err)
		}
		for _, e := range entries {
			h.Names = append(h.Names, e.Name())
		}
		return h, nil
	}
	if err := regularfile.Check(path, info); err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	archive, err := regularfile.OpenZip(path)
	if err == nil {
		defer archive.Close()
		for _, f := range archive.File {
			h.Names = append(h.Names, f.Name)
		}
		if len(h.Names) != 1 {
			return h, nil
		}
	} else if !errors.Is(err, regularfile.ErrNoZip) {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h.Text = make([]byte, headSize)
	n, err := io.ReadFull(f, h.Text)
	if h.Text = h.Text[:n]; err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return h, nil
}

// Base returns the name of a file without its extension.
func Base(path string) string {
	name := filepath.Base(path)
	return strings.TrimSuffix(name, filepath.Ext(name))
}

// Open opens a regular file, and decompresses it if it is a .gz or a zip with one file.
func Open(path string) (io.ReadCloser, error) {
	archive, err := regularfile.OpenZip(path)
	if err == nil {
		return openOnly(path, archive)
	}
	if !errors.Is(err, regularfile.ErrNoZip) {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	f, err := regularfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	buffered := bufio.NewReaderSize(f, 1<<20)
	if magic, _ := buffered.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return readCloser{buffered, f}, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot decompress %s: %w", path, err)
	}
	return readCloser{unzipped, f}, nil
}

// openOnly opens the only file in a zip.
func openOnly(path string, archive *regularfile.Zip) (io.ReadCloser, error) {
	if n := len(archive.File); n != 1 {
		return nil, errors.Join(fmt.Errorf("%s holds %d files, not one", path, n), archive.Close())
	}
	in, err := archive.File[0].Open()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot decompress %s: %w", path, err), archive.Close())
	}
	return zipped{in, archive}, nil
}

// zipped is an open file in a zip.
type zipped struct {
	io.ReadCloser
	archive io.Closer
}

func (z zipped) Close() error { return errors.Join(z.ReadCloser.Close(), z.archive.Close()) }

type readCloser struct {
	io.Reader
	io.Closer
}
