package messages_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/usererr"
)

func TestCreate_FileIsPrivate(t *testing.T) {
	db := create(t)
	for path, want := range map[string]os.FileMode{db.Path(): 0o600, filepath.Dir(db.Path()): 0o700} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestOpen_Refuses(t *testing.T) {
	write := func(t *testing.T, content string) string {
		path := filepath.Join(t.TempDir(), "messages.db")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		path func(t *testing.T) string
		want string
	}{
		"Missing":    {func(t *testing.T) string { return filepath.Join(t.TempDir(), "messages.db") }, "no such file"},
		"Folder":     {func(t *testing.T) string { return t.TempDir() }, "it is a folder"},
		"NoDatabase": {func(t *testing.T) string { return write(t, strings.Repeat("hello ", 100)) }, "not a database"},
		"OtherProgram": {func(t *testing.T) string {
			return execute(t, write(t, ""), `CREATE TABLE message (id)`)
		}, "of another program"},
		"Newer": {func(t *testing.T) string {
			db := create(t)
			return execute(t, db.Path(), `PRAGMA user_version = 1000`)
		}, "it has version 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			path := c.path(t)
			db, err := messages.Open(t.Context(), path)
			if err == nil {
				db.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || usererr.Of(err) == "" {
				t.Errorf("error is %q with hint %q, want %q and the path", err, usererr.Of(err), c.want)
			}
		})
	}
}

func execute(t *testing.T, path, statement string) string {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err == nil {
		_, err = db.Exec(statement)
	}
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	return path
}

func TestCollect_LockedByAnother(t *testing.T) {
	db := create(t)
	other, err := sql.Open("sqlite3", db.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Exec(`BEGIN EXCLUSIVE`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.SQL().Exec(`PRAGMA busy_timeout = 10`); err != nil && !strings.Contains(err.Error(), "locked") {
		t.Fatal(err)
	}
	_, err = db.Collect(t.Context(), false, func(*messages.Tx) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "locked") || usererr.Of(err) == "" {
		t.Errorf("error is %v, with hint %q", err, usererr.Of(err))
	}
}

// many returns n entries of about 60 letters in one conversation.
func many(n int) []entry {
	entries := make([]entry, n)
	for i := range entries {
		entries[i] = entry{Row: int64(i), GUID: fmt.Sprintf("0A1B2C3D-4E5F-6071-8293-%012X", i), Date: 7e17 + int64(i)*1e10,
			Text: fmt.Sprintf("message %6d: are we still on for tonight, or tomorrow?", i)}
		if i%2 == 0 {
			entries[i].Sender = "+1"
		}
	}
	return entries
}

func TestCollect_FileIsLittleMoreThanItsTextAndIdentifiers(t *testing.T) {
	for name, c := range map[string]struct {
		extent messages.Extent
		share  int64 // percent of the text and identifiers
	}{"Numbered": {messages.Numbered, 150}, "Export": {messages.Whole, 160}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := create(t)
			held := int64(0)
			entries := many(20000)
			for _, e := range entries {
				held += int64(len(e.Text) + len(e.GUID))
			}
			for range 2 { // and it does not grow when the same is collected again
				collect(t, db, "a source", c.extent, false, entries...)
				if size, limit := sizeOf(t, db), held*c.share/100; size > limit {
					t.Errorf("%d bytes of text and identifiers take a file of %d, more than %d", held, size, limit)
				}
			}
			collect(t, db, "a source", c.extent, false, entries[:100]...)
			if c.extent == messages.Numbered {
				sweep(t, db, "a source", entries[:100]...)
			}
			if size := sizeOf(t, db); size > 200_000 {
				t.Errorf("100 messages take a file of %d bytes after there were more", size)
			}
		})
	}
}

func sizeOf(t *testing.T, db *messages.DB) int64 {
	t.Helper()
	info, err := os.Stat(db.Path())
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// sweep collects a numbered source that has these entries and no others.
func sweep(t *testing.T, db *messages.DB, source string, entries ...entry) messages.Outcome {
	t.Helper()
	outcome, err := db.Collect(t.Context(), false, func(tx *messages.Tx) error {
		if err := fill(tx, source, messages.Numbered, entries...); err != nil {
			return err
		}
		number, err := tx.Source(source, messages.Numbered)
		if err != nil {
			return err
		}
		return tx.Sweep(number, []messages.Range{{First: 0, Last: messages.LastRow}}, func(*messages.OldRow) {})
	})
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

func TestReader_TakenBackByAnyAddressOfThePerson(t *testing.T) {
	db := create(t)
	rows := []entry{
		{Row: 1, GUID: "m", Text: "hello"},
		{Row: 2, GUID: "a", Date: 1, Sender: "+1", Kind: messages.Reaction, Text: "Loved", TargetGUID: "m"},
		{Row: 3, GUID: "b", Date: 2, Sender: "j@x.org", Kind: messages.Reaction, Text: "Loved", TargetGUID: "m", Removal: true}}
	replace(t, db, false, rows...)
	wantTexts(t, read(t, db, nil), "hello", "Loved")
	wantTexts(t, read(t, db, func(string) string { return "John" }), "hello")
}

func TestReader_RemovalCancelsTheLatestEarlierOfItsKind(t *testing.T) {
	react := func(row, date int64, text string) entry {
		return entry{Row: row, GUID: fmt.Sprint("r", row), Date: date, Sender: "+1", Kind: messages.Reaction, Text: text, TargetGUID: "m"}
	}
	remove := func(row, date int64, text string) entry {
		e := react(row, date, text)
		e.Removal = true
		return e
	}
	for name, c := range map[string]struct {
		rows []entry
		want []string
	}{
		"OtherKind":   {[]entry{react(1, 1, "Loved"), react(2, 2, "Liked"), remove(3, 3, "Loved")}, []string{"Liked"}},
		"Earlier":     {[]entry{remove(1, 1, "Loved"), react(2, 2, "Loved")}, []string{"Loved"}},
		"SameTime":    {[]entry{remove(1, 1, "Loved"), react(2, 1, "Loved"), remove(3, 1, "Loved")}, nil},
		"Twice":       {[]entry{react(1, 1, "Loved"), react(2, 2, "Loved"), remove(3, 3, "Loved"), remove(4, 4, "Loved")}, nil},
		"AddedAgain":  {[]entry{react(1, 1, "Loved"), remove(2, 2, "Loved"), react(3, 3, "Loved")}, []string{"Loved"}},
		"OtherEmoji":  {[]entry{react(1, 1, "🔥"), react(2, 2, "🎉"), remove(3, 3, "🔥")}, []string{"🎉"}},
		"SomeEmoji":   {[]entry{react(1, 1, "🔥"), react(2, 2, "Loved"), remove(3, 3, "")}, []string{"Loved"}},
		"OtherTarget": {[]entry{react(1, 1, "Loved"), {Row: 2, GUID: "x", Date: 2, Sender: "+1", Kind: messages.Reaction, Text: "Loved", TargetGUID: "n", Removal: true}}, []string{"Loved"}},
	} {
		t.Run(name, func(t *testing.T) {
			db := create(t)
			replace(t, db, false, append([]entry{{Row: -2, GUID: "m", Text: "m"}, {Row: -1, GUID: "n", Text: "n"}}, c.rows...)...)
			wantTexts(t, read(t, db, nil), append([]string{"m", "n"}, c.want...)...)
		})
	}
}
