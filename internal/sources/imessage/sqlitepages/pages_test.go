package sqlitepages_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// table is a database with one table of rows from a byte to several pages long, beside another that is in the way.
type table struct {
	t    *testing.T
	path string
	db   *sql.DB
	rng  *rand.Rand
}

func newTable(t *testing.T, mode string, pageSize int, seed uint64) *table {
	t.Helper()
	x := &table{t: t, path: filepath.Join(t.TempDir(), "x.db"), rng: rand.New(rand.NewPCG(seed, 1))}
	var err error
	if x.db, err = sql.Open("sqlite3", "file:"+x.path+"?_synchronous=OFF"); err != nil {
		t.Fatal(err)
	}
	x.db.SetMaxOpenConns(1)
	t.Cleanup(func() { x.db.Close() })
	x.exec(fmt.Sprintf("PRAGMA page_size = %d", pageSize))
	x.exec("PRAGMA journal_mode = " + mode)
	x.exec("CREATE TABLE other (id INTEGER PRIMARY KEY, x BLOB)")
	x.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, x BLOB, y)")
	x.exec("CREATE INDEX rows_y ON rows (y)")
	return x
}

func (x *table) exec(query string, args ...any) {
	x.t.Helper()
	if _, err := x.db.Exec(query, args...); err != nil {
		x.t.Fatalf("%s: %v", query, err)
	}
}

func (x *table) blob() []byte {
	size := x.rng.IntN(100)
	if x.rng.IntN(8) == 0 {
		size = x.rng.IntN(40000)
	}
	return bytes.Repeat([]byte{byte(x.rng.IntN(256)), byte(x.rng.IntN(256))}, size/2+1)
}

// change does one thing to the table.
func (x *table) change() {
	id := x.rng.IntN(3000)
	switch x.rng.IntN(9) {
	case 0, 1, 2:
		for range 1 + x.rng.IntN(40) {
			x.exec("INSERT INTO rows (x, y) VALUES (?, 1)", x.blob())
		}
	case 3:
		x.exec("INSERT OR REPLACE INTO rows VALUES (?, ?, 2)", id, x.blob())
	case 4:
		x.exec("DELETE FROM rows WHERE id BETWEEN ? AND ?", id, id+x.rng.IntN(30))
	case 5:
		x.exec("UPDATE rows SET x = ? WHERE id = (SELECT id FROM rows WHERE id >= ? LIMIT 1)", x.blob(), id)
	case 6: // the last byte of a row, often far from its leaf
		x.exec("UPDATE rows SET x = substr(x, 1, length(x) - 1) || ? WHERE id = (SELECT id FROM rows WHERE id >= ? ORDER BY length(x) DESC LIMIT 1)",
			[]byte{byte(x.rng.IntN(256))}, id)
	case 7:
		x.exec("INSERT INTO other (x) VALUES (?)", x.blob())
		x.exec("DELETE FROM other WHERE id % 3 = 0")
	case 8:
		x.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	}
}

func (x *table) content() map[int64]string {
	x.t.Helper()
	rows, err := x.db.Query("SELECT id, coalesce(x, '') || y FROM rows")
	if err != nil {
		x.t.Fatal(err)
	}
	defer rows.Close()
	content := map[int64]string{}
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			x.t.Fatal(err)
		}
		content[id] = text
	}
	return content
}

func (x *table) leaves() []sqlitepages.Leaf {
	x.t.Helper()
	return x.survey(x.snapshot())
}

func (x *table) root() (root uint32) {
	x.t.Helper()
	if err := x.db.QueryRow("SELECT rootpage FROM sqlite_master WHERE name = 'rows'").Scan(&root); err != nil {
		x.t.Fatal(err)
	}
	return root
}

func (x *table) snapshot() *sqlitepages.Snapshot {
	x.t.Helper()
	s, err := sqlitepages.TakeSnapshot(x.path)
	if err != nil {
		x.t.Fatal(err)
	}
	return s
}

func (x *table) survey(s *sqlitepages.Snapshot) []sqlitepages.Leaf {
	x.t.Helper()
	leaves, err := s.Survey(x.t.Context(), map[string]uint32{"rows": x.root()})
	if err != nil {
		x.t.Fatal(err)
	}
	return leaves["rows"]
}

func inRanges(ranges []sqlitepages.Range, row int64) bool {
	return slices.ContainsFunc(ranges, func(r sqlitepages.Range) bool { return r.First <= row && row <= r.Last })
}

// Whatever is done to a table, every row that came, went or changed is among those that may have changed.
func TestChanged_NamesEveryRowThatChanged(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"WAL", "DELETE"} {
		for _, pageSize := range []int{512, 4096, 65536} {
			rounds := 60
			if pageSize == 65536 {
				rounds = 15 // each reads much more
			}
			t.Run(fmt.Sprint(mode, pageSize), func(t *testing.T) {
				t.Parallel()
				x := newTable(t, mode, pageSize, uint64(pageSize))
				for range 20 {
					x.change()
				}
				oldContent, oldLeaves := x.content(), x.leaves()
				for round := range rounds {
					for range x.rng.IntN(4) {
						x.change()
					}
					content, leaves := x.content(), x.leaves()
					changed := sqlitepages.Changed(oldLeaves, leaves)
					for id := range 8000 {
						if id := int64(id); content[id] != oldContent[id] && !inRanges(changed, id) {
							t.Fatalf("round %d: row %d has changed, but only %v may have", round, id, changed)
						}
					}
					oldContent, oldLeaves = content, leaves
				}
			})
		}
	}
}

// What is looked for is seldom more than what changed: a row more leaves all but the last leaf as it was.
func TestChanged_LeavesTheRestAlone(t *testing.T) {
	x := newTable(t, "WAL", 4096, 1)
	for i := range 5000 {
		x.exec("INSERT INTO rows (x) VALUES (?)", fmt.Appendf(nil, "row %d of a few words", i))
	}
	before := x.leaves()
	if changed := sqlitepages.Changed(before, x.leaves()); len(changed) != 0 {
		t.Errorf("nothing was done, but %v may have changed", changed)
	}
	x.exec("INSERT INTO rows (x) VALUES ('new')")
	x.exec("UPDATE rows SET x = 'edited' WHERE id = 1234")
	rows := int64(0)
	for _, r := range sqlitepages.Changed(before, x.leaves()) {
		rows += min(r.Last, 5001) - r.First + 1
	}
	if rows < 2 || rows > 400 {
		t.Errorf("%d rows may have changed", rows)
	}
}

// What another connection has not committed, and what is left in the file of an earlier WAL, does not count.
func TestLook_CountsWhatIsCommitted(t *testing.T) {
	x := newTable(t, "WAL", 4096, 2)
	x.exec("INSERT INTO rows (x) VALUES ('first')")
	look := func() *sqlitepages.Snapshot {
		l, err := sqlitepages.TakeSnapshot(x.path)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	before := look()
	x.exec("PRAGMA cache_size = 1; BEGIN")
	for range 2000 { // more than the cache: written into the WAL before the commit
		x.exec("INSERT INTO rows (x) VALUES ('not yet')")
	}
	if !before.Same(look()) {
		t.Error("an open transaction was taken for a commit")
	}
	x.exec("COMMIT")
	if before.Same(look()) {
		t.Error("a commit went unseen")
	}
	before = look()
	x.exec("PRAGMA wal_checkpoint(RESTART)")
	x.exec("INSERT INTO rows (x) VALUES ('anew')")
	if before.Same(look()) {
		t.Error("a WAL that was begun anew went unseen")
	}
	if got := len(x.leaves()); got < 5 {
		t.Errorf("there are %d leaves", got)
	}
}

// What is committed while a snapshot is taken may or may not be in it: its rows may always have changed, and no others.
func TestSnapshot_UntilALaterOne(t *testing.T) {
	x := newTable(t, "WAL", 4096, 3)
	for i := range 5000 {
		x.exec("INSERT INTO rows (x) VALUES (?)", fmt.Appendf(nil, "row %d of a few words", i))
	}
	x.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	x.exec("UPDATE rows SET x = 'before' WHERE id = 1")
	old := x.leaves()
	before := x.snapshot()
	x.exec("UPDATE rows SET x = 'meanwhile' WHERE id IN (1234, 2345)")
	during := before.Until(x.snapshot())
	for _, leaves := range [][]sqlitepages.Leaf{old, x.survey(during)} { // even against itself
		changed := sqlitepages.Changed(leaves, x.survey(during))
		rows := int64(0)
		for _, r := range changed {
			rows += r.Last - r.First + 1
		}
		if !inRanges(changed, 1234) || !inRanges(changed, 2345) || inRanges(changed, 1) || rows > 400 {
			t.Errorf("%v may have changed", changed)
		}
	}
	x.exec("PRAGMA wal_checkpoint(RESTART)")
	x.exec("UPDATE rows SET x = 'anew' WHERE id = 1")
	if before.Until(x.snapshot()) != nil {
		t.Error("a WAL that was begun anew went unnoticed")
	}
}

// What is below a damaged page may have changed, and nothing else.
func TestSurvey_DamagedPages(t *testing.T) {
	x := newTable(t, "DELETE", 512, 4)
	for i := range 5000 {
		x.exec("INSERT INTO rows (x) VALUES (?)", fmt.Appendf(nil, "row %d of a few words", i))
	}
	before := x.leaves()
	data, err := os.ReadFile(x.path)
	if err != nil {
		t.Fatal(err)
	}
	root := int(x.root())
	first := int(binary.BigEndian.Uint32(data[(root-1)*512+int(binary.BigEndian.Uint16(data[(root-1)*512+12:])):]))
	clear(data[(first-1)*512 : first*512])
	if err := os.WriteFile(x.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	leaves, err := x.snapshot().Survey(t.Context(), map[string]uint32{"rows": uint32(root)})
	if err != nil {
		t.Fatal(err)
	}
	changed := sqlitepages.Changed(before, leaves["rows"])
	if len(changed) != 1 || !inRanges(changed, 1) || inRanges(changed, 4999) {
		t.Errorf("%v may have changed", changed)
	}
	leaves, err = x.snapshot().Survey(t.Context(), map[string]uint32{"rows": uint32(first)})
	if want := []sqlitepages.Leaf{{Last: math.MaxInt64, Sum: sqlitepages.Unknown}}; err != nil || !slices.Equal(leaves["rows"], want) {
		t.Errorf("a damaged root has the leaves %v (%v)", leaves["rows"], err)
	}
}

func TestInvalidate_LeavesOfTheRanges(t *testing.T) {
	list := []sqlitepages.Leaf{{Last: 10, Sum: 1}, {Last: 20, Sum: 2}, {Last: 30, Sum: 3}, {Last: math.MaxInt64, Sum: 4}}
	again := slices.Clone(list)
	sqlitepages.Invalidate(again, []sqlitepages.Range{{First: 11, Last: 11}, {First: 25, Last: 28}})
	want := []sqlitepages.Range{{First: 11, Last: 30}}
	if got := sqlitepages.Changed(again, list); !slices.Equal(got, want) {
		t.Errorf("%v may have changed, want %v", got, want)
	}
}

func TestLeaves_AsBytes(t *testing.T) {
	list := []sqlitepages.Leaf{{Last: -5, Sum: 1}, {Last: 300, Sum: 1<<40 - 1}, {Last: 1<<63 - 1, Sum: 7}}
	data := sqlitepages.AppendLeaves(nil, list)
	got, rest, err := sqlitepages.ParseLeaves(append(data, 'x'))
	if err != nil || !slices.Equal(got, list) || string(rest) != "x" {
		t.Errorf("read %v, %q, %v", got, rest, err)
	}
	for n := range data {
		if _, _, err := sqlitepages.ParseLeaves(data[:n]); err == nil {
			t.Errorf("%d of %d bytes were taken for a list", n, len(data))
		}
	}
}

// FuzzSurvey reads files that may hold anything: an error is an answer, a crash or an endless walk is none.
func FuzzSurvey(f *testing.F) {
	folder := f.TempDir()
	path := filepath.Join(folder, "seed.db")
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=OFF")
	if err != nil {
		f.Fatal(err)
	}
	for _, statement := range []string{"PRAGMA page_size = 512", "CREATE TABLE rows (id INTEGER PRIMARY KEY, x)",
		"INSERT INTO rows (x) VALUES (zeroblob(2000)), ('a'), ('b')", "INSERT INTO rows (x) SELECT id FROM rows"} {
		if _, err := db.Exec(statement); err != nil {
			f.Fatal(err)
		}
	}
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		f.Fatal(err)
	}
	db.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, wal)
	f.Add(whole, []byte{})
	f.Add(whole[:700], wal[:100])
	f.Fuzz(func(t *testing.T, file, wal []byte) {
		path := filepath.Join(t.TempDir(), "x.db")
		if err := errors.Join(os.WriteFile(path, file, 0o600), os.WriteFile(path+"-wal", wal, 0o600)); err != nil {
			t.Fatal(err)
		}
		look, err := sqlitepages.TakeSnapshot(path)
		if err != nil {
			return
		}
		leaves, err := look.Survey(t.Context(), map[string]uint32{"rows": 2, "schema": 1})
		for _, list := range leaves {
			known := slices.DeleteFunc(list, func(l sqlitepages.Leaf) bool { return l.Sum == sqlitepages.Unknown })
			if err == nil && len(sqlitepages.Changed(known, known)) > 0 {
				t.Error("a list has changed against itself")
			}
		}
	})
}

// A page that the disk does not deliver makes the rows on it unknown, and no others.
func TestSurvey_PassesWhatTheDiskDoesNotDeliver(t *testing.T) {
	const pageSize = 1024
	x := newTable(t, "DELETE", pageSize, 1)
	for i := range 400 {
		x.exec("INSERT INTO rows (x, y) VALUES (?, 1)", bytes.Repeat([]byte{byte(i)}, 100))
	}
	var root int64
	if err := x.db.QueryRow(`SELECT rootpage FROM sqlite_master WHERE name = 'rows'`).Scan(&root); err != nil {
		t.Fatal(err)
	}
	unknown := map[int]int{} // how often so many of the leaves are unknown
	for page := int64(2); page < 60; page++ {
		snapshot, err := sqlitepages.TakeSnapshot(x.path)
		if err != nil {
			t.Fatal(err)
		}
		snapshot.WithoutPage(page, pageSize)
		leaves, err := snapshot.Survey(t.Context(), map[string]uint32{"rows": uint32(root)})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, leaf := range leaves["rows"] {
			if leaf.Sum == sqlitepages.Unknown {
				n++
			}
		}
		if unknown[n]++; n == 1 && page != root && len(leaves["rows"]) < 30 {
			t.Errorf("without page %d there are %d leaves", page, len(leaves["rows"]))
		}
	}
	if unknown[1] < 30 || unknown[0] == 0 || len(unknown) != 2 {
		t.Errorf("unknown leaves and how often: %v", unknown)
	}
}
