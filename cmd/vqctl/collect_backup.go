package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/iosbackup"
	"ventriloquist/internal/usererr"
)

// passphraseVariable may hold the passphrase of an encrypted backup.
const passphraseVariable = "BACKUP_PASSPHRASE"

// messageSource is Apple's database, of an encrypted backup a decrypted copy.
type messageSource struct {
	*imessage.Source
	shown   string // what it is called
	private string // the folder of the copy, or empty
}

// openMessages opens Apple's database at path. Of an encrypted backup it decrypts the database, and the address book if
// there is one, into a private folder.
func openMessages(ctx context.Context, o *collectOptions, path string) (*messageSource, error) {
	path, err := onlyBackup(path)
	if err != nil {
		return nil, err
	}
	if !iosbackup.IsEncrypted(path) {
		database, err := imessage.Open(ctx, path)
		if err != nil {
			return nil, err
		}
		return &messageSource{Source: database, shown: database.Path()}, nil
	}
	private, err := os.MkdirTemp("", "vqctl-backup-*")
	if err != nil {
		return nil, err
	}
	m := &messageSource{shown: path, private: private}
	if err = decryptBackup(ctx, o, path, private); err == nil {
		m.Source, err = imessage.OpenCopy(ctx, private, path)
	}
	if err == nil {
		return m, nil
	}
	if left := os.RemoveAll(private); left != nil {
		err = errors.Join(err, left)
	}
	return nil, err
}

// onlyBackup is the one backup in a folder of backups; any other path stays as it is.
func onlyBackup(path string) (string, error) {
	backups := iosbackup.List(path)
	switch len(backups) {
	case 0:
		return path, nil
	case 1:
		return backups[0].Dir, nil
	}
	text := ""
	for _, b := range backups {
		text += "\n  " + b.Dir
		if b.Device != "" {
			text += fmt.Sprintf(" (%s, %s)", b.Device, b.Date.Format(time.DateOnly))
		}
	}
	return "", usererr.With(fmt.Errorf("%s holds %d backups:%s", path, len(backups), text), "name one of them with --source")
}

// Close closes the database and removes the copy.
func (m *messageSource) Close() error {
	err := m.Source.Close()
	if m.private != "" {
		err = errors.Join(err, os.RemoveAll(m.private))
	}
	return err
}

// decryptBackup writes what collect needs of a backup into a folder.
func decryptBackup(ctx context.Context, o *collectOptions, path, folder string) error {
	passphrase, err := readPassphrase(ctx, path, o.passphraseFile)
	if err != nil {
		return err
	}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprintln(os.Stderr, "the key is made of the passphrase, which takes some seconds")
	}
	backup, err := iosbackup.Unlock(ctx, path, passphrase)
	if err != nil {
		return err
	}
	defer backup.Close()
	if err := backup.Extract(ctx, folder, iosbackup.Messages); err != nil {
		return err
	}
	if err := backup.Extract(ctx, folder, iosbackup.AddressBook); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// readPassphrase is that of the backup at path: of a file, of the environment, or asked for without showing it.
func readPassphrase(ctx context.Context, path, file string) (string, error) {
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("cannot read the passphrase: %w", err)
		}
		return strings.TrimRight(string(data), "\r\n"), nil
	}
	if passphrase := os.Getenv(passphraseVariable); passphrase != "" {
		return passphrase, nil
	}
	return askPassphrase(ctx, path)
}

func askPassphrase(ctx context.Context, path string) (string, error) {
	terminal := int(os.Stdin.Fd())
	if !term.IsTerminal(terminal) {
		return "", usererr.With(fmt.Errorf("the backup in %s is encrypted", path),
			"run this in a terminal, which asks for its passphrase, or give it in %s or --passphrase-file", passphraseVariable)
	}
	fmt.Fprintf(os.Stderr, "passphrase of the backup in %s: ", path)
	passphrase, err := readHidden(ctx, terminal)
	fmt.Fprintln(os.Stderr)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if errors.Is(err, io.EOF) {
		return "", errors.New("no passphrase was given")
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the passphrase: %w", err)
	}
	return string(passphrase), nil
}

// readHidden reads a line without showing it, until the context ends: the terminal shows again then what is typed.
func readHidden(ctx context.Context, terminal int) (line []byte, err error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	var read []byte
	var failure error
	go func() {
		read, failure = term.ReadPassword(terminal)
		close(done)
	}()
	select {
	case <-done:
		return read, failure
	case <-ctx.Done():
		return nil, term.Restore(terminal, before)
	}
}
