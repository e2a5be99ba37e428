package sqlitefile_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/sources/sqlitefile"
)

// Rows behind damage are read, also if it is at the beginning, and the gap says how many are missing at most.
func TestFile_ScanReadsBehindDamage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`CREATE TABLE note (id INTEGER PRIMARY KEY, words TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
		INSERT INTO note (words) SELECT 'note ' || i || hex(zeroblob(50)) FROM n;`)
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const leaves = 2 * 4096                                     // behind the schema and the root
	for _, words := range []string{"note 2000", "note 99900"} { // the leaf pages that hold the notes 2 and 999
		at := leaves + bytes.Index(content[leaves:], []byte(words))
		clear(content[at/4096*4096:][:4096])
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := sqlitefile.Open(t.Context(), path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read, missing, gaps := int64(0), int64(0), 0
	err = f.Scan(t.Context(), "id", `SELECT id FROM note`, func(rows *sql.Rows) (id int64, err error) {
		read++
		err = rows.Scan(&id)
		return id, err
	}, func(before, behind int64, err error) {
		missing += behind - before - 1
		gaps++
	})
	if err != nil || gaps != 2 || read+missing != 2000 || missing > 200 {
		t.Errorf("%d rows are read and %d missing in %d gaps (%v)", read, missing, gaps, err)
	}
}
