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

// readmeFile carries the chat's attribution, and marks a folder as the demonstration's.
const readmeFile = "README.md"

// WriteFolder makes dir what a user of vqctl would have before the first command: chat.db, the contacts and .env. A
// folder that an earlier demonstration left is begun anew; any other that is not empty is left alone.
func WriteFolder(dir string, lines []Line) error {
	if err := clear(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		return fmt.Errorf("cannot make the demonstration's folder: %w", err)
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

// clear removes what an earlier demonstration wrote into dir.
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
			return fmt.Errorf("cannot begin the demonstration anew: %w", err)
		}
	}
	return nil
}
