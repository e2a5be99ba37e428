package describe

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// privateName is the name of folders of temporary files.
const privateName = "vqctl-describe-*"

// tempFolder is a folder of temporary files. It is locked while in use, so that the folder of a killed run can be told from that
// of another running one.
type tempFolder struct {
	dir  string
	lock *os.File
}

// newTempFolder creates a folder of mode 0700.
func newTempFolder() (*tempFolder, error) {
	for {
		dir, err := os.MkdirTemp("", privateName)
		if err != nil {
			return nil, cannotWrite(err)
		}
		lock, err := os.Open(dir)
		if err == nil {
			// Describing goes on without a lock on file systems that have none.
			_ = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
			if _, err = os.Stat(dir); err == nil {
				return &tempFolder{dir, lock}, nil
			}
			lock.Close()
		}
		if !os.IsNotExist(err) { // otherwise another run removed it before it was locked
			return nil, cannotWrite(err)
		}
	}
}

func (p *tempFolder) remove() error {
	defer p.lock.Close()
	return os.RemoveAll(p.dir)
}

// sweep removes the folders of runs that were killed.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), privateName)) // the pattern is well-formed
	for _, dir := range left {
		lock, err := os.Open(dir)
		if err != nil {
			continue // in use by another run, or another user's
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = os.RemoveAll(dir)
		}
		lock.Close()
	}
}
