package messages

import "strings"

// placeTables say where the files of attachments lie, and what came of describing them. A description that another
// program wrote has no status.
const placeTables = `
CREATE TABLE attachment_root (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
ALTER TABLE attachment ADD COLUMN root INTEGER;
ALTER TABLE attachment ADD COLUMN path TEXT; -- ending in / where the last element is the message's text
ALTER TABLE attachment_descriptions ADD COLUMN status TEXT;
ALTER TABLE attachment_descriptions ADD COLUMN model TEXT;
ALTER TABLE attachment_descriptions ADD COLUMN content_hash BLOB; -- SHA-256 of the file
ALTER TABLE attachment_descriptions ADD COLUMN error TEXT;
ALTER TABLE attachment_descriptions ADD COLUMN described_at INTEGER; -- seconds since 1970 UTC
`

// FilePlace is where the file of an attachment lies, as its source tells it. It may not be there any longer, or on another
// machine.
type FilePlace struct {
	// Root is the folder, the backup or the archive that holds it: an absolute path, or empty.
	Root string
	// Path is the path within Root, or in Apple's database one that may begin with ~/; empty if the source does not tell.
	Path string
}

// shortened is the path as it is stored: a file is mostly called what its message says, and that is stored once.
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

// root returns the number of a file's root, nil if it has none.
func (w *Writer) root(f *FilePlace) any {
	if f.Root == "" || f.Path == "" {
		return nil
	}
	id, known := w.roots[f.Root]
	if !known {
		id = int64(len(w.roots) + 1)
		w.roots[f.Root] = id
	}
	return id
}

// writeRoots writes the roots of the attachments that are stored.
func (w *Writer) writeRoots() error {
	if _, err := w.tx.ExecContext(w.ctx, `DELETE FROM attachment_root`); err != nil {
		return err
	}
	for path, id := range w.roots {
		_, err := w.tx.ExecContext(w.ctx, `INSERT INTO attachment_root SELECT ?, ? WHERE ? IN (SELECT root FROM attachment)`, id, path, id)
		if err != nil {
			return err
		}
	}
	return nil
}
