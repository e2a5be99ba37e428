package demo

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/usererr"
)

//go:embed README.md
var readme []byte

// readmeFile holds the chat's attribution, and marks a folder as the demonstration's.
const readmeFile = "README.md"

// WriteFolder fills dir with what a user of vqctl has before the first command: chat.db, contacts and .env. It replaces an
// earlier demonstration, and refuses any other folder that is not empty.
func WriteFolder(dir string, lines []Line) error {
	if err := clear(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		return fmt.Errorf("cannot create the demonstration's folder: %w", err)
	}
	env := fmt.Sprintf("MY_NAME=%s\nUSER_IDENTIFIERS=%s\n", Owner, OwnerAddress)
	return errors.Join(
		atomicfile.WriteBytes(filepath.Join(dir, readmeFile), readme),
		atomicfile.WriteBytes(filepath.Join(dir, ".env"), []byte(env)),
		atomicfile.Write(filepath.Join(dir, "data", "contacts_to_ids.jsonl"), writeContacts),
		WriteDatabase(filepath.Join(dir, "chat.db"), lines),
	)
}

func writeContacts(w io.Writer) error {
	rows := json.NewEncoder(w)
	for _, c := range contacts {
		row := struct {
			Contact string   `json:"contact"`
			IDs     []string `json:"ids"`
		}{Contact: c.name}
		for _, a := range c.addresses {
			row.IDs = append(row.IDs, a.id)
		}
		if err := rows.Encode(row); err != nil {
			return err
		}
	}
	return nil
}

// clear removes what an earlier demonstration wrote to dir.
func clear(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot use %s for the demonstration: %w", dir, err)
	}
	if mark, err := os.ReadFile(filepath.Join(dir, readmeFile)); err != nil || string(mark) != string(readme) {
		return usererr.With(fmt.Errorf("%s is not empty, and not from an earlier demonstration", dir), "name another folder with %v, or remove this one", usererr.Option("dir"))
	}
	for _, name := range []string{"chat.db", "chat.db-wal", "chat.db-shm", "data", "checkpoints"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("cannot remove the earlier demonstration: %w", err)
		}
	}
	return nil
}
