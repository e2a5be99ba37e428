package train

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"ventriloquist/internal/usererr"
)

// LockOutputDir makes sure, before hours of training, that checkpoints can be written into dir, and keeps it for this run
// until release is called: the checkpoints of two runs at once would replace each other.
func LockOutputDir(dir string) (release func(), err error) {
	if err := checkWritable(dir); err != nil {
		return nil, usererr.With(fmt.Errorf("checkpoints cannot be written: %w", err), "name a folder that can be written to with %v", outputDir)
	}
	folder, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	// A file system without locks is no reason not to train.
	if errors.Is(unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK) {
		folder.Close()
		return nil, usererr.With(fmt.Errorf("another training is writing into %s", dir), "wait for it, or name another folder with %v", outputDir)
	}
	return func() { folder.Close() }, nil
}

func checkWritable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name, err := os.MkdirTemp(dir, ".probe-")
	if err != nil {
		return err
	}
	return os.Remove(name)
}
