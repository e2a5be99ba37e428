package iosbackup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3" // the driver of Manifest.db

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/sources/plistdata"
	"ventriloquist/internal/usererr"
)

// The names of the backup's own files.
const (
	manifestList = "Manifest.plist"
	manifestDB   = "Manifest.db"
)

// largestList is the size of the largest property list that is read. A phone's have a few MiB: they list its apps with icons.
const largestList = 64 << 20

// File is a file on a phone.
type File struct{ Domain, Path string }

// The files that hold the messages and the address book.
var (
	Messages    = File{"HomeDomain", "Library/SMS/sms.db"}
	AddressBook = File{"HomeDomain", "Library/AddressBook/AddressBook.sqlitedb"}
)

// manifest is the content of Manifest.plist.
type manifest struct {
	IsEncrypted  bool
	BackupKeyBag []byte
	ManifestKey  []byte
}

// Backup is an encrypted backup whose keys are known.
type Backup struct {
	dir      string
	keys     *keybag
	manifest string       // the decrypted Manifest.db
	private  *scratch.Dir // the folder that contains it
}

// IsEncrypted reports whether a folder is an encrypted backup.
func IsEncrypted(dir string) bool {
	m, err := readManifest(dir)
	return err == nil && m.IsEncrypted
}

func readManifest(dir string) (m manifest, err error) {
	path := filepath.Join(dir, manifestList)
	data, err := regularfile.Read(path, largestList)
	if err != nil {
		return m, fmt.Errorf("cannot read the backup: %w", err)
	}
	if err := plistdata.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("%s is no property list: %w", path, err)
	}
	return m, nil
}

// Recognize reports whether a folder is a backup: it has one of the files that describe backups.
func Recognize(dir string) bool {
	for _, name := range []string{manifestList, manifestDB, "Manifest.mbdb"} { // the last one before iOS 10
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// WithoutMessages returns the error for a backup that has no message database.
func WithoutMessages(dir string) error {
	return usererr.With(fmt.Errorf("%s is an iOS backup without messages: it has no sms.db", dir),
		"the device has no messages, or the backup is not whole: back up the phone again, or name another backup with %v", usererr.Option("source"))
}

// ErrPassphrase reports a wrong passphrase.
var ErrPassphrase = errors.New("the passphrase is not that of the backup")

// Unlock opens the encrypted backup in dir. Deriving the key from the passphrase takes seconds by design: this protects
// it. What has to be decrypted to read the backup goes into a temporary folder in temp.
func Unlock(ctx context.Context, dir, passphrase, temp string) (*Backup, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	fail := func(what string, err error) error { return fmt.Errorf("%s: %s: %w", dir, what, err) }
	b := &Backup{dir: dir}
	if b.keys, err = parseKeybag(m.BackupKeyBag); err != nil {
		return nil, usererr.With(fail(manifestList, err), "the backup is damaged: make another")
	}
	if err := b.keys.unlock(passphrase); errors.Is(err, errWrongKey) {
		return nil, usererr.With(fail("it cannot be decrypted", ErrPassphrase), "it is the one that was set in Finder or iTunes when the phone's backups were encrypted")
	} else if err != nil {
		return nil, fail(manifestList, err)
	}
	if b.private, err = scratch.New(temp); err != nil {
		return nil, err
	}
	if err := b.openManifest(ctx, m.ManifestKey); err != nil {
		return nil, errors.Join(fail(manifestDB, err), b.Close())
	}
	return b, nil
}

// openManifest decrypts the list of files. Before iOS 10.2 the list itself is not encrypted.
func (b *Backup) openManifest(ctx context.Context, wrapped []byte) error {
	b.manifest = filepath.Join(b.dir, manifestDB)
	if _, err := os.Stat(b.manifest); err != nil {
		return usererr.With(err, "backups of phones older than iOS 10 are not read: update the phone, or decrypt a copy of the backup first")
	}
	if len(wrapped) == 0 {
		return nil
	}
	key, err := b.keys.file(wrapped)
	if err != nil {
		return err
	}
	encrypted := b.manifest
	b.manifest = filepath.Join(b.private.Path, manifestDB)
	return decryptFile(ctx, b.manifest, encrypted, key, -1)
}

// Folder returns the temporary folder of the open backup, for decrypted files.
func (b *Backup) Folder() string { return b.private.Path }

// Close removes the files that were decrypted to read the backup.
func (b *Backup) Close() error { return b.private.Remove() }

// Extract writes a decrypted copy of a file below folder, at its path in an unencrypted backup. It returns os.ErrNotExist
// for a file that the backup does not hold.
func (b *Backup) Extract(ctx context.Context, folder string, file File) error {
	id := FileID(file.Domain, file.Path)
	fail := func(err error) error { return fmt.Errorf("%s: %s: %w", b.dir, file.Path, err) }
	e, err := find(ctx, b.manifest, id)
	if errors.Is(err, errAbsent) {
		return fail(errors.Join(err, os.ErrNotExist))
	}
	if err != nil {
		return fail(err)
	}
	key, err := b.keys.file(e.key)
	if err != nil {
		return fail(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, id[:2]), 0o700); err != nil {
		return fail(err)
	}
	if err := decryptFile(ctx, filepath.Join(folder, id[:2], id), filepath.Join(b.dir, id[:2], id), key, e.size); err != nil {
		return fail(err)
	}
	return nil
}

// Decrypt writes decrypted copies of files of the encrypted backup in dir into a new temporary folder in temp, which the
// caller removes. Files that are optional may be absent from the backup.
func Decrypt(ctx context.Context, dir, passphrase, temp string, required, optional []File) (folder *scratch.Dir, err error) {
	b, err := Unlock(ctx, dir, passphrase, temp)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if folder, err = scratch.New(temp); err != nil {
		return nil, err
	}
	for _, f := range required {
		failure := b.Extract(ctx, folder.Path, f)
		if errors.Is(failure, errAbsent) && f == Messages {
			failure = WithoutMessages(dir)
		}
		err = errors.Join(err, failure)
	}
	for _, f := range optional {
		if failure := b.Extract(ctx, folder.Path, f); !errors.Is(failure, os.ErrNotExist) {
			err = errors.Join(err, failure)
		}
	}
	if err != nil {
		return nil, errors.Join(err, folder.Remove())
	}
	return folder, nil
}
