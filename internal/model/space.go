package model

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"ventriloquist/internal/usererr"
)

// FreeSpace returns the bytes that may still be written to the disk of a folder, which need not be there yet.
func FreeSpace(dir string) (int64, error) {
	for {
		var s unix.Statfs_t
		err := unix.Statfs(dir, &s)
		if err == nil {
			return int64(s.Bavail) * int64(s.Bsize), nil
		}
		parent := filepath.Dir(dir)
		if !os.IsNotExist(err) || parent == dir {
			return 0, fmt.Errorf("cannot tell the free space of %s: %w", dir, err)
		}
		dir = parent
	}
}

// CheckSpace refuses to begin what would fill the disk.
func CheckSpace(dir string, need int64) error {
	free, err := FreeSpace(dir)
	if err != nil {
		return err
	}
	const spare = 64 << 20 // the disk has other users
	if need+spare > free {
		return usererr.With(fmt.Errorf("%s has %s free, but %s is needed", dir, FormatBytes(free), FormatBytes(need)),
			"free %s, or use another disk: vqctl model's folder is set by VENTRILOQUIST_MODELS", FormatBytes(need+spare-free))
	}
	return nil
}

// FormatBytes writes a size as people do: 1.2 GB.
func FormatBytes(n int64) string {
	const units = "kMGT"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	x := float64(n)
	i := -1
	for x >= 999.95 && i < len(units)-1 {
		x /= 1000
		i++
	}
	return fmt.Sprintf("%.1f %cB", x, units[i])
}
