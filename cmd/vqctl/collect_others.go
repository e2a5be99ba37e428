package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"ventriloquist/internal/sources"
)

// mostOthers is how many entries of a folder are examined for exports of other formats: folders of exports have few, and folders of
// media many.
const mostOthers = 500

// othersIn names what is right in a folder in another format than the one that was detected and read: a collect reads one format.
func othersIn(kind *format, folder string) (notes []string) {
	head, err := sources.ReadHead(folder)
	if err != nil || !head.Dir || kind.stamp != nil {
		return nil
	}
	for _, name := range head.Names[:min(len(head.Names), mostOthers)] {
		path := filepath.Join(folder, name)
		entry, err := sources.ReadHead(path)
		if err != nil || kind.recognize(entry) {
			continue
		}
		for i := range formats {
			if other := &formats[i]; other.recognize(entry) && !sameExport(kind, other) {
				notes = append(notes, fmt.Sprintf("%s was not read: it is in another format, %s. To add it: vqctl collect --source %s", name, other.name, quoteForShell(path)))
				break
			}
		}
	}
	return notes
}

// sameExport reports whether two formats are forms of one export, which may be written in both.
func sameExport(a, b *format) bool {
	return strings.TrimSuffix(a.name, "-html") == strings.TrimSuffix(b.name, "-html")
}
