package messages

import "database/sql"

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
