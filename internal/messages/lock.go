package messages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"ventriloquist/internal/filelock"
	"ventriloquist/internal/usererr"
)

// foreign is what to do about a file that may not be read.
const foreign = "the file or its folder is another user's, and private: run the command as that user, or name another folder with %v"

// patience is how long a command waits for another before it says so.
const patience = time.Second

// LockFolder makes the folder of messages.db (mode 0700) if it is missing, and waits until no other process changes the files in
// it: what a command finds there holds until it calls release. It calls waiting if it has to wait for longer than a second. A
// folder that it made and that is still empty, release removes.
func LockFolder(ctx context.Context, folder string, waiting func()) (release func(), err error) {
	_, missing := os.Stat(folder)
	for {
		err := os.MkdirAll(folder, 0o700)
		if errors.Is(err, os.ErrExist) && isFolderOrMissing(folder) {
			continue // made and removed since
		}
		if err != nil {
			return nil, fmt.Errorf("cannot make the data folder: %w", err)
		}
		f, err := os.Open(folder)
		if errors.Is(err, os.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			err = fmt.Errorf("cannot open the data folder: %w", err)
			if errors.Is(err, os.ErrPermission) {
				err = usererr.With(err, foreign, usererr.Option("data_dir"))
			}
			return nil, err
		}
		if err := filelock.Wait(ctx, f, patience, waiting); err != nil {
			f.Close()
			return nil, err
		}
		if filelock.IsAt(f, folder) {
			return func() {
				if missing != nil {
					_ = os.Remove(folder) // fails once there is something in it
				}
				f.Close()
			}, nil
		}
		f.Close()
	}
}

// isFolderOrMissing reports whether a path can be a folder: a link into nowhere cannot.
func isFolderOrMissing(path string) bool {
	info, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist) || err == nil && info.IsDir()
}

// TryLockFolder is LockFolder for a folder that exists. It does not wait: if another process changes files in the folder, the
// error matches [filelock.ErrLocked].
func TryLockFolder(folder string) (release func(), err error) {
	f, err := filelock.OpenLocked(folder)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data folder: %w", err)
	}
	return func() { f.Close() }, nil
}
