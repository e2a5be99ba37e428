package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ventriloquist/internal/messages"
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

// openDatabase opens the messages.db of the data folder.
func openDatabase(ctx context.Context, dataDir string) (*messages.DB, error) {
	return messages.Open(ctx, databasePath(dataDir))
}

// windowFiles are the files of the data folder that may be window files.
func windowFiles(dataDir, contactsFile string) ([]string, error) {
	entries, err := os.ReadDir(dataDir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the data folder: %w", err)
	}
	var list []string
	for _, e := range entries {
		path := filepath.Join(dataDir, e.Name())
		if strings.HasSuffix(e.Name(), ".jsonl") && e.Type().IsRegular() && filepath.Clean(path) != filepath.Clean(contactsFile) {
			list = append(list, path)
		}
	}
	return list, nil
}

// removeDefaultExport removes the window file that preprocess writes by default: it holds what messages.db no longer does.
func removeDefaultExport(dataDir string) error {
	if err := os.Remove(filepath.Join(dataDir, exportName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the old window file: %w", err)
	}
	return nil
}
