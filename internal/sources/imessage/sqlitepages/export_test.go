package sqlitepages

import (
	"errors"
)

// WithoutPage makes the disk fail where a page of the file is read.
func (s *Snapshot) WithoutPage(number, pageSize int64) {
	s.open = func(path string) (file, error) {
		f, err := openFile(path)
		return &brokenFile{f, (number - 1) * pageSize, pageSize}, err
	}
}

type brokenFile struct {
	file
	at, size int64
}

var errDisk = errors.New("input/output error")

func (b *brokenFile) ReadAt(p []byte, at int64) (int, error) {
	if at < b.at+b.size && at+int64(len(p)) > b.at {
		return 0, errDisk
	}
	return b.file.ReadAt(p, at)
}
