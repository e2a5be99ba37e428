package telegramhtml

import (
	"fmt"
	"path"
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

// find finds the chats of the export in a folder or zip, and its top: that of a chat of an account is above its folder chats.
func (r *Reader) find(place string) (err error) {
	root, below := rootOf(place)
	if r.Files, err = sources.OpenFiles(root); err != nil {
		return err
	}
	if r.Alone() { // a page under another name
		r.chats = []*chat{newChat("", r.Names())}
		return nil
	}
	if top, found := r.Files.Folder(summaryPage); found {
		r.top = top
	}
	pages := map[string][]string{}
	for _, name := range r.In(below) {
		if _, is := pageNumber(path.Base(name)); is {
			pages[path.Dir(name)] = append(pages[path.Dir(name)], name)
		}
	}
	for folder, list := range pages {
		r.chats = append(r.chats, newChat(folder, list))
	}
	slices.SortFunc(r.chats, func(a, b *chat) int { return strings.Compare(a.folder, b.folder) })
	return nil
}

// rootOf returns the folder of an account's export that a folder is in, and the latter's place in it.
func rootOf(folder string) (root, below string) {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return folder, "."
	}
	name, parent := filepath.Base(absolute), filepath.Base(filepath.Dir(absolute))
	switch {
	case parent == "chats" && strings.HasPrefix(name, "chat_"):
		return filepath.Join(folder, "..", ".."), path.Join("chats", name)
	case name == "chats":
		return filepath.Join(folder, ".."), "chats"
	}
	return folder, "."
}

// newChat returns the chat whose pages are in a folder, in order. A page that is missing between others is noted.
func newChat(folder string, pages []string) *chat {
	number := func(page string) int {
		n, _ := pageNumber(path.Base(page))
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
		return path.Join(folder, firstPage)
	}
	return path.Join(folder, fmt.Sprint("messages", n, ".html"))
}
