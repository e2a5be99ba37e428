package messages

import (
	"database/sql"
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

func (t *Tx) readRoots() error {
	t.roots = make(map[string]int64)
	return t.each(`SELECT id, path FROM attachment_root`, func(rows *sql.Rows) error {
		var id int64
		var path string
		err := rows.Scan(&id, &path)
		t.roots[path] = id
		return err
	})
}

// root returns the number of a file's root, 0 if it has none.
func (t *Tx) root(f *FilePlace) int64 {
	if f.Root == "" || f.Path == "" {
		return 0
	}
	id, known := t.roots[f.Root]
	if !known {
		for _, other := range t.roots {
			id = max(id, other)
		}
		id++
		t.roots[f.Root] = id
	}
	return id
}

// dropRoots writes the new roots and deletes those without an attachment.
func (t *Tx) dropRoots() error {
	for path, id := range t.roots {
		if err := t.exec(`INSERT OR IGNORE INTO attachment_root VALUES (?, ?)`, id, path); err != nil {
			return err
		}
	}
	return t.exec(`DELETE FROM attachment_root WHERE id NOT IN (SELECT root FROM attachment WHERE root IS NOT NULL)`)
}
