package sources

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
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
			if IsLitter(e.Name()) {
				continue
			}
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
			if !IsLitter(f.Name) {
				h.Names = append(h.Names, f.Name)
			}
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

// ErrBrokenZip matches the error of a file that begins like a zip and is none.
var ErrBrokenZip = errors.New("a zip that is damaged")

// IsLitter reports whether a name in a folder or a zip is one that operating systems put there.
func IsLitter(name string) bool {
	name = filepath.ToSlash(name)
	base := name[strings.LastIndexByte(strings.TrimSuffix(name, "/"), '/')+1:]
	switch strings.ToLower(base) {
	case ".ds_store", "thumbs.db", "desktop.ini", ".localized":
		return true
	}
	return strings.HasPrefix(base, "._") || strings.HasPrefix(name, "__MACOSX") || strings.Contains(name, "/__MACOSX/")
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
	if magic, _ := buffered.Peek(4); string(magic) == "PK\x03\x04" {
		f.Close()
		return nil, usererr.With(fmt.Errorf("%s is %w", path, ErrBrokenZip), "it may not have been copied to its end: copy or download it again")
	}
	if magic, _ := buffered.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return readCloser{UTF8(buffered), f}, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot decompress %s: %w", path, err)
	}
	return readCloser{UTF8(unzipped), f}, nil
}

// openOnly opens the only file in a zip.
func openOnly(path string, archive *regularfile.Zip) (io.ReadCloser, error) {
	files := slices.DeleteFunc(slices.Clone(archive.File), func(f *zip.File) bool { return IsLitter(f.Name) })
	if n := len(files); n != 1 {
		return nil, errors.Join(fmt.Errorf("%s holds %d files, not one", path, n), archive.Close())
	}
	in, err := files[0].Open()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot decompress %s: %w", path, err), archive.Close())
	}
	return zipped{readCloser{UTF8(in), in}, archive}, nil
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
