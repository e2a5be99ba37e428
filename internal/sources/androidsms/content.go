package androidsms

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"ventriloquist/internal/charset"
	"ventriloquist/internal/messages"
)

// placeOf formats where the content of a file is in a backup: its offset and length, and its name. In a compressed backup
// it cannot be found again.
func (r *Reader) placeOf(where, name string) messages.FilePlace {
	_, length, found := strings.Cut(where, "-")
	if !found || length == "0" || r.absolute == "" {
		return messages.FilePlace{}
	}
	return messages.FilePlace{Root: r.absolute, Path: where + "/" + name}
}

// isNoArchive reports whether a file is in UTF-8 and not in an archive.
func isNoArchive(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	head = head[:n]
	return (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) && !bytes.HasPrefix(head, []byte("PK")) && !bytes.HasPrefix(head, []byte("\x1f\x8b")) &&
		!bytes.HasPrefix(head, []byte("\uFEFF")) && !charset.IsUTF16(head)
}

// OpenContent opens the content of a file of a backup, at the place that its message names (messages.FilePlace.Path), and
// returns its maximum size. The error is fs.ErrNotExist if the backup has changed.
func OpenContent(backup, place string) (content io.ReadCloser, most int64, err error) {
	where, _, _ := strings.Cut(place, "/")
	begin, size, _ := strings.Cut(where, "-")
	from, err := strconv.ParseInt(begin, 10, 64)
	length, err2 := strconv.ParseInt(size, 10, 64)
	if err = errors.Join(err, err2); err != nil || from < 1 || length < 1 {
		return nil, 0, fs.ErrNotExist
	}
	f, err := os.Open(backup)
	if err != nil {
		return nil, 0, err
	}
	// It is between quotes.
	for _, at := range []int64{from - 1, from + length} {
		quote := make([]byte, 1)
		if _, err := f.ReadAt(quote, at); err != nil || quote[0] != '"' && quote[0] != '\'' {
			return nil, 0, errors.Join(fmt.Errorf("%s is another backup than was collected: %w", backup, fs.ErrNotExist), f.Close())
		}
	}
	return section{base64.NewDecoder(base64.StdEncoding, io.NewSectionReader(f, from, length)), f}, int64(base64.StdEncoding.DecodedLen(int(length))), nil
}

// section is a part of an open file.
type section struct {
	io.Reader
	io.Closer
}
