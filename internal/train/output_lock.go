package train

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/filelock"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/usererr"
)

// processFile is in the output folder while a run trains: the id of its process. After a run that was killed it stays, but its folder
// is not locked any more.
const processFile = "run.pid"

// LockOutputDir checks, before hours of training, that checkpoints can be written to dir, and locks dir until release is
// called: two runs at once would replace each other's checkpoints. It removes what killed runs left there.
func LockOutputDir(dir string) (release func(), err error) {
	if err := CheckWritable(dir); err != nil {
		return nil, usererr.With(fmt.Errorf("cannot write checkpoints: %w", err), "name a writable folder with %v", outputDir)
	}
	folder, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	// Training goes on without a lock on file systems that have none.
	if errors.Is(tryFor(folder, lockPatience), filelock.ErrLocked) {
		folder.Close()
		return nil, busy(dir)
	}
	scratch.Sweep(dir)
	process := filepath.Join(dir, processFile)
	if err := atomicfile.WriteBytes(process, []byte(strconv.Itoa(os.Getpid())+"\n")); err != nil {
		folder.Close()
		return nil, err
	}
	return func() {
		os.Remove(process)
		folder.Close()
	}, nil
}

// RequireFree returns an error if another run trains in an output folder now. LockOutputDir says so too, but only after the data is
// read.
func RequireFree(dir string) error {
	if process := Running(dir); process != 0 && process != os.Getpid() {
		return busy(dir)
	}
	return nil
}

func busy(dir string) error {
	return usererr.With(fmt.Errorf("another training run is writing to %s", dir), "follow it: vqctl monitor %s; or name another folder with %v", dir, outputDir)
}

// lockPatience is longer than Running holds the lock.
const lockPatience = 200 * time.Millisecond

// tryFor tries to lock a folder for a while.
func tryFor(folder *os.File, patience time.Duration) error {
	for begun := time.Now(); ; time.Sleep(patience / 10) {
		if err := filelock.Try(folder); !errors.Is(err, filelock.ErrLocked) || time.Since(begun) > patience {
			return err
		}
	}
}

// Running returns the process of the run that trains in an output folder now, 0 if none does.
func Running(dir string) (process int) {
	content, err := regularfile.Read(filepath.Join(dir, processFile), 64)
	if err != nil {
		return 0
	}
	process, err = strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || process <= 1 {
		return 0
	}
	folder, err := os.Open(dir)
	if err != nil {
		return 0
	}
	defer folder.Close()
	if !errors.Is(filelock.Try(folder), filelock.ErrLocked) {
		return 0
	}
	return process
}

// CheckWritable makes a folder if it is missing, and returns an error if no file can be made in it.
func CheckWritable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name, err := os.MkdirTemp(dir, scratch.Pattern("probe"))
	if err != nil {
		return fmt.Errorf("%s: %w", dir, cmp.Or(errors.Unwrap(err), err)) // without the name of the probe
	}
	return os.Remove(name)
}
