package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/lazyregexp"
	"ventriloquist/internal/regularfile"
)

// largestResults limits the size of an evaluation's results.
const largestResults = 64 << 20

// copied matches the only text of a message in the results of an evaluation: the longest copy that evaluate --leaks found.
var copied = lazyregexp.New(`("longest_copy":\s*)("(?:[^"\\]|\\.)*")`)

// rewriteCopies rewrites the copies of messages in those of the files that are results of evaluations.
func rewriteCopies(files []string, rewrite func(text string) string) error {
	for _, path := range files {
		if filepath.Base(path) != resultsFile {
			continue
		}
		old, err := regularfile.Read(path, largestResults)
		if err != nil {
			return fmt.Errorf("cannot look into %s: %w", path, err)
		}
		rewritten := copied.Get().ReplaceAllFunc(old, func(field []byte) []byte { return rewriteCopy(field, rewrite) })
		if bytes.Equal(rewritten, old) {
			continue
		}
		if err := atomicfile.WriteBytes(path, rewritten); err != nil {
			return err
		}
	}
	return nil
}

// rewriteCopy rewrites the text of one field; one that cannot be decoded becomes empty.
func rewriteCopy(field []byte, rewrite func(text string) string) []byte {
	parts := copied.Get().FindSubmatch(field)
	var text, rewritten string
	if json.Unmarshal(parts[2], &text) == nil {
		rewritten = rewrite(text)
	}
	if rewritten == text && text != "" {
		return field
	}
	encoded, err := json.Marshal(rewritten)
	if err != nil {
		encoded = []byte(`""`)
	}
	return append(bytes.Clone(parts[1]), encoded...)
}
