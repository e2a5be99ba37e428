// Package filelock locks open files and folders against other processes. A lock ends with the process that holds it, also if
// that is killed, and so tells what a dead run left behind from what a running one uses.
//
// In: an open file or folder. Out: the lock, held until the file is closed. It must not know: what the lock protects.
package filelock

import (
	"context"
	"errors"
	"os"
	"time"
)

// ErrLocked reports that another open file holds the lock.
var ErrLocked = errors.New("locked by another process")

// Try locks f, or returns ErrLocked. On a file system without locks it returns nil: there, callers go on without one.
func Try(f *os.File) error { return try(f) }

// pollInterval is how often Wait tries again.
const pollInterval = 50 * time.Millisecond

// Wait locks f as Try does, waiting for the lock until ctx is done. It calls waiting once if it has to wait for longer than
// patience.
func Wait(ctx context.Context, f *os.File, patience time.Duration, waiting func()) error {
	begin := time.Now()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if err := try(f); !errors.Is(err, ErrLocked) {
			return err
		}
		if waiting != nil && time.Since(begin) > patience {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// OpenLocked opens the file or folder at path and locks it, or returns ErrLocked.
func OpenLocked(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := try(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// IsAt reports whether path, which may be a symbolic link, still names the open file f. What was created and then locked may
// have been removed in between.
func IsAt(f *os.File, path string) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	here, err := f.Stat()
	return err == nil && os.SameFile(here, there)
}
