package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/modelfile"
	"ventriloquist/internal/usererr"
)

// written is what commands have written from the messages.
type written struct {
	files   []string // that exist, without the database, the contacts file and weights
	trained []string // the same in folders of adapters, unless they are in files
	folders []string // of adapters
	models  []string // exported: files, and folders that are not adapters
	moved   []string // files and folders that are no longer where they were written
}

// findWritten finds window files, statistics pages and reports, wherever they are, what else is in the data folder, and what training
// and evaluation wrote to outputDir and to other folders.
func findWritten(ctx context.Context, db *messages.DB, contactsFile, outputDir string) (*written, error) {
	outputs, err := db.Outputs(ctx)
	if err != nil {
		return nil, err
	}
	w := &written{moved: []string{}, folders: []string{outputDir}}
	list := filesBelow(db.Folder())
	for _, path := range outputs {
		info := statOf(path)
		if info != nil && isExportedModel(path, info) {
			w.models = append(w.models, path)
		}
		switch {
		case info == nil:
			w.moved = append(w.moved, path)
		case !info.IsDir():
			list = append(list, path)
		case !slices.ContainsFunc(w.folders, func(other string) bool { return sameFile(info, statOf(other)) }):
			w.folders = append(w.folders, path)
		}
	}
	var trained []string
	for _, folder := range w.folders {
		if trained, err = appendTree(trained, folder); err != nil {
			return nil, err
		}
	}
	all := onceEach(append(list, trained...), statOf(db.Path()), statOf(contactsFile))
	for _, path := range all {
		if slices.Contains(list, path) {
			w.files = append(w.files, path)
		} else {
			w.trained = append(w.trained, path)
		}
	}
	return w, nil
}

// filesIn returns the paths in a folder, none if it cannot be read.
func filesIn(folder string) (paths []string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		paths = append(paths, filepath.Join(folder, e.Name()))
	}
	return paths
}

// mostFiles limits how many files of a data folder are looked at: it may be a whole home folder.
const mostFiles = 20000

// filesBelow returns the paths of the files in a folder and its subfolders, none of what cannot be read, and nothing of hidden
// subfolders.
func filesBelow(folder string) (paths []string) {
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case len(paths) == mostFiles:
			notice("%s holds more than %d files: only those were looked at", folder, mostFiles)
			return fs.SkipAll
		case err != nil:
			return nil
		case entry.IsDir() && path != folder && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !entry.IsDir():
			paths = append(paths, path)
		}
		return nil
	})
	return paths
}

// appendTree appends the paths below a folder.
func appendTree(list []string, folder string) ([]string, error) {
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err == nil || path != folder { // otherwise nothing was trained yet
			list = append(list, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot look for files: %w", err)
	}
	return list, nil
}

// checkReadable looks for a written folder or file that cannot be read. It comes before a change of the messages, which would
// otherwise end halfway: in messages.db and not in the files.
func checkReadable(ctx context.Context, db *messages.DB, contactsFile, outputDir string) error {
	written, err := findWritten(ctx, db, contactsFile, outputDir)
	if err == nil {
		err = openEach(slices.Concat(written.files, written.trained))
	}
	return usererr.With(err, "nothing was changed; what was written from the messages may be there: make it readable, run the command as its owner, or delete it")
}

// openEach returns the error of the first of the files that cannot be opened.
func openEach(files []string) error {
	for _, path := range files {
		file, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("cannot look into the file: %w", err)
		}
		_ = file.Close()
	}
	return nil
}

// onceEach returns the files of a list, each once, without weights and two others.
func onceEach(list []string, database, contacts fs.FileInfo) []string {
	seen := []fs.FileInfo{database, contacts}
	files := []string{}
	for _, path := range list {
		info := statOf(path)
		if info == nil || !info.Mode().IsRegular() || isWeights(path) || slices.ContainsFunc(seen, func(other fs.FileInfo) bool { return sameFile(info, other) }) {
			continue
		}
		seen = append(seen, info)
		files = append(files, path)
	}
	return files
}

func sameFile(a, b fs.FileInfo) bool { return a != nil && b != nil && os.SameFile(a, b) }

// movedInWords names files that may still exist elsewhere.
func movedInWords(paths []string) (text string) {
	for _, path := range paths {
		text += fmt.Sprintf("%s was written from the messages and is no longer there; if you moved or copied it, delete it\n", path)
	}
	return text
}

// statOf returns what a path is, nil for nothing.
func statOf(path string) fs.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}

// isExportedModel reports whether a file or folder is a whole model, or an adapter in a form that has no adapter_config.json.
func isExportedModel(path string, info fs.FileInfo) bool {
	if !info.IsDir() {
		return isWeights(path)
	}
	return slices.ContainsFunc(filesIn(path), isWeights) && statOf(filepath.Join(path, adapter.ConfigFile)) == nil
}

func isWeights(path string) bool {
	extension := filepath.Ext(path)
	return extension == ".safetensors" || extension == ".gguf"
}

// tracesOf returns the files that contain one of the words in any form, also where they are compressed, and the files that are
// compressed in a way that is not known here.
func tracesOf(files, words []string) (found, unread []string, err error) {
	var needles [][]byte
	for _, word := range words {
		if word == "" {
			continue
		}
		for _, form := range formsOf(word) {
			needles = append(needles, []byte(form))
		}
	}
	found, unread = []string{}, []string{}
	for _, path := range files {
		contains, err := fileContains(path, needles)
		switch {
		case errors.Is(err, errCompressed):
			unread = append(unread, path)
		case err != nil:
			return nil, nil, err
		case contains:
			found = append(found, path)
		}
	}
	return found, unread, nil
}

// formsOf returns a word as it is, and as JSON, web pages, CSV and Modelfiles write it, each form once.
func formsOf(word string) []string {
	forms := []string{word, modelfile.OneLine(word), strings.ReplaceAll(word, `"`, `""`), strings.ReplaceAll(template.HTMLEscapeString(word), "+", "&#43;")}
	for _, escapesHTML := range []bool{true, false} {
		var quoted bytes.Buffer
		encoder := json.NewEncoder(&quoted)
		encoder.SetEscapeHTML(escapesHTML)
		if encoder.Encode(word) == nil {
			forms = append(forms, strings.TrimSuffix(quoted.String(), "\"\n")[1:])
		}
	}
	slices.Sort(forms)
	return slices.Compact(slices.DeleteFunc(forms, func(form string) bool { return form == "" }))
}

// fileContains reports whether one of the words is in a file, not as a part of a longer word.
func fileContains(path string, words [][]byte) (bool, error) {
	contains := false
	err := eachContent(path, func(in io.Reader) error {
		found, err := streamContains(in, words)
		contains = contains || found
		return err
	})
	if err != nil && !errors.Is(err, errCompressed) {
		err = fmt.Errorf("cannot look into %s: %w", path, err)
	}
	return contains, err
}

// streamContains is fileContains for a stream.
func streamContains(in io.Reader, words [][]byte) (bool, error) {
	longest := 0
	for _, w := range words {
		longest = max(longest, len(w))
	}
	overlap := longest + 2*utf8.UTFMax // a word and its neighbors are together in one of two consecutive pieces
	piece := make([]byte, 0, 1<<20+overlap)
	for {
		n, err := io.ReadFull(in, piece[len(piece):cap(piece)])
		piece = piece[:len(piece)+n]
		if slices.ContainsFunc(words, func(w []byte) bool { return containsWord(piece, w) }) {
			return true, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil
		}
		if err != nil {
			return false, err
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
