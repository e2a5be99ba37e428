package sqlcipher_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/sources/sqlcipher"
	"ventriloquist/internal/sources/sqlcipher/sqlciphertest"
	"ventriloquist/internal/sources/sqlitefile"
)

// oracleKey is the key of the database that SQLCipher wrote.
var oracleKey = []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}

// notes decrypts a database and returns the words of its table.
func notes(t *testing.T, from string, keys ...[]byte) ([]string, sqlcipher.Damage) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "plain.db")
	damage, err := sqlcipher.Decrypt(t.Context(), to, from, keys...)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has the mode %v (%v)", info.Mode(), err)
	}
	db, err := sqlitefile.Open(t.Context(), to, "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT words FROM note ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var words string
		if err := rows.Scan(&words); err != nil {
			t.Fatal(err)
		}
		list = append(list, words)
	}
	return list, damage
}

// SQLCipher itself wrote the database, and the changes in its -wal file.
func TestDecrypt_ReadsWhatSQLCipherWrote(t *testing.T) {
	t.Parallel()
	list, damage := notes(t, "testdata/oracle.db", bytes.Repeat([]byte{9}, 32), oracleKey)
	if len(list) != 201 || list[0] != "note 1 x" || list[6] != "changed in the log" || list[200] != "in the log" || len(damage.Pages) > 0 || damage.Log != "" {
		t.Errorf("it has %d notes, the last is %q; damage is %+v", len(list), list[len(list)-1], damage)
	}
}

const (
	table   = `CREATE TABLE note (id INTEGER PRIMARY KEY, words TEXT); INSERT INTO note (words) VALUES ('one'), ('two');`
	changes = `INSERT INTO note (words) VALUES ('three'); UPDATE note SET words = 'second' WHERE id = 2;`
)

func TestDecrypt_ReadsTheLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	sqlciphertest.Write(t, path, table, changes)
	if list, damage := notes(t, path, sqlciphertest.Key); !slices.Equal(list, []string{"one", "second", "three"}) || damage.Log != "" {
		t.Errorf("notes are %q, damage %+v", list, damage)
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	// A change that was not finished counts as little as it does for SQLite.
	if err := os.WriteFile(path+"-wal", log[:len(log)-100], 0o600); err != nil {
		t.Fatal(err)
	}
	if list, damage := notes(t, path, sqlciphertest.Key); !slices.Equal(list, []string{"one", "two", "three"}) || damage.Log != "" {
		t.Errorf("notes are %q, damage %+v", list, damage)
	}
	log[100] ^= 1 // in the page of the first frame
	if err := os.WriteFile(path+"-wal", log, 0o600); err != nil {
		t.Fatal(err)
	}
	if list, damage := notes(t, path, sqlciphertest.Key); !slices.Equal(list, []string{"one", "two"}) || !strings.Contains(damage.Log, "frame 0") {
		t.Errorf("notes are %q, damage %+v", list, damage)
	}
}

// A damaged page is named, and is zero in the copy.
func TestDecrypt_NamesDamagedPages(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	sqlciphertest.Write(t, path, table+`CREATE TABLE other (id INTEGER PRIMARY KEY);`, "")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[2*4096+1000] ^= 1
	if err := os.WriteFile(path, append(content, 1, 2, 3), 0o600); err != nil {
		t.Fatal(err)
	}
	list, damage := notes(t, path, sqlciphertest.Key)
	if !slices.Equal(damage.Pages, []uint32{3, 4}) || len(list) != 2 {
		t.Errorf("damage is %+v, notes %q", damage, list)
	}
}

func TestDecrypt_Errors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	sqlciphertest.Write(t, path, table, "")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	decrypt := func(content []byte, keys ...[]byte) error {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := sqlcipher.Decrypt(t.Context(), filepath.Join(t.TempDir(), "plain.db"), path, keys...)
		return err
	}
	for _, keys := range [][][]byte{nil, {oracleKey}} {
		if err := decrypt(content, keys...); !errors.Is(err, sqlcipher.ErrKey) || !strings.Contains(err.Error(), path) {
			t.Errorf("with %d keys: error %v", len(keys), err)
		}
	}
	damaged := bytes.Clone(content)
	damaged[20] ^= 1
	if err := decrypt(damaged, sqlciphertest.Key); err == nil || errors.Is(err, sqlcipher.ErrKey) || !strings.Contains(err.Error(), "first page") {
		t.Errorf("with a damaged first page: error %v", err)
	}
	for _, content := range []string{"", "short", "SQLite format 3\x00" + strings.Repeat("x", 5000)} {
		if err := decrypt([]byte(content), sqlciphertest.Key); err == nil || errors.Is(err, sqlcipher.ErrKey) {
			t.Errorf("%.20q: error %v", content, err)
		}
	}
}

func FuzzDecrypt(f *testing.F) {
	path := filepath.Join(f.TempDir(), "a.db")
	sqlciphertest.Write(f, path, table, changes)
	content, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content, log, 30, byte(1))
	f.Add(content, log[:40], 5000, byte(1))
	to := filepath.Join(f.TempDir(), "plain.db")
	f.Fuzz(func(t *testing.T, content, log []byte, at int, change byte) {
		if at >= 0 && at < len(log) {
			log = bytes.Clone(log)
			log[at] ^= change
		}
		for name, content := range map[string][]byte{path: content, path + "-wal": log} {
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		sqlcipher.Decrypt(t.Context(), to, path, sqlciphertest.Key)
		os.Remove(to)
	})
}
