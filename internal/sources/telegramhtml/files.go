package telegramhtml

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ventriloquist/internal/sources"
)

// The names of pages: those of an account's summary, and of the first page of a chat.
const (
	summaryPage = "export_results.html"
	firstPage   = "messages.html"
)

// pageNumber returns the number of a page by its name: messages.html is 1, messages2.html 2.
func pageNumber(name string) (n int, is bool) {
	digits, isPage := strings.CutPrefix(strings.TrimSuffix(name, ".html"), "messages")
	if !isPage || !strings.HasSuffix(name, ".html") {
		return 0, false
	}
	if digits == "" {
		return 1, true
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n > 1 && digits[0] != '0' && digits[0] != '+'
}

// find finds the chats of the export in a folder, and its root: that of a chat of an account is above its folder chats.
func (r *Reader) find(folder string) error {
	info, err := os.Stat(folder)
	if err != nil {
		return fmt.Errorf("cannot read the source: %w", err)
	}
	if !info.IsDir() { // a page under another name
		r.chats = []*chat{newChat("", []string{folder})}
		r.root, err = filepath.Abs(filepath.Dir(folder))
		return err
	}
	if r.root, err = filepath.Abs(folder); err != nil {
		return fmt.Errorf("cannot read the source: %w", err)
	}
	if parent := filepath.Dir(r.root); filepath.Base(parent) == "chats" && strings.HasPrefix(filepath.Base(r.root), "chat_") {
		r.root = filepath.Dir(parent)
	} else if filepath.Base(r.root) == "chats" {
		r.root = filepath.Dir(r.root)
	}
	pages := map[string][]string{}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || sources.IsLitter(path) {
			return err
		}
		if _, is := pageNumber(entry.Name()); is {
			pages[filepath.Dir(path)] = append(pages[filepath.Dir(path)], path)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the source: %w", err)
	}
	for folder, list := range pages {
		r.chats = append(r.chats, newChat(folder, list))
	}
	slices.SortFunc(r.chats, func(a, b *chat) int { return strings.Compare(a.folder, b.folder) })
	return nil
}

// newChat returns the chat whose pages are in a folder, in order. A page that is missing between others is noted.
func newChat(folder string, pages []string) *chat {
	number := func(path string) int {
		n, _ := pageNumber(filepath.Base(path))
		return n
	}
	slices.SortFunc(pages, func(a, b string) int { return number(a) - number(b) })
	c := &chat{folder: folder, pages: pages, who: map[string]bool{}}
	if folder == "" {
		return c
	}
	for i, page := range pages {
		for n := i + 1 + len(c.missing); n < number(page); n++ {
			c.missing = append(c.missing, pageAt(folder, n))
			if len(c.missing) > len(pages) { // numbers that no export has
				break
			}
		}
	}
	return c
}

func pageAt(folder string, n int) string {
	if n == 1 {
		return filepath.Join(folder, firstPage)
	}
	return filepath.Join(folder, fmt.Sprint("messages", n, ".html"))
}
