package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// chatFiles keeps conversations in files that are named in a chat.
type chatFiles struct{}

func (chatFiles) Save(path string, text []byte, replace bool) error {
	path, err := fromHome(path)
	if err != nil {
		return err
	}
	if !replace {
		if _, err := os.Lstat(path); err == nil {
			return usererr.With(fmt.Errorf("%s exists", path), "save under another name")
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return atomicfile.WriteBytes(path, text)
}

func (chatFiles) Load(path string) (*windows.Header, []windows.Message, error) {
	path, err := fromHome(path)
	if err != nil {
		return nil, nil, err
	}
	if path == "-" {
		return nil, nil, errors.New("standard input is what you type here: name a file")
	}
	return readContext(path, nil)
}

// fromHome returns a path with ~/ replaced by the user's folder, as a shell does.
func fromHome(path string) (string, error) {
	rest, found := strings.CutPrefix(path, "~/")
	if !found {
		return path, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, rest), err
}
