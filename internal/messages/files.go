package messages

import (
	"strings"
)

// FilePlace is where the file of an attachment was when its source was written. It may be gone, or on another machine.
type FilePlace struct {
	// Root is the folder, the backup or the archive that holds it: an absolute path, or empty.
	Root string
	// Path is the path within Root, or in Apple's database one that may begin with ~/; empty if the source does not name it.
	Path string
}

// shortened is the path as it is stored: a file usually has the name that its message has as text, and that is stored once.
func (f *FilePlace) shortened(text string) string {
	path := strings.TrimRight(f.Path, "/")
	if folder, found := strings.CutSuffix(path, "/"+text); found && text != "" {
		return folder + "/"
	}
	return path
}

// newFile is the inverse of shortened.
func newFile(root, path, text string) FilePlace {
	if strings.HasSuffix(path, "/") {
		path += text
	}
	return FilePlace{root, path}
}
