package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// shownWide is how many files that others can read are named.
const shownWide = 5

// examineModes names the files with private content that other users of the machine can read: .env, the files of the data folder,
// and the adapters.
func examineModes(dataDir, outputDir string) finding {
	var wide []string
	look := func(path string) {
		if info := statOf(path); info != nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			wide = append(wide, path)
		}
	}
	look(dotEnvFile)
	for _, path := range filesIn(dataDir) {
		look(path)
	}
	_ = filepath.WalkDir(outputDir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			look(path)
		}
		return nil
	})
	if len(wide) == 0 {
		return finding{Name: "file modes", Status: "ok", Detail: "no file with private content is readable by others"}
	}
	detail := strings.Join(wide[:min(shownWide, len(wide))], ", ")
	if more := len(wide) - shownWide; more > 0 {
		detail += fmt.Sprintf(" and %d more", more)
	}
	return finding{Name: "file modes", Status: "problem", Detail: "other users of this machine can read " + detail, Hint: "run: chmod -R go= " + strings.Join(foldersOf(wide), " ")}
}

// foldersOf returns what to change so that all files are private: the folders of files in folders, and other files themselves.
func foldersOf(files []string) (list []string) {
	seen := map[string]bool{}
	for _, file := range files {
		name := filepath.Dir(file)
		if name == "." {
			name = file
		}
		if !seen[name] {
			seen[name] = true
			list = append(list, quoteForShell(name))
		}
	}
	return list
}

// quoteForShell quotes a name where a shell would not take it as it is.
func quoteForShell(name string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._/-+~@", r)
	}
	if name != "" && strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0 {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
