package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// shownWide is how many files that others can read are named.
const shownWide = 5

// examineModes names the files and folders with private content that other users of the machine can read: .env, what is in the data
// folder and its subfolders, and the adapters. A folder that others may enter but that holds only private files shows their names.
func examineModes(dataDir, outputDir string) finding {
	var wide []string
	look := func(path string) {
		if info, err := os.Lstat(path); err == nil && (info.Mode().IsRegular() || info.IsDir()) && info.Mode().Perm()&0o077 != 0 {
			wide = append(wide, path)
		}
	}
	look(dotEnvFile)
	for _, folder := range []string{dataDir, outputDir} {
		if !isOwnFolder(folder) { // what else is there is no business of vqctl's
			for _, path := range filesIn(folder) {
				if info := statOf(path); info != nil && info.Mode().IsRegular() {
					look(path)
				}
			}
			continue
		}
		_ = filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				look(path)
			}
			return nil
		})
	}
	if len(wide) == 0 {
		return finding{Name: "file modes", Status: "ok", Detail: "no file with private content is readable by others"}
	}
	detail := strings.Join(wide[:min(shownWide, len(wide))], ", ")
	if more := len(wide) - shownWide; more > 0 {
		detail += fmt.Sprintf(" and %d more", more)
	}
	return finding{Name: "file modes", Status: "problem", Detail: "other users of this machine can read " + detail, Hint: "run: chmod -R go= " + strings.Join(foldersOf(wide), " ")}
}

// isOwnFolder reports whether a folder is one for vqctl's files alone, not the working folder, the home folder or one above them.
func isOwnFolder(folder string) bool {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return false
	}
	working, _ := os.Getwd()
	home, _ := os.UserHomeDir()
	for _, other := range []string{working, home} {
		if relative, err := filepath.Rel(absolute, other); err == nil && !strings.HasPrefix(relative, "..") {
			return false
		}
	}
	return true
}

// tighten makes the data folder, and the files that vqctl writes there by default, readable by their owner alone. What belongs to
// another user stays as it is.
func tighten(dataDir string) {
	if info := statOf(dataDir); info != nil && info.IsDir() && info.Mode().Perm()&0o077 != 0 && isOwnFolder(dataDir) {
		_ = os.Chmod(dataDir, 0o700)
	}
	for _, name := range []string{contactsName, exportName} {
		path := filepath.Join(dataDir, name)
		if info := statOf(path); info != nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			_ = os.Chmod(path, 0o600)
		}
	}
}

// foldersOf returns what to change so that all files are private: the folders of files in folders, and other files themselves.
func foldersOf(files []string) (list []string) {
	seen := map[string]bool{}
	for _, file := range files {
		name := filepath.Dir(file)
		if info := statOf(file); info != nil && info.IsDir() {
			name = filepath.Clean(file)
		}
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
