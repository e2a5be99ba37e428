package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// Where the pipeline keeps its files by default.
const (
	defaultDataDir   = "data"
	defaultOutputDir = "checkpoints/ventriloquist"
)

// The files of the data folder.
const (
	databaseName = "messages.db"
	contactsName = "contacts_to_ids.jsonl"
	exportName   = "training_windows.jsonl"
)

func databasePath(dataDir string) string { return filepath.Join(dataDir, databaseName) }

func contactsPath(dataDir string) string { return filepath.Join(dataDir, contactsName) }

// openDatabase opens the messages.db of the data folder, and makes the folder private if it is not.
func openDatabase(ctx context.Context, dataDir string) (*messages.DB, error) {
	db, err := messages.Open(ctx, databasePath(dataDir))
	if err == nil {
		tighten(dataDir)
	}
	return db, err
}

// openToChange is openDatabase for commands that change several files in the data folder. Until the database is closed, other
// such commands wait.
func openToChange(ctx context.Context, dataDir string) (*messages.DB, error) {
	if _, err := os.Stat(databasePath(dataDir)); err != nil {
		return openDatabase(ctx, dataDir) // its error names the missing file
	}
	release, err := lockDataFolder(ctx, dataDir)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, dataDir)
	if err != nil {
		release()
		return nil, err
	}
	db.OnClose(release)
	return db, nil
}

// lockDataFolder creates the data folder if it is missing, and waits for other commands that change files in it.
func lockDataFolder(ctx context.Context, dataDir string) (release func(), err error) {
	return messages.LockFolder(ctx, dataDir, func() { notice("waiting for another vqctl that is changing the files in %s", dataDir) })
}

// removeDefaultExport removes the window file that preprocess writes by default, which no longer matches messages.db. If that is a
// symbolic link, it also removes the file that the link leads to.
func removeDefaultExport(ctx context.Context, db *messages.DB, dataDir string) error {
	path := filepath.Join(dataDir, exportName)
	paths := []string{path}
	if target, err := filepath.EvalSymlinks(path); err == nil && target != path {
		paths = []string{target, path}
	}
	removed := false
	for _, path := range paths {
		err := atomicfile.Erase(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove the old window file: %w", err)
		}
		removed = removed || err == nil
	}
	if !removed {
		return nil
	}
	return db.RemoveOutput(ctx, path)
}

// recordOutput records in messages.db, if there is one that can be written, that a file or folder was written from the messages, so
// that forget and redact know it.
func recordOutput(ctx context.Context, dataDir, path string) {
	if statOf(databasePath(dataDir)) == nil {
		return
	}
	db, err := openDatabase(ctx, dataDir)
	if err != nil {
		noticeUnrecorded(path, err)
		return
	}
	recordOutputIn(ctx, db, path)
	db.Close()
}

// recordOutputIn is recordOutput for an open database.
func recordOutputIn(ctx context.Context, db *messages.DB, path string) {
	if err := db.AddOutput(ctx, path); err != nil {
		noticeUnrecorded(path, err)
	}
}

func noticeUnrecorded(path string, err error) {
	notice("forget and redact will not know %s: %v", path, err)
}

func dataDirFlag(to *string) cli.Flag {
	return &cli.StringFlag{Name: "data-dir", Value: defaultDataDir, Usage: "`DIR`: folder of messages.db", Destination: to}
}

// openWindows opens the window file at path, or the windows in dataDir's messages.db when path is "".
func openWindows(ctx context.Context, path, dataDir string) (windows.List, error) {
	report, finish := newProgress("reading windows", "windows")
	defer finish()
	if path != "" {
		return windows.OpenFile(ctx, path, report)
	}
	list, err := windows.OpenDatabase(ctx, databasePath(dataDir), report)
	if err == nil {
		if db, err := openDatabase(ctx, dataDir); err == nil {
			noteOldRules(ctx, db)
			db.Close()
		}
	}
	return list, err
}

// expandHome expands a leading ~/, which shells do not expand in --source=~/….
func expandHome(path string) (string, error) {
	rest, found := strings.CutPrefix(path, "~/")
	if !found {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", usererr.With(fmt.Errorf("cannot find your home folder: %w", err), "name the database with --source")
	}
	return filepath.Join(home, rest), nil
}
