package imessage

import (
	"context"
	"errors"
	"fmt"
	"io"
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
			if err := copyFile(ctx, target+suffix, s.path+suffix); err != nil {
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

// copyFile copies a file, which may be missing.
func copyFile(ctx context.Context, to, from string) error {
	in, err := regularfile.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, contextReader{ctx, in})
	return errors.Join(err, out.Close())
}

// contextReader stops reading when the context is done.
type contextReader struct {
	ctx context.Context
	in  io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}
