package imessage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/iosbackup"
	"ventriloquist/internal/sources/plistdata"
	"ventriloquist/internal/usererr"
)

// sqliteMagic is the start of every SQLite database.
var sqliteMagic = []byte("SQLite format 3\x00")

// Recognize reports whether a file is an SQLite database.
func Recognize(h *sources.Head) bool {
	return len(h.Names) == 0 && bytes.HasPrefix(h.Text, sqliteMagic)
}

// backupName is the name of sms.db in an iOS backup: the SHA-1 of its domain and path.
const backupName = "3d0d7e5fb2ce288813306e4d4636395e047a3d28"

// placeOf returns the name that identifies a database by its location, and the folder to search for its attachments.
func placeOf(path string) (name, root string, err error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", "", explainFile(path, err)
	}
	root = filepath.Dir(absolute)
	if filepath.Base(absolute) == backupName && filepath.Base(root) == backupName[:2] {
		root = filepath.Dir(root)
	}
	return "imessage " + absolute, root, nil
}

// isEmpty reports whether a file is empty or does not exist.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// find returns the path of the database that path refers to.
func find(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", explainFile(path, err)
	}
	if !info.IsDir() {
		// SQLite keeps the -wal and -shm files next to the file itself, not next to a link to it.
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return "", explainFile(path, err)
		}
		return path, nil
	}
	if err := refuseEncrypted(path); err != nil {
		return "", err
	}
	for _, name := range []string{filepath.Join(backupName[:2], backupName), backupName, "chat.db", "sms.db"} {
		candidate := filepath.Join(path, name)
		if _, err := os.Stat(candidate); err == nil {
			return candidate, nil
		} else if errors.Is(err, os.ErrPermission) {
			return "", explainFile(candidate, err)
		}
	}
	if iosbackup.Recognize(path) {
		return "", iosbackup.WithoutMessages(path)
	}
	return "", usererr.With(fmt.Errorf("%s holds neither an iOS backup nor a chat.db", path),
		"a backup is a folder with a Manifest.plist, under ~/Library/Application Support/MobileSync/Backup")
}

// maxManifest limits the size of Manifest.plist in bytes.
const maxManifest = 64 << 20

func refuseEncrypted(backup string) error {
	manifest, err := regularfile.Read(filepath.Join(backup, "Manifest.plist"), maxManifest)
	if err != nil {
		return nil // not every copy of a backup includes its manifest
	}
	var content struct{ IsEncrypted bool }
	if err := plistdata.Unmarshal(manifest, &content); err == nil && content.IsEncrypted {
		return usererr.With(fmt.Errorf("the backup in %s is encrypted", backup), "collect it with its passphrase: `vqctl collect %v` asks for it", sourceOption)
	}
	return nil
}

// inspect reads the header of a database file and reports whether it is in WAL mode.
func inspect(path string) (wal bool, err error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return false, explainFile(path, err)
	}
	defer f.Close()
	header := make([]byte, 100)
	if _, err := io.ReadFull(f, header); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, explainFile(path, err)
	}
	if !bytes.HasPrefix(header, sqliteMagic) {
		return false, usererr.With(fmt.Errorf("%s is not an SQLite database", path), "name the database with %v: a Mac's is ~/Library/Messages/chat.db", sourceOption)
	}
	return header[18] == 2 || header[19] == 2, nil
}
