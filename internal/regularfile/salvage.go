package regularfile

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// The signatures and sizes of a zip's headers.
const (
	localSignature     = "PK\x03\x04"
	directorySignature = "PK\x01\x02"
	localSize          = 30
)

// mostSalvaged limits the members, and largestSalvaged the size of a zip without a directory: others need the newer form of directories.
const (
	mostSalvaged    = 60_000
	largestSalvaged = 1<<32 - 1<<24
)

// member is a file in a zip, as found where it is.
type member struct {
	name             string
	flags, method    uint16
	time, date       uint16
	crc              uint32
	size, compressed uint32
	offset           uint32 // of its header
}

// salvage reads a zip whose directory is missing, because its end is: from the members themselves. The last one may be cut off; it
// ends where the zip does. It returns nil if there is none.
func salvage(in io.ReaderAt, size int64) *zip.Reader {
	if size > largestSalvaged {
		return nil
	}
	var found []member
	for at := int64(0); at < size && len(found) < mostSalvaged; {
		m, next, ok := memberAt(in, at, size)
		if !ok {
			break
		}
		found = append(found, m)
		at = next
	}
	if len(found) == 0 {
		return nil
	}
	directory := directoryOf(found, uint32(size))
	whole := io.NewSectionReader(joined{in, size, directory}, 0, size+int64(len(directory)))
	archive, err := zip.NewReader(whole, whole.Size())
	if err != nil {
		return nil
	}
	archive.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser { return cutOff{flate.NewReader(r)} })
	return archive
}

// memberAt reads the member at an offset, and returns where the next one begins.
func memberAt(in io.ReaderAt, at, size int64) (m member, next int64, ok bool) {
	header := make([]byte, localSize)
	if _, err := in.ReadAt(header, at); err != nil || string(header[:4]) != localSignature {
		return m, 0, false
	}
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	m = member{flags: u16(header[6:]), method: u16(header[8:]), time: u16(header[10:]), date: u16(header[12:]), crc: u32(header[14:]),
		compressed: u32(header[18:]), size: u32(header[22:]), offset: uint32(at)}
	name := make([]byte, u16(header[26:]))
	if _, err := in.ReadAt(name, at+localSize); err != nil {
		return m, 0, false
	}
	m.name = string(name)
	const encrypted, sizesBehind = 1, 8
	data := at + localSize + int64(len(name)) + int64(u16(header[28:]))
	if data > size || m.flags&encrypted != 0 || m.method != zip.Store && m.method != zip.Deflate {
		return m, 0, false
	}
	isWhole := m.flags&sizesBehind == 0 && m.compressed != 1<<32-1 && data+int64(m.compressed) <= size
	if isWhole {
		return m, data + int64(m.compressed), true
	}
	if m.method == zip.Store && m.flags&sizesBehind != 0 {
		return m, 0, false // nothing says where it ends
	}
	m.flags &^= sizesBehind
	m.measure(in, data, size)
	return m, behind(in, data+int64(m.compressed), size), true
}

// measure finds out how large a member is whose sizes are unknown, or that is cut off.
func (m *member) measure(in io.ReaderAt, data, size int64) {
	raw := &counted{in: bufio.NewReaderSize(io.NewSectionReader(in, data, size-data), 64<<10)}
	sum := crc32.NewIEEE()
	var from io.Reader = raw
	if m.method == zip.Deflate {
		from = flate.NewReader(raw)
	}
	n, _ := io.Copy(sum, from) // of a member that is cut off, what there is
	m.size, m.compressed, m.crc = uint32(n), uint32(raw.n), sum.Sum32()
}

// behind returns where the next header is behind a member, whose sizes may be there.
func behind(in io.ReaderAt, at, size int64) int64 {
	const longest = 24
	around := make([]byte, longest+4)
	n, _ := in.ReadAt(around, at)
	for _, signature := range []string{localSignature, directorySignature} {
		if found := bytes.Index(around[:n], []byte(signature)); found >= 0 {
			return at + int64(found)
		}
	}
	return size
}

// counted counts the bytes that are taken. It has ReadByte, so that none is taken beyond what is needed.
type counted struct {
	in *bufio.Reader
	n  int64
}

func (c *counted) ReadByte() (byte, error) {
	b, err := c.in.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

// directoryOf returns the directory of a zip of that size.
func directoryOf(members []member, size uint32) []byte {
	var out []byte
	le := binary.LittleEndian
	for _, m := range members {
		const version = 20
		out = append(out, directorySignature...)
		for _, v := range []uint16{version, version, m.flags, m.method, m.time, m.date} {
			out = le.AppendUint16(out, v)
		}
		for _, v := range []uint32{m.crc, m.compressed, m.size} {
			out = le.AppendUint32(out, v)
		}
		for _, v := range []uint16{uint16(len(m.name)), 0, 0, 0, 0} {
			out = le.AppendUint16(out, v)
		}
		out = le.AppendUint32(out, 0)
		out = le.AppendUint32(out, m.offset)
		out = append(out, m.name...)
	}
	length := uint32(len(out))
	out = append(out, "PK\x05\x06\x00\x00\x00\x00"...)
	out = le.AppendUint16(out, uint16(len(members)))
	out = le.AppendUint16(out, uint16(len(members)))
	out = le.AppendUint32(out, length)
	out = le.AppendUint32(out, size)
	return le.AppendUint16(out, 0)
}

// joined is a file with more bytes behind it.
type joined struct {
	in   io.ReaderAt
	size int64
	more []byte
}

func (j joined) ReadAt(p []byte, at int64) (n int, err error) {
	if at < j.size {
		if n, err = j.in.ReadAt(p[:min(int64(len(p)), j.size-at)], at); err != nil && !errors.Is(err, io.EOF) || n == len(p) {
			return n, err
		}
	}
	from := at + int64(n) - j.size
	if from < 0 || from > int64(len(j.more)) {
		return n, io.EOF
	}
	rest := copy(p[n:], j.more[from:])
	if n += rest; n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// cutOff ends where its data does.
type cutOff struct{ io.ReadCloser }

func (c cutOff) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
