//go:build unix

package model

import "golang.org/x/sys/unix"

// freeSpace returns the number of bytes available on the disk of an existing folder.
func freeSpace(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
