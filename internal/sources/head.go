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
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// Head is what formats are recognized by.
type Head struct {
	Path string
	// Dir reports whether it is a folder. Names are its entries, or the files in a zip, or in the zips of a folder with nothing else.
	Dir   bool
	Names []string
	// Zips are the paths of the zips that Names are in.
	Zips []string
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
		if h.Zips, err = zipsIn(path); err == nil && len(h.Zips) > 0 {
			h.list()
			return h, nil
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read the source: %w", err)
		}
		for _, e := range entries {
			if !IsLitter(e.Name()) {
				h.Names = append(h.Names, e.Name())
			}
		}
		return h, nil
	}
	if err := regularfile.Check(path, info); err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	h.Zips = []string{path}
	if err := h.list(); errors.Is(err, regularfile.ErrNoZip) {
		h.Zips = nil
	} else if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	} else if len(h.Names) != 1 {
		return h, nil
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

// list lists the files in the zips. The error is that of the last one that cannot be read.
func (h *Head) list() (failed error) {
	for _, place := range h.Zips {
		archive, err := regularfile.OpenZip(place)
		if err != nil {
			failed = err
			continue
		}
		for _, f := range archive.File {
			if !IsLitter(f.Name) {
				h.Names = append(h.Names, f.Name)
			}
		}
		archive.Close()
	}
	return failed
}

// Holds reports whether a folder or a zip holds a file that matches a pattern of path.Match, at its top or below a folder there.
func (h *Head) Holds(patterns ...string) bool {
	for _, pattern := range patterns {
		if h.Dir && h.Zips == nil {
			if len(regularfile.Glob(h.Path, pattern)) > 0 || len(regularfile.Glob(h.Path, "*/"+pattern)) > 0 {
				return true
			}
			continue
		}
		for _, name := range h.Names {
			if _, below, found := strings.Cut(name, "/"); matches(pattern, name) || found && matches(pattern, below) {
				return true
			}
		}
	}
	return false
}

// Begins reports whether a folder holds at its top, or a zip also below a folder there, a file with such a name and such a beginning.
func (h *Head) Begins(named func(name string) bool, begins func(text []byte) bool) bool {
	if h.Dir && h.Zips == nil {
		for _, name := range h.Names {
			if named(name) {
				if head, err := ReadHead(filepath.Join(h.Path, name)); err == nil && begins(head.Text) {
					return true
				}
			}
		}
		return false
	}
	files, err := OpenFiles(h.Path)
	if err != nil {
		return false
	}
	defer files.Close()
	for _, name := range files.Matching(func(name string) bool { return strings.Count(name, "/") <= 1 && named(path.Base(name)) }) {
		var text []byte
		err := files.Read(name, func(in io.Reader) (err error) {
			text, err = io.ReadAll(io.LimitReader(in, headSize))
			return err
		})
		if err == nil && begins(text) {
			return true
		}
	}
	return false
}

func matches(pattern, name string) bool {
	is, err := path.Match(pattern, name)
	return is && err == nil
}

// ErrBrokenZip matches the error of a file that begins like a zip and is none.
var ErrBrokenZip = errors.New("a zip that is damaged")

// CutZip returns the error of a zip whose end is missing.
func CutZip(path string) error {
	return fmt.Errorf("the end of the zip %s is missing: it may not have been copied or downloaded to its end", path)
}

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
func Open(path string) (*Text, error) {
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
	buffered := bufio.NewReaderSize(f, 64<<10)
	if magic, _ := buffered.Peek(4); string(magic) == "PK\x03\x04" {
		f.Close()
		return nil, usererr.With(fmt.Errorf("%s is %w", path, ErrBrokenZip), "it may not have been copied to its end: copy or download it again")
	}
	if magic, _ := buffered.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return &Text{Reader: UTF8(buffered), file: f}, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot decompress %s: %w", path, err)
	}
	return &Text{Reader: UTF8(unzipped), file: f}, nil
}

// openOnly opens the only file in a zip.
func openOnly(path string, archive *regularfile.Zip) (*Text, error) {
	files := slices.DeleteFunc(slices.Clone(archive.File), func(f *zip.File) bool { return IsLitter(f.Name) })
	if n := len(files); n != 1 {
		return nil, errors.Join(fmt.Errorf("%s holds %d files, not one", path, n), archive.Close())
	}
	in, err := files[0].Open()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot decompress %s: %w", path, err), archive.Close())
	}
	return &Text{Reader: UTF8(in), Cut: archive.Cut, file: closers{in, archive}}, nil
}

// closers are closed one after the other.
type closers []io.Closer

func (c closers) Close() (err error) {
	for _, one := range c {
		err = errors.Join(err, one.Close())
	}
	return err
}
