package sqlitepages

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
)

// Snapshot is the state of a database at one moment, according to its WAL, or at an unknown moment between two.
type Snapshot struct {
	path  string
	wal   *wal // at the later moment
	since int  // frames of the WAL at the earlier moment
	open  func(path string) (file, error)
}

// file is an open database file.
type file interface {
	io.ReaderAt
	io.Closer
	Stat() (os.FileInfo, error)
}

func openFile(path string) (file, error) { return os.Open(path) }

// TakeSnapshot records the current state of the database at path.
func TakeSnapshot(path string) (*Snapshot, error) {
	w, err := readWAL(path + "-wal")
	if err != nil {
		return nil, err
	}
	return &Snapshot{path, w, w.frames, openFile}, nil
}

// Same reports whether nothing was committed between two snapshots.
func (s *Snapshot) Same(m *Snapshot) bool { return s.wal.same(m.wal) }

// Until returns the snapshot of an unknown moment from s to a later one. The checksums of all that was committed in the
// meantime are Unknown. It returns nil if the WAL was begun anew in the meantime, because then this is not known.
func (s *Snapshot) Until(later *Snapshot) *Snapshot {
	if !bytes.Equal(s.wal.header, later.wal.header) || later.wal.frames < s.since {
		return nil
	}
	return &Snapshot{later.path, later.wal, s.since, later.open}
}

// survey holds the data of each page. Page numbers start at 1, so element 0 is unused.
type survey struct {
	file     file
	log      *os.File // the WAL
	wal      *wal
	since    int // what was committed after so many frames of the WAL is unknown
	pageSize int
	usable   int      // bytes of a page that hold content
	sums     []uint64 // checksums of the content
	next     []uint32 // the first four bytes; for an overflow page, the number of the next one
	overflow map[uint32][]uint32
	unread   map[uint32]bool // pages that the disk does not deliver
	mu       sync.Mutex      // guards overflow and unread
}

// Survey reads the database of a snapshot and returns the leaves of the tables with the given root pages. The caller must
// hold a read transaction that sees the state of the snapshot. Damaged parts of a table have the checksum Unknown.
func (l *Snapshot) Survey(ctx context.Context, roots map[string]uint32) (map[string][]Leaf, error) {
	leaves, err := l.survey(ctx, roots)
	if after, failed := readWAL(l.path + "-wal"); len(l.wal.offsets) > 0 && failed == nil && !bytes.Equal(after.header, l.wal.header) {
		// The WAL was begun anew while it was read. That is possible only because the transaction reads nothing from it: all
		// of it had been copied to the file.
		whole := &Snapshot{path: l.path, wal: new(wal), open: l.open}
		return whole.survey(ctx, roots)
	}
	return leaves, err
}

func (l *Snapshot) survey(ctx context.Context, roots map[string]uint32) (map[string][]Leaf, error) {
	s := &survey{wal: l.wal, since: l.since, overflow: map[uint32][]uint32{}, unread: map[uint32]bool{}}
	var err error
	if s.file, err = l.open(l.path); err != nil {
		return nil, err
	}
	defer s.file.Close()
	if len(l.wal.offsets) > 0 {
		if s.log, err = os.Open(l.path + "-wal"); err != nil {
			return nil, err
		}
		defer s.log.Close()
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	if err := s.readAll(ctx); err != nil {
		return nil, err
	}
	leaves := make(map[string][]Leaf, len(roots))
	for table, root := range roots {
		leaves[table] = s.leavesOf(root)
	}
	return leaves, nil
}

// begin reads the header of the database and the index of the WAL's pages.
func (s *survey) begin() error {
	header := make([]byte, 100)
	if err := s.readHeader(header); err != nil {
		return err
	}
	s.pageSize = int(binary.BigEndian.Uint16(header[16:]))
	if s.pageSize == 1 {
		s.pageSize = 65536
	}
	s.usable = s.pageSize - int(header[20])
	if s.pageSize < 512 || s.usable < 480 || s.pageSize&(s.pageSize-1) != 0 {
		return fmt.Errorf("pages of %d bytes", s.pageSize)
	}
	if s.wal.pageSize != 0 && s.wal.pageSize != s.pageSize {
		return errors.New("the WAL has pages of another size")
	}
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	inFile := info.Size() / int64(s.pageSize)
	if int64(s.wal.pages) > inFile+int64(s.wal.frames) {
		return fmt.Errorf("the WAL tells of %d pages, more than there are", s.wal.pages)
	}
	count := max(inFile, int64(s.wal.pages))
	s.sums, s.next = make([]uint64, count+1), make([]uint32, count+1)
	return nil
}

// readHeader reads the first bytes of page 1, from the file or the WAL.
func (s *survey) readHeader(header []byte) error {
	if at, logged := s.wal.offsets[1]; logged {
		_, err := s.log.ReadAt(header, at)
		return err
	}
	_, err := s.file.ReadAt(header, 0)
	return err
}

// readAll computes the checksum of every page. It reads the pages in the WAL first, because another process may restart
// it.
func (s *survey) readAll(ctx context.Context) error {
	page := make([]byte, s.pageSize)
	for number, at := range s.wal.offsets {
		if int(number) >= len(s.sums) {
			continue // beyond the end: the database became shorter
		}
		if _, err := s.log.ReadAt(page, at); err != nil {
			return err
		}
		s.note(number, page)
	}
	const readers = 2 // with more, memory is the bottleneck
	var wait sync.WaitGroup
	errs := make([]error, readers)
	pages := len(s.sums) - 1
	for i := range readers {
		from, to := pages*i/readers, pages*(i+1)/readers
		wait.Go(func() { errs[i] = s.readFile(ctx, from, to) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// readFile computes the checksums of the pages in the file with indexes in [from, to).
func (s *survey) readFile(ctx context.Context, from, to int) error {
	const chunk = 1 << 20
	buffer := make([]byte, chunk)
	for at := from; at < to; at += chunk / s.pageSize {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(to-at, chunk/s.pageSize)
		got, err := s.file.ReadAt(buffer[:n*s.pageSize], int64(at)*int64(s.pageSize))
		if err != nil && !errors.Is(err, io.EOF) {
			s.readPages(at, n, buffer)
			continue
		}
		for i := range got / s.pageSize {
			s.noteInFile(uint32(at+i+1), buffer[i*s.pageSize:(i+1)*s.pageSize])
		}
	}
	return nil
}

// readPages reads pages one by one, of which the disk does not deliver some.
func (s *survey) readPages(at, n int, buffer []byte) {
	for i := range n {
		number, page := uint32(at+i+1), buffer[:s.pageSize]
		if _, err := s.file.ReadAt(page, int64(at+i)*int64(s.pageSize)); err != nil {
			s.mu.Lock()
			s.unread[number] = true
			s.mu.Unlock()
			continue
		}
		s.noteInFile(number, page)
	}
}

// noteInFile records a page of the file, unless the WAL has a newer one.
func (s *survey) noteInFile(number uint32, page []byte) {
	if _, logged := s.wal.offsets[number]; !logged {
		s.note(number, page)
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// note records the required data of a page.
func (s *survey) note(number uint32, page []byte) {
	s.sums[number] = uint64(crc32.Checksum(page, castagnoli))<<32 | uint64(crc32.ChecksumIEEE(page))
	s.next[number] = binary.BigEndian.Uint32(page)
	if chains := s.chainsOf(number, page); chains != nil {
		s.mu.Lock()
		s.overflow[number] = chains
		s.mu.Unlock()
	}
}

// read returns the content of a page.
func (s *survey) read(number uint32) ([]byte, error) {
	page := make([]byte, s.pageSize)
	if number == 0 || int(number) >= len(s.sums) {
		return nil, fmt.Errorf("there is no page %d", number)
	}
	if at, logged := s.wal.offsets[number]; logged {
		_, err := s.log.ReadAt(page, at)
		return page, err
	}
	_, err := s.file.ReadAt(page, int64(number-1)*int64(s.pageSize))
	return page, err
}
