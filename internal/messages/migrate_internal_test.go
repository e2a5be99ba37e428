package messages

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// addUpgrade appends an upgrade to the schema for the duration of a test.
func addUpgrade(t *testing.T, step string) {
	released := upgrades
	t.Cleanup(func() { upgrades = released })
	upgrades = append(released[:len(released):len(released)], step)
}

// fileOfVersion creates an empty messages.db as the vqctl of an earlier version did.
func fileOfVersion(t *testing.T, version int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "messages.db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps := slices.Clone(formerSteps[:min(version, len(formerSteps))])
	if version >= base {
		steps = append([]string{tables}, upgrades[:version-base]...)
	}
	for _, step := range append(steps, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, version)) {
		if _, err := db.Exec(step); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// schemaOf returns the tables and indexes of a file and their columns.
func schemaOf(t *testing.T, db *DB) string {
	t.Helper()
	var lines []string
	err := db.each(t.Context(), `SELECT m.type || ' ' || m.name || ' ' || coalesce(group_concat(c.name || ' ' || c.type || ' ' || c.pk, ', '), m.sql)
		FROM sqlite_master m LEFT JOIN pragma_table_info(m.name) c ON m.type = 'table'
		WHERE m.name NOT LIKE 'sqlite_%' GROUP BY m.name ORDER BY m.name`, func(rows *sql.Rows) error {
		var line string
		err := rows.Scan(&line)
		lines = append(lines, line)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// A file of any version gets the next upgrade, and then has the same schema as a new file.
func TestOpen_UpgradesEveryVersion(t *testing.T) {
	newest := version()
	paths := map[int]string{}
	for v := 1; v <= newest; v++ {
		paths[v] = fileOfVersion(t, v)
	}
	addUpgrade(t, `ALTER TABLE message ADD COLUMN mood TEXT; ALTER TABLE handle ADD COLUMN city TEXT; CREATE TABLE mood (name TEXT PRIMARY KEY)`)
	fresh, err := Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	want := schemaOf(t, fresh)
	if !strings.Contains(want, "mood") || !strings.Contains(want, "city") {
		t.Fatalf("the upgrade is missing from a new file:\n%s", want)
	}
	for v, path := range paths {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			for range 2 { // the second time, there is nothing to do
				db, err := Open(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				if got := schemaOf(t, db); got != want {
					t.Errorf("the schema is\n%s\nwant\n%s", got, want)
				}
				if got, _ := integer(t.Context(), db.sql, `PRAGMA user_version`); int(got) != newest+1 {
					t.Errorf("the file has version %d, want %d", got, newest+1)
				}
				db.Close()
			}
		})
	}
}

// Windows that were stored one by one stay what they were.
func TestOpen_KeepsWindowsOfEarlierVersions(t *testing.T) {
	path := fileOfVersion(t, 15)
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`INSERT INTO training_conversations VALUES (1, '[]', 1, 5), (2, '[]', 6, 7);
		INSERT INTO training_windows VALUES (1, 1, 1, 2, 2), (2, 1, 2, 4, 2), (3, 1, 3, 5, 1), (4, 2, 6, 7, 1)`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	upgraded, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer upgraded.Close()
	got := ""
	err = upgraded.each(t.Context(), `SELECT id, conversation, first, last, targets FROM training_windows ORDER BY id`, func(rows *sql.Rows) error {
		var w [5]int
		err := rows.Scan(&w[0], &w[1], &w[2], &w[3], &w[4])
		got += fmt.Sprint(w)
		return err
	})
	if want := "[1 1 1 2 2][2 1 2 4 2][3 1 3 5 1][4 2 6 7 1]"; err != nil || got != want {
		t.Errorf("windows are %s (%v), want %s", got, err, want)
	}
}
