package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"unicode"
	"unicode/utf8"

	"ventriloquist/internal/messages"
)

// writtenFiles returns the files that commands have written from the messages, as far as they still exist: window files and
// statistics pages, wherever they are, what else is in the data folder, and what training and evaluation wrote to outputDir, unless
// that is "". The database, the contacts file and weights are not among them.
func writtenFiles(ctx context.Context, db *messages.DB, contactsFile, outputDir string) ([]string, error) {
	list, err := db.Outputs(ctx)
	if err != nil {
		return nil, err
	}
	beside, err := filepath.Glob(filepath.Join(db.Folder(), "*"))
	if err != nil {
		return nil, err
	}
	list = append(list, beside...)
	err = filepath.WalkDir(outputDir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil || path != outputDir { // otherwise nothing was trained yet
			list = append(list, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot look for files: %w", err)
	}
	database, contacts := statOf(db.Path()), statOf(contactsFile)
	var seen []fs.FileInfo
	list = slices.DeleteFunc(list, func(path string) bool {
		info := statOf(path)
		same := func(other fs.FileInfo) bool { return other != nil && os.SameFile(info, other) }
		if info == nil || !info.Mode().IsRegular() || isWeights(path) || same(database) || same(contacts) || slices.ContainsFunc(seen, same) {
			return true
		}
		seen = append(seen, info)
		return false
	})
	return list, nil
}

// statOf returns what a path is, nil for nothing.
func statOf(path string) fs.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}

func isWeights(path string) bool {
	extension := filepath.Ext(path)
	return extension == ".safetensors" || extension == ".gguf"
}

// tracesOf returns the files that contain one of the words, as it is or as JSON writes it.
func tracesOf(files, words []string) ([]string, error) {
	var needles [][]byte
	for _, word := range words {
		if word == "" {
			continue
		}
		needles = append(needles, []byte(word))
		if quoted, err := json.Marshal(word); err == nil {
			if quoted = quoted[1 : len(quoted)-1]; string(quoted) != word {
				needles = append(needles, quoted)
			}
		}
	}
	found := []string{}
	for _, path := range files {
		contains, err := fileContains(path, needles)
		if err != nil {
			return nil, err
		}
		if contains {
			found = append(found, path)
		}
	}
	return found, nil
}

// fileContains reports whether one of the words is in a file, not as a part of a longer word.
func fileContains(path string, words [][]byte) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("cannot look into %s: %w", path, err)
	}
	defer f.Close()
	longest := 0
	for _, w := range words {
		longest = max(longest, len(w))
	}
	overlap := longest + 2*utf8.UTFMax // a word and its neighbors are together in one of two consecutive pieces
	piece := make([]byte, 0, 1<<20+overlap)
	for {
		n, err := io.ReadFull(f, piece[len(piece):cap(piece)])
		piece = piece[:len(piece)+n]
		if slices.ContainsFunc(words, func(w []byte) bool { return containsWord(piece, w) }) {
			return true, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("cannot look into %s: %w", path, err)
		}
		kept := copy(piece, piece[len(piece)-overlap:])
		piece = piece[:kept]
	}
}

func containsWord(text, word []byte) bool {
	for from := 0; ; {
		at := bytes.Index(text[from:], word)
		if at < 0 {
			return false
		}
		begin, end := from+at, from+at+len(word)
		before, _ := utf8.DecodeLastRune(text[:begin])
		after, _ := utf8.DecodeRune(text[end:])
		if !inWord(before) && !inWord(after) {
			return true
		}
		from = begin + 1
	}
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
