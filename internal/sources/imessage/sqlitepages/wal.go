package sqlitepages

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	walHeader   = 32
	frameHeader = 24
	// The two magic numbers identify the byte order of the checksums.
	magicLittle = 0x377f0682
	magicBig    = 0x377f0683
)

// wal is the content of the -wal file of a database.
type wal struct {
	header   []byte           // of the file; nil without a WAL
	frames   int              // up to the last commit
	pageSize int              // 0 without a WAL
	offsets  map[uint32]int64 // the position of each page's latest committed content
	pages    uint32           // the size of the database at the last commit, in pages
}

// readWAL reads which pages are in the WAL. A missing or empty file has none. It ignores everything after the last commit
// and the remains of an earlier WAL.
func readWAL(path string) (*wal, error) {
	w := &wal{offsets: map[uint32]int64{}}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	header := make([]byte, walHeader)
	if _, err := io.ReadFull(f, header); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return w, nil
		}
		return nil, err
	}
	return w, w.read(f, header)
}

func (w *wal) read(f *os.File, header []byte) error {
	var order binary.ByteOrder
	switch magic := binary.BigEndian.Uint32(header); magic {
	case magicLittle:
		order = binary.LittleEndian
	case magicBig:
		order = binary.BigEndian
	default:
		return nil // never written: SQLite ignores it too
	}
	size := int(binary.BigEndian.Uint32(header[8:]))
	if size < 512 || size > 65536 {
		return fmt.Errorf("a WAL with pages of %d bytes", size)
	}
	s1, s2 := walSum(order, header[:24], 0, 0)
	if s1 != binary.BigEndian.Uint32(header[24:]) || s2 != binary.BigEndian.Uint32(header[28:]) {
		return nil
	}
	w.header, w.pageSize = header, size
	open := map[uint32]int64{} // of the current transaction
	frame := make([]byte, frameHeader+size)
	for n := 1; ; n++ {
		at := walHeader + int64(n-1)*int64(len(frame))
		if _, err := f.ReadAt(frame, at); err != nil {
			return nil // the end
		}
		if !bytes.Equal(frame[8:16], header[16:24]) {
			return nil
		}
		s1, s2 = walSum(order, frame[:8], s1, s2)
		s1, s2 = walSum(order, frame[frameHeader:], s1, s2)
		if s1 != binary.BigEndian.Uint32(frame[16:]) || s2 != binary.BigEndian.Uint32(frame[20:]) {
			return nil
		}
		open[binary.BigEndian.Uint32(frame)] = at + frameHeader
		if pages := binary.BigEndian.Uint32(frame[4:]); pages != 0 {
			for page, offset := range open {
				w.offsets[page] = offset
			}
			clear(open)
			w.frames, w.pages = n, pages
		}
	}
}

// walSum continues the running checksum of a WAL.
func walSum(order binary.ByteOrder, data []byte, s1, s2 uint32) (uint32, uint32) {
	for ; len(data) >= 8; data = data[8:] {
		s1 += order.Uint32(data) + s2
		s2 += order.Uint32(data[4:]) + s1
	}
	return s1, s2
}

// logs reports whether a page was committed after the given number of frames.
func (w *wal) logs(page uint32, after int) bool {
	at, logged := w.offsets[page]
	return logged && (at-walHeader)/int64(frameHeader+w.pageSize) >= int64(after)
}

// same reports whether nothing was committed between two reads of a WAL.
func (w *wal) same(v *wal) bool { return bytes.Equal(w.header, v.header) && w.frames == v.frames }
