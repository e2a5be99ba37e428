package addressbook

import (
	"errors"
	"os"
	"path/filepath"
)

const (
	macName = "AddressBook-v22.abcddb"
	iosName = "AddressBook.sqlitedb"
	// backupName is what AddressBook.sqlitedb is called in an iOS backup: the SHA-1 of its domain and path.
	backupName = "31bb7ba8914766d4ba40d6dfb6113c8b614be442"
	// macFolder is where a Mac keeps its address books, in the home folder: one of its own, one for each account.
	macFolder = "Library/Application Support/AddressBook"
)

// Find returns the databases that path stands for: a database itself, a home folder, the address book folder in it, or
// the folder of an iOS backup. There may be none.
func Find(path string) []string {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	if !info.IsDir() {
		return []string{path}
	}
	var found []string
	for _, pattern := range []string{macName, "Sources/*/" + macName, macFolder + "/" + macName, macFolder + "/Sources/*/" + macName,
		iosName, backupName[:2] + "/" + backupName, backupName} {
		// The folder is no pattern, whatever characters its name has.
		matches, _ := filepath.Glob(filepath.Join(escape(path), pattern))
		found = append(found, matches...)
	}
	return found
}

// Unreadable returns why the address books of a home folder cannot even be looked for; nil if they can.
func Unreadable(path string) error {
	folder := filepath.Join(path, macFolder)
	if _, err := os.ReadDir(folder); errors.Is(err, os.ErrPermission) {
		return explain(folder, err)
	}
	return nil
}

// Beside returns the databases that belong to a message database: those of the home folder that it is in, or those of
// the backup.
func Beside(messages string) []string {
	folder := filepath.Dir(messages)
	if info, err := os.Stat(messages); err == nil && info.IsDir() {
		folder = messages
	}
	if home, ok := homeOf(folder); ok {
		return Find(home)
	}
	if filepath.Base(folder) == "3d" { // of a backup's 3d/3d0d7e…
		folder = filepath.Dir(folder)
	}
	return Find(folder)
}

// homeOf is the home folder of its Library/Messages.
func homeOf(folder string) (string, bool) {
	absolute, err := filepath.Abs(folder)
	if err != nil || filepath.Base(absolute) != "Messages" || filepath.Base(filepath.Dir(absolute)) != "Library" {
		return "", false
	}
	return filepath.Dir(filepath.Dir(absolute)), true
}

// escape takes from the characters of a path the meaning that they have in a pattern.
func escape(path string) string {
	out := make([]byte, 0, len(path))
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[', '\\':
			out = append(out, '\\')
		}
		out = append(out, path[i])
	}
	return string(out)
}
