package train

import (
	"errors"
	"fmt"
	"os"

	"ventriloquist/internal/filelock"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/usererr"
)

// LockOutputDir checks, before hours of training, that checkpoints can be written to dir, and locks dir until release is
// called: two runs at once would replace each other's checkpoints. It removes what killed runs left there.
func LockOutputDir(dir string) (release func(), err error) {
	if err := checkWritable(dir); err != nil {
		return nil, usererr.With(fmt.Errorf("cannot write checkpoints: %w", err), "name a writable folder with %v", outputDir)
	}
	folder, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	// Training goes on without a lock on file systems that have none.
	if errors.Is(filelock.Try(folder), filelock.ErrLocked) {
		folder.Close()
		return nil, usererr.With(fmt.Errorf("another training run is writing to %s", dir), "wait for it, or name another folder with %v", outputDir)
	}
	scratch.Sweep(dir)
	return func() { folder.Close() }, nil
}

func checkWritable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name, err := os.MkdirTemp(dir, scratch.Pattern("probe"))
	if err != nil {
		return err
	}
	return os.Remove(name)
}
