package imessage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/usererr"
)

// copyAndConnect reads a copy. Without a -shm file, no process has the database open, and its files are consistent. If
// one of them changes during the copy, it copies again.
func (s *Source) copyAndConnect(ctx context.Context) error {
	var err error
	if s.copyFolder, err = scratch.New(s.temp); err != nil {
		return err
	}
	target := filepath.Join(s.copyFolder.Path, "chat.db")
	const attempts = 5
	for range attempts {
		before := s.stamp()
		os.Remove(target + "-wal")
		for _, suffix := range []string{"", "-wal"} {
			err := regularfile.Copy(ctx, target+suffix, s.path+suffix)
			if err != nil && !errors.Is(err, os.ErrNotExist) { // there may be no log
				return fmt.Errorf("cannot copy the database: %w", err)
			}
		}
		if s.stamp() == before {
			return s.connect(ctx, target, "mode=ro")
		}
	}
	return usererr.With(errors.New("it keeps changing while it is copied"), "close Messages and try again")
}

// Stamp returns a string that differs if the files of the database at path have changed.
func Stamp(path string) (string, error) {
	path, err := find(path)
	s := Source{path: path}
	return s.stamp(), err
}
