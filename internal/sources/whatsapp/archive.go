package whatsapp

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// chatName is the name of the text on an iPhone.
const chatName = "_chat.txt"

// Recognize reports whether a file is an exported chat, or a folder or zip holds one.
func Recognize(h *sources.Head) bool {
	if len(h.Text) > 0 {
		return isChat(strings.NewReader(string(h.Text)))
	}
	if h.Dir && h.Zips == nil {
		return slices.ContainsFunc(h.Names, func(name string) bool { return isOf(h.Path, name) })
	}
	if h.Dir {
		return slices.ContainsFunc(h.Names, isChatName) || slices.ContainsFunc(h.Zips, func(name string) bool { return isZipName(filepath.Base(name)) || zipHolds(name) })
	}
	return slices.ContainsFunc(h.Names, isChatName) || zipHolds(h.Path)
}

// isOf reports whether a file of a folder is a chat or a zip with one, by its name or else by what it holds.
func isOf(folder, name string) bool {
	if isChatName(name) || isZipName(name) {
		return true
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".zip":
		return zipHolds(filepath.Join(folder, name))
	case ".txt":
		head, err := sources.ReadHead(filepath.Join(folder, name))
		return err == nil && !head.Dir && isChat(bytes.NewReader(head.Text))
	}
	return false
}

// isChatName reports whether WhatsApp uses a name for chats.
func isChatName(name string) bool {
	name = strings.ToLower(path.Base(name))
	return name == chatName || strings.HasSuffix(name, ".txt") && strings.Contains(name, "whatsapp")
}

// isChat reports whether a text begins like a chat: one of its first lines is a message with a sender.
func isChat(in io.Reader) bool {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for number := 0; number < 20 && lines.Scan(); number++ {
		_, rest, ok := header(lines.Text())
		if !ok && number == 0 {
			return false
		}
		if _, _, named := sender(rest, noName); ok && named {
			return true
		}
	}
	return false
}

func zipHolds(path string) bool {
	archive, err := regularfile.OpenZip(path)
	if err != nil {
		return false
	}
	defer archive.Close()
	isNamed := func(f *zip.File) bool { return !sources.IsLitter(f.Name) && isChatName(f.Name) }
	return slices.ContainsFunc(archive.File, isNamed) || len(chatFiles(archive.File)) > 0
}

// mostExamined limits how many texts of a zip are examined: besides the chat, these are documents that were sent.
const mostExamined = 1000

// chatFiles returns the text files at the top of a zip that look like chats.
func chatFiles(files []*zip.File) (chats []*zip.File) {
	examined := 0
	for _, f := range files {
		if sources.IsLitter(f.Name) || strings.Contains(f.Name, "/") || !strings.HasSuffix(strings.ToLower(f.Name), ".txt") {
			continue
		}
		if examined++; examined > mostExamined {
			break
		}
		if looksLikeChat(f) {
			chats = append(chats, f)
		}
	}
	return chats
}

func looksLikeChat(f *zip.File) bool {
	in, err := f.Open()
	if err != nil {
		return false
	}
	defer in.Close()
	return isChat(io.LimitReader(sources.UTF8(in), headSize))
}

// headSize is how many bytes of a text are examined.
const headSize = 64 << 10

// text is the location of a chat's text.
type text struct {
	path   string // for messages
	title  string // whose chat it is, "" if the name does not say
	root   string // the folder or the zip with the files of its messages
	folder string // their folder, within a zip
	open   func() (*sources.Text, error)
	// learned is what the survey shows about the form of its lines.
	learned learned
}

// texts are the chats of an export, or of several in a folder.
type texts struct {
	list     []*text
	archives []*regularfile.Zip
	broken   []error // of files that cannot be opened
}

func (t *texts) close() error {
	var errs []error
	for _, archive := range t.archives {
		errs = append(errs, archive.Close())
	}
	return errors.Join(errs...)
}

// find finds the texts of the export at a path: a text, a zip with texts, or a folder with either.
func find(name string) (*texts, error) {
	t := &texts{}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	if info.IsDir() {
		err = t.addFolder(name)
	} else {
		err = t.addFile(name)
	}
	if err == nil && len(t.list) == 0 {
		if err = noChat(name); len(t.broken) > 0 {
			err = t.broken[0]
		}
	}
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

func noChat(name string) error {
	return usererr.With(fmt.Errorf("%s holds no exported chat", name), "in WhatsApp: the chat, its menu, Export chat; the file is a .txt or a .zip with one")
}

// addFolder adds the chats of a folder, in the order of their names.
func (t *texts) addFolder(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("cannot read the source: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() || sources.IsLitter(e.Name()) || !isOf(folder, e.Name()) && !isBroken(filepath.Join(folder, e.Name())) {
			continue
		}
		if err := t.addFile(filepath.Join(folder, e.Name())); err != nil {
			t.broken = append(t.broken, err)
		}
	}
	return nil
}

// isBroken reports whether a file is a zip by its name alone.
func isBroken(name string) bool {
	if !strings.EqualFold(filepath.Ext(name), ".zip") {
		return false
	}
	archive, err := regularfile.OpenZip(name)
	if err == nil {
		archive.Close()
	}
	return err != nil
}

// isZipName reports whether a name is one that WhatsApp uses for a zip.
func isZipName(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".zip") && strings.Contains(name, "whatsapp")
}

func (t *texts) addFile(name string) error {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("cannot read the source: %w", err)
	}
	archive, err := regularfile.OpenZip(name)
	if err == nil {
		t.archives = append(t.archives, archive)
		if archive.Cut {
			t.broken = append(t.broken, sources.CutZip(name))
		}
		t.addZip(name, absolute, archive.File)
		return nil
	}
	if !errors.Is(err, regularfile.ErrNoZip) {
		return fmt.Errorf("cannot read the source: %w", err)
	}
	t.list = append(t.list, &text{path: name, title: titleOf(absolute), root: filepath.Dir(absolute), open: func() (*sources.Text, error) { return sources.Open(name) }})
	return nil
}

// addZip adds the chats of a zip: the ones with the name of a chat, else the ones that look like a chat.
func (t *texts) addZip(name, absolute string, files []*zip.File) {
	chats := slices.DeleteFunc(slices.Clone(files), func(f *zip.File) bool { return sources.IsLitter(f.Name) || !isChatName(f.Name) })
	if len(chats) == 0 && len(t.list) == 0 {
		chats = chatFiles(files)
	}
	for _, f := range chats {
		title := titleOf("/" + f.Name)
		if title == "" {
			title = titleOf(absolute)
		}
		t.list = append(t.list, &text{path: name + ": " + f.Name, title: title, root: absolute, folder: path.Dir(f.Name), open: func() (*sources.Text, error) {
			in, err := f.Open()
			if err != nil {
				return nil, err
			}
			return sources.NewText(in), nil
		}})
	}
}
