//go:build unix

package atomicfile

import (
	"os"
	"syscall"
)

// isLinked reports whether an open file has more names than one.
func isLinked(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink > 1
}
