package addressbook

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"ventriloquist/internal/regularfile"
)

const (
	macName = "AddressBook-v22.abcddb"
	iosName = "AddressBook.sqlitedb"
	// backupName is the name of AddressBook.sqlitedb in an iOS backup: the SHA-1 of its domain and path.
	backupName = "31bb7ba8914766d4ba40d6dfb6113c8b614be442"
	// macFolder holds a Mac's address books, relative to the home folder: its own, and one per account.
	macFolder = "Library/Application Support/AddressBook"
)

// Find returns the address books at path: a file itself, or those in a home folder, an address book folder, the folder of an iOS
// backup, or else one with files of vCards. There may be none.
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
		found = append(found, regularfile.Glob(path, pattern)...)
	}
	if len(found) == 0 {
		found = slices.Concat(regularfile.Glob(path, "*.vcf"), regularfile.Glob(path, "*.VCF"))
	}
	return found
}

// Unreadable returns an error if the address books of a home folder may not be searched for.
func Unreadable(path string) error {
	folder := filepath.Join(path, macFolder)
	if _, err := os.ReadDir(folder); errors.Is(err, os.ErrPermission) {
		return explain(folder, err)
	}
	return nil
}

// Beside returns the address books that belong to a message database: those of its home folder or of its backup.
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

// homeOf returns the home folder of a Library/Messages folder.
func homeOf(folder string) (string, bool) {
	absolute, err := filepath.Abs(folder)
	if err != nil || filepath.Base(absolute) != "Messages" || filepath.Base(filepath.Dir(absolute)) != "Library" {
		return "", false
	}
	return filepath.Dir(filepath.Dir(absolute)), true
}
