package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"os"
)

// errCompressed means that a file is compressed in a way that is not known here, or damaged.
var errCompressed = errors.New("it is compressed in a way that is not known here")

// mostUnpacked limits how much of a compressed file is read.
const mostUnpacked = 16 << 30

// unknownPackings are what files begin with that are compressed by xz, zstd, 7z, lz4, lzip and rar.
var unknownPackings = [][]byte{{0xfd, '7', 'z', 'X', 'Z', 0}, {0x28, 0xb5, 0x2f, 0xfd}, {'7', 'z', 0xbc, 0xaf, 0x27, 0x1c}, {0x04, 0x22, 0x4d, 0x18}, []byte("LZIP"), []byte("Rar!")}

// eachContent calls visit with the content of a file, and where that is compressed by gzip or bzip2 or is a zip, with what is in it.
func eachContent(path string, visit func(in io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	head, _ := in.Peek(6)
	for _, packing := range unknownPackings {
		if bytes.HasPrefix(head, packing) {
			return errCompressed
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return errCompressed
		}
		return visitUnpacked(unpacked, visit)
	case bytes.HasPrefix(head, []byte("BZh")):
		return visitUnpacked(bzip2.NewReader(in), visit)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return visitZip(f, visit)
	}
	return visit(in)
}

// visitUnpacked calls visit with a stream that may be damaged or endless.
func visitUnpacked(unpacked io.Reader, visit func(in io.Reader) error) error {
	limited := &io.LimitedReader{R: unpacked, N: mostUnpacked}
	if err := visit(limited); err != nil || limited.N == 0 {
		return errCompressed
	}
	return nil
}

// visitZip calls visit with each file of a zip.
func visitZip(f *os.File, visit func(in io.Reader) error) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	archive, err := zip.NewReader(f, info.Size())
	if err != nil {
		return errCompressed
	}
	for _, member := range archive.File {
		in, err := member.Open()
		if err != nil {
			return errCompressed
		}
		err = visitUnpacked(in, visit)
		in.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
