package model

import (
	"fmt"
	"os"
	"path/filepath"

	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// FreeSpace returns the number of bytes available on the disk of a folder, which need not exist yet.
func FreeSpace(dir string) (int64, error) {
	for {
		free, err := freeSpace(dir)
		if err == nil {
			return free, nil
		}
		parent := filepath.Dir(dir)
		if !os.IsNotExist(err) || parent == dir {
			return 0, fmt.Errorf("cannot determine the free space of %s: %w", dir, err)
		}
		dir = parent
	}
}

// CheckSpace returns an error if writing need bytes into dir would fill the disk.
func CheckSpace(dir string, need int64) error {
	free, err := FreeSpace(dir)
	if err != nil {
		return err
	}
	const spare = 64 << 20 // for other users of the disk
	if need+spare > free {
		return usererr.With(fmt.Errorf("%s has %s free, but %s are needed", dir, size(free), size(need)),
			"free %s, or set VENTRILOQUIST_MODELS to a folder on another disk", size(need+spare-free))
	}
	return nil
}

func size(n int64) string { return terminal.Bytes(uint64(max(n, 0))) }
