package main

import (
	"context"
	"errors"
	"os"

	"ventriloquist/internal/describe"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/iosbackup"
)

// locator returns a locator of the attachments' files. It unlocks encrypted backups if the passphrase is given or can be asked
// for, and leaves out their files otherwise.
func (o *describeOptions) locator(ctx context.Context, db *messages.DB) (*describe.Locator, error) {
	l := &describe.Locator{Attachments: o.attachments, Backups: map[string]*iosbackup.Backup{}}
	l.Home, _ = os.UserHomeDir() // without one, ~ is nowhere
	roots, err := db.AttachmentRoots(ctx)
	if err != nil {
		return nil, err
	}
	given := o.passphrase != "" || os.Getenv(passphraseVariable) != ""
	for _, root := range roots {
		if !iosbackup.IsEncrypted(root) || !given && !o.terminal {
			continue
		}
		passphrase, err := readPassphrase(ctx, root, o.passphrase)
		if err == nil {
			noteUnlocking()
			l.Backups[root], err = iosbackup.Unlock(ctx, root, passphrase, db.Folder())
		}
		if err != nil {
			delete(l.Backups, root)
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}
