package model

import (
	"fmt"
	"os"
	"path/filepath"

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
		return usererr.With(fmt.Errorf("%s has %s free, but %s are needed", dir, FormatBytes(free), FormatBytes(need)),
			"free %s, or set VENTRILOQUIST_MODELS to a folder on another disk", FormatBytes(need+spare-free))
	}
	return nil
}

// FormatBytes formats a size for people, in binary units: 1.2 GiB.
func FormatBytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	const units = "KMGT"
	x := float64(n) / 1024
	i := 0
	for x >= 1023.95 && i < len(units)-1 {
		x /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", x, units[i])
}
