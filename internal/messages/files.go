package messages

import (
	"strings"
)

// FilePlace is where the file of an attachment was when its source was written. It may no longer exist, or be on another
// machine.
type FilePlace struct {
	// Root is the folder, backup or archive that holds it: an absolute path, or empty.
	Root string
	// Path is the path within Root. In Apple's database it may begin with ~/. It is empty if the source does not name the
	// file.
	Path string
}

// shortened returns the path as stored: a file usually has its message's text as its name, and that is stored once.
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
