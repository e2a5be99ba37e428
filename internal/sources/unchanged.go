package sources

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"fmt"
	"io/fs"
	"path/filepath"

	"ventriloquist/internal/messages"
)

// keyFormat changes with the content of a summary, and with how exports are read.
const keyFormat = 4

// Key returns a key that changes when the files of an export change, by their names, sizes and times, or when choices
// changes how it would be read.
func Key(path string, choices ...string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %q %q\n", keyFormat, absolute, choices)
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			fmt.Fprintf(sum, "%q %v %d %d\n", name, info.Mode(), info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	return fmt.Sprintf("%x", sum.Sum(nil)), err
}

// unchanged returns the summary of an export that was collected under this key. ok reports whether the database still
// holds it unchanged, so that it need not be read.
func unchanged(ctx context.Context, db *messages.DB, key string) (s Summary, ok bool, err error) {
	data, outcome, err := db.Collected(ctx, key)
	if err != nil || data == nil {
		return s, false, err
	}
	if gob.NewDecoder(bytes.NewReader(data)).Decode(&s) != nil {
		return Summary{}, false, nil
	}
	outcome.Forgotten = s.Forgotten
	s.Outcome, s.Read, s.Changed = outcome, 0, 0
	return s, true, nil
}

func (s *Summary) encode() []byte {
	var out bytes.Buffer
	if gob.NewEncoder(&out).Encode(s) != nil {
		return nil
	}
	return out.Bytes()
}
