package describe

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// privateName is what folders of temporary files are called.
const privateName = "vqctl-describe-*"

// private is a folder of temporary files. It is locked for as long as it is used, so that what a run left that was killed
// is told from what a run uses that goes on beside.
type private struct {
	dir  string
	lock *os.File
}

// newPrivate makes a folder of mode 0700.
func newPrivate() (*private, error) {
	for {
		dir, err := os.MkdirTemp("", privateName)
		if err != nil {
			return nil, cannotWrite(err)
		}
		lock, err := os.Open(dir)
		if err == nil {
			// A file system without locks is no reason not to go on.
			_ = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
			if _, err = os.Stat(dir); err == nil {
				return &private{dir, lock}, nil
			}
			lock.Close()
		}
		if !os.IsNotExist(err) { // else it was taken for one that was left, before it was locked
			return nil, cannotWrite(err)
		}
	}
}

func (p *private) remove() error {
	defer p.lock.Close()
	return os.RemoveAll(p.dir)
}

// sweep removes the folders of runs that were killed.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), privateName)) // the pattern is well-formed
	for _, dir := range left {
		lock, err := os.Open(dir)
		if err != nil {
			continue // somebody else's
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = os.RemoveAll(dir)
		}
		lock.Close()
	}
}
