package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// passphraseVariable may hold the passphrase of an encrypted backup.
const passphraseVariable = "BACKUP_PASSPHRASE"

// noteUnlocking explains the wait to a user at a terminal.
func noteUnlocking() {
	if screen.Live() {
		notice("deriving the key from the passphrase; this takes a few seconds")
	}
}

// mostSecret limits the size of a file with a passphrase or a key.
const mostSecret = 64 << 10

// readPassphrase reads the passphrase of the backup at path from the file, the environment, or the terminal, without echo.
func readPassphrase(ctx context.Context, path, file string) (string, error) {
	if file != "" {
		data, err := regularfile.Read(file, mostSecret)
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
	fmt.Fprintf(stderr, "passphrase of the backup in %s: ", path)
	passphrase, err := readHidden(ctx, terminal)
	fmt.Fprintln(stderr)
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

// readHidden reads a line without echo. If the context ends first, it turns the echo on again.
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
