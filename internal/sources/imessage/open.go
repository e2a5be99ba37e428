package imessage

import (
	"context"
	"errors"
	"path/filepath"

	"ventriloquist/internal/scratch"
)

// Open opens the database at path, or the one of the iOS backup in the folder path, for reading.
//
// Open never creates, changes or removes a file next to the source. A database in WAL mode can only be read with its -wal
// and -shm files. If they exist, Messages has it open, and Open reads it in place, in step with Messages. If they do not,
// reading in place would leave such files behind. No process has the database open then, and Open reads the file as
// immutable; if it does change, Collect starts again with a copy.
//
// A copy goes into a temporary folder in temp, and is removed by Close.
func Open(ctx context.Context, path, temp string) (*Source, error) {
	path, err := find(path)
	if err != nil {
		return nil, err
	}
	wal, err := inspect(path)
	if err != nil {
		return nil, err
	}
	s := &Source{path: path, temp: temp}
	if s.name, s.root, err = placeOf(path); err != nil {
		return nil, err
	}
	switch {
	case !wal || exists(path+"-wal") && exists(path+"-shm"):
		err = s.connect(ctx, path, "mode=ro")
		if wal && cannotOpen(err) {
			err = s.copyAndConnect(ctx)
		}
	case isEmpty(path + "-wal"):
		s.immutableStamp = stampOf(path)
		err = s.connect(ctx, path, "mode=ro&immutable=1")
	default:
		err = s.copyAndConnect(ctx)
	}
	if err != nil {
		s.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

// OpenDecrypted opens the decrypted files of the iOS backup in the folder backup; messages.db identifies the source by
// the backup. The folder is removed when the source is closed or cannot be opened.
func OpenDecrypted(ctx context.Context, folder *scratch.Dir, backup string) (*Source, error) {
	s, err := Open(ctx, folder.Path, filepath.Dir(folder.Path))
	if err != nil {
		return nil, errors.Join(err, folder.Remove())
	}
	s.backup, s.decrypted = backup, folder
	if s.name, s.root, err = placeOf(filepath.Join(backup, backupName[:2], backupName)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes the database and removes its temporary files.
func (s *Source) Close() error {
	errs := []error{s.disconnect()}
	for _, folder := range []*scratch.Dir{s.copyFolder, s.decrypted} {
		if folder != nil {
			errs = append(errs, folder.Remove())
		}
	}
	s.copyFolder, s.decrypted = nil, nil
	return errors.Join(errs...)
}

// File returns the path of the database file.
func (s *Source) File() string { return s.path }
