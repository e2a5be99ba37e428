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

// keyFormat changes with what a summary holds, and with how exports are read.
const keyFormat = 1

// Key is another one when the files of an export have changed, by their names, sizes and times, or when it would be read
// in another way, as choices tell.
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

// Unchanged returns the summary of an export that was collected by this key, and is in the store as it was; nil if it must
// be collected.
func Unchanged(ctx context.Context, db *messages.DB, key string) (*Summary, error) {
	data, outcome, err := db.Collected(ctx, key)
	if err != nil || data == nil {
		return nil, err
	}
	s := new(Summary)
	if gob.NewDecoder(bytes.NewReader(data)).Decode(s) != nil {
		return nil, nil
	}
	outcome.Forgotten = s.Forgotten
	s.Outcome, s.Read = outcome, 0
	return s, nil
}

func (s *Summary) encode() []byte {
	var out bytes.Buffer
	if gob.NewEncoder(&out).Encode(s) != nil {
		return nil
	}
	return out.Bytes()
}
