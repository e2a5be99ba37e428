package whatsapp

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/hint"
	"ventriloquist/internal/source"
)

// chatName is what the text is called on an iPhone.
const chatName = "_chat.txt"

// Recognize tells whether a file is an exported chat, or a folder or zip holds one.
func Recognize(h *source.Head) bool {
	if len(h.Text) > 0 {
		return isChat(strings.NewReader(string(h.Text)))
	}
	return slices.ContainsFunc(h.Names, isChatName) || !h.Dir && zipHolds(h.Path)
}

// isChatName tells the names that WhatsApp gives.
func isChatName(name string) bool {
	name = strings.ToLower(path.Base(name))
	return name == chatName || strings.HasSuffix(name, ".txt") && strings.Contains(name, "whatsapp")
}

// isChat tells whether a text begins as a chat does: some message with a sender among its first lines.
func isChat(in io.Reader) bool {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for number := 0; number < 20 && lines.Scan(); number++ {
		_, rest, ok := header(lines.Text())
		if !ok && number == 0 {
			return false
		}
		if _, _, named := sender(rest); ok && named {
			return true
		}
	}
	return false
}

func zipHolds(path string) bool {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return false
	}
	defer archive.Close()
	return slices.ContainsFunc(archive.File, isChatFile)
}

// isChatFile looks into a text file at the top of a zip.
func isChatFile(f *zip.File) bool {
	if strings.Contains(f.Name, "/") || !strings.HasSuffix(strings.ToLower(f.Name), ".txt") {
		return false
	}
	in, err := f.Open()
	if err != nil {
		return false
	}
	defer in.Close()
	return isChat(in)
}

// text is where the text of a chat is.
type text struct {
	path  string // for messages
	title string // whose chat it is, "" if the name does not tell
	root  string // the folder or the zip with the files of its messages
	open  func() (io.ReadCloser, error)
	close func() error
}

// find finds the text of the export at a path.
func find(name string) (*text, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	if info.IsDir() {
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the source: %w", err)
		}
		for _, e := range entries {
			if isChatName(e.Name()) && !e.IsDir() {
				return find(filepath.Join(name, e.Name()))
			}
		}
		return nil, noChat(name)
	}
	if archive, err := zip.OpenReader(name); err == nil {
		return inZip(name, archive)
	}
	root, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	return &text{path: name, title: titleOf(name), root: root, open: func() (io.ReadCloser, error) { return source.Open(name) },
		close: func() error { return nil }}, nil
}

func noChat(name string) error {
	return hint.With(fmt.Errorf("%s holds no exported chat", name), "in WhatsApp: the chat, its menu, Export chat; the file is a .txt or a .zip with one")
}

func inZip(name string, archive *zip.ReadCloser) (*text, error) {
	root, err := filepath.Abs(name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read the source: %w", err), archive.Close())
	}
	for _, fits := range []func(*zip.File) bool{func(f *zip.File) bool { return isChatName(f.Name) }, isChatFile} {
		if i := slices.IndexFunc(archive.File, fits); i >= 0 {
			f := archive.File[i]
			title := titleOf(f.Name)
			if path.Base(f.Name) == chatName || title == "" {
				title = titleOf(name)
			}
			return &text{path: name + ": " + f.Name, title: title, root: root, open: f.Open, close: archive.Close}, nil
		}
	}
	return nil, errors.Join(noChat(name), archive.Close())
}
