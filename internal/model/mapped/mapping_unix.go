//go:build unix

package mapped

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the first bytes of a file.
func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}

func unmap(mapping []byte) error { return unix.Munmap(mapping) }

// evict frees the memory of a mapping. This is only advice: a system that ignores it frees the pages when memory runs short.
func evict(mapping []byte) { _ = unix.Madvise(mapping, unix.MADV_DONTNEED) }
