package sqlcipher

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// The sizes of the headers in a -wal file, in bytes.
const (
	logHeader   = 32
	frameHeader = 24
)

// walMagic begins a -wal file; its lowest bit is set if checksums read big-endian words.
const walMagic = 0x377f0682

// wal is the committed content of a -wal file.
type wal struct {
	at     map[uint32]int64 // where the last version of a page is in the file
	pages  uint32           // that the database has after the last commit; 0 if nothing was committed
	damage string           // where commits follow that cannot be read
}

// checksum is the running checksum of a -wal file.
type checksum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

func (c *checksum) add(data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		c.s0 += c.order.Uint32(data) + c.s1
		c.s1 += c.order.Uint32(data[4:]) + c.s0
	}
}

// is reports whether the checksum is the stored one.
func (c *checksum) is(stored []byte) bool {
	return binary.BigEndian.Uint32(stored) == c.s0 && binary.BigEndian.Uint32(stored[4:]) == c.s1
}

// readWAL finds the committed pages of a -wal file. What follows the last commit is the rest of an earlier file or of a change that was
// not finished; SQLite ignores it, too.
func readWAL(f *os.File) (*wal, error) {
	w := &wal{at: map[uint32]int64{}}
	in := bufio.NewReaderSize(f, 1<<20)
	header := make([]byte, logHeader)
	if _, err := io.ReadFull(in, header); err != nil {
		return w, atEnd(err)
	}
	sum := checksum{order: binary.LittleEndian}
	first := binary.BigEndian.Uint32(header)
	if first == walMagic|1 {
		sum.order = binary.BigEndian
	}
	sum.add(header[:24])
	if first&^1 != walMagic || binary.BigEndian.Uint32(header[8:]) != pageSize || !sum.is(header[24:]) {
		if !isZero(header) {
			w.damage = "its header is damaged"
		}
		return w, nil
	}
	pending := map[uint32]int64{} // since the last commit
	frame := make([]byte, frameHeader+pageSize)
	valid := true
	for n := int64(0); ; n++ {
		if _, err := io.ReadFull(in, frame); err != nil {
			return w, atEnd(err)
		}
		if string(frame[8:16]) != string(header[16:24]) { // a frame of an earlier file
			return w, nil
		}
		number, commit := binary.BigEndian.Uint32(frame), binary.BigEndian.Uint32(frame[4:])
		sum.add(frame[:8])
		sum.add(frame[frameHeader:])
		if valid = valid && number > 0 && sum.is(frame[16:]); !valid {
			if commit > 0 && w.damage == "" {
				w.damage = fmt.Sprintf("the changes from frame %d on", n)
			}
			continue
		}
		pending[number] = logHeader + n*int64(len(frame)) + frameHeader
		if commit > 0 {
			for number, at := range pending {
				w.at[number] = at
			}
			clear(pending)
			w.pages = commit
		}
	}
}

// atEnd returns nil for the end of a file, also within a frame.
func atEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
