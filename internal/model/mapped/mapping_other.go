//go:build !unix

package mapped

import (
	"io"
	"os"
)

// mapFile reads the first bytes of a file, where files cannot be mapped as on Unix.
func mapFile(f *os.File, size int) ([]byte, error) {
	content := make([]byte, size)
	_, err := io.ReadFull(f, content)
	return content, err
}

func unmap([]byte) error { return nil }

// evict keeps the memory: what was read is not in a file any more.
func evict([]byte) {}
