package imessage_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"howett.net/plist"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/usererr"
)

// fresh returns an empty store.
func fresh(t *testing.T) *messages.DB {
	t.Helper()
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	// Waiting for the disk would take most of the time of a test.
	if _, err := db.SQL().Exec(`PRAGMA synchronous = OFF`); err != nil {
		t.Fatal(err)
	}
	return db
}

// files returns the hash of each file of a folder.
func files(t *testing.T, folder string) map[string][32]byte {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	hashes := make(map[string][32]byte)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		hashes[e.Name()] = sha256.Sum256(data)
	}
	return hashes
}

// journal opens the database of a history for writing, in the given journal mode.
func journal(t *testing.T, path, mode string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode="+mode)
	if err == nil {
		_, err = db.Exec(`UPDATE message SET text = 'written', attributedBody = NULL`)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func oneMessage(t *testing.T) *history {
	t.Helper()
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Text: "hello"})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return h
}

// copyOpen makes the history a copy of some of its files, taken while a writer has it open.
func copyOpen(t *testing.T, h *history, suffixes ...string) {
	t.Helper()
	db := journal(t, h.path, "WAL")
	defer db.Close()
	target := filepath.Join(t.TempDir(), "chat.db")
	for _, suffix := range suffixes {
		data, err := os.ReadFile(h.path + suffix)
		if err == nil {
			err = os.WriteFile(target+suffix, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	h.path = target
}

// Messages was killed, or the files were copied: nobody has them open.
func TestOpen_ReadsAnAbandonedWAL(t *testing.T) {
	h := oneMessage(t)
	copyOpen(t, h, "", "-wal", "-shm")
	before := files(t, filepath.Dir(h.path))
	collectInto(t, h.path, fresh(t), sources.Options{}).want(t, "direct john", "john text: written")
	after := files(t, filepath.Dir(h.path))
	for _, name := range []string{"chat.db", "chat.db-wal"} {
		if before[name] != after[name] {
			t.Errorf("%s has changed", name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("files before %v, after %v", before, after)
	}
}

func TestOpen_LeavesTheSourceAsItWas(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, h *history){
		"WALWithoutFiles": func(*testing.T, *history) {},
		"Rollback":        func(t *testing.T, h *history) { journal(t, h.path, "DELETE").Close() },
		"WALWithoutSHM":   func(t *testing.T, h *history) { copyOpen(t, h, "", "-wal") },
		"Link": func(t *testing.T, h *history) {
			copyOpen(t, h, "", "-wal")
			link := filepath.Join(t.TempDir(), "link.db")
			if err := os.Symlink(h.path, link); err != nil {
				t.Fatal(err)
			}
			h.path = link
		},
		"ReadOnlyFolder": func(t *testing.T, h *history) {
			folder := filepath.Dir(h.path)
			if err := errors.Join(os.Chmod(h.path, 0o400), os.Chmod(folder, 0o500)); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(folder, 0o700) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := oneMessage(t)
			prepare(t, h)
			before := files(t, filepath.Dir(h.path))
			want := "john text: hello"
			if name != "WALWithoutFiles" && name != "ReadOnlyFolder" {
				want = "john text: written"
			}
			collectInto(t, h.path, fresh(t), sources.Options{}).want(t, "direct john", want)
			if after := files(t, filepath.Dir(h.path)); !reflect.DeepEqual(before, after) {
				t.Errorf("files before %v, after %v", before, after)
			}
		})
	}
}

// Messages has the database open: what it wrote last stands in the -wal file only, and must be seen.
func TestOpen_ReadsBesideAWriter(t *testing.T) {
	h := oneMessage(t)
	db := journal(t, h.path, "WAL")
	folder := filepath.Dir(h.path)
	before := files(t, folder)
	collectInto(t, h.path, fresh(t), sources.Options{}).want(t, "direct john", "john text: written")
	after := files(t, folder)
	for _, name := range []string{"chat.db", "chat.db-wal"} {
		if before[name] != after[name] {
			t.Errorf("%s has changed", name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("files before %v, after %v", before, after)
	}
	if _, err := db.Exec(`DELETE FROM message`); err != nil {
		t.Errorf("the writer is disturbed: %v", err)
	}
}

func TestOpen_SnapshotsDoNotStay(t *testing.T) {
	t.Parallel()
	h, temp := oneMessage(t), t.TempDir()
	copyOpen(t, h, "", "-wal")
	source, err := imessage.Open(t.Context(), h.path, temp)
	if err != nil {
		t.Fatal(err)
	}
	if copies, err := filepath.Glob(filepath.Join(temp, "*", "chat.db")); err != nil || len(copies) != 1 {
		t.Errorf("copies are %v (%v)", copies, err)
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	if left := files(t, temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOpen_Backup(t *testing.T) {
	h := oneMessage(t)
	backup := t.TempDir()
	target := filepath.Join(backup, "3d", "3d0d7e5fb2ce288813306e4d4636395e047a3d28")
	if err := errors.Join(os.Mkdir(filepath.Dir(target), 0o700), os.Rename(h.path, target)); err != nil {
		t.Fatal(err)
	}
	collectInto(t, backup, fresh(t), sources.Options{}).want(t, "direct john", "john text: hello")
	if got := len(files(t, filepath.Dir(target))); got != 1 {
		t.Errorf("there are %d files beside the backup's database", got)
	}
}

func TestOpen_Refuses(t *testing.T) {
	write := func(t *testing.T, name string, data []byte) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		path func(t *testing.T) string
		want string
	}{
		"Missing":                  {func(t *testing.T) string { return filepath.Join(t.TempDir(), "chat.db") }, "there is no message database"},
		"Empty":                    {func(t *testing.T) string { return write(t, "chat.db", nil) }, "is not an SQLite database"},
		"NoDatabase":               {func(t *testing.T) string { return write(t, "chat.db", []byte("hello, hello, hello")) }, "is not an SQLite database"},
		"EmptyFolder":              {func(t *testing.T) string { return t.TempDir() }, "neither an iOS backup nor a chat.db"},
		"BackupWithoutMessages":    {func(t *testing.T) string { return filepath.Dir(write(t, "Manifest.plist", []byte("<plist/>"))) }, "is an iOS backup without messages"},
		"OldBackupWithoutMessages": {func(t *testing.T) string { return filepath.Dir(write(t, "Manifest.mbdb", []byte("mbdb"))) }, "is an iOS backup without messages"},
		"IOS5": {func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "sms.db")
			db, err := sql.Open("sqlite3", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			_, err = db.Exec(`CREATE TABLE message (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT, date INTEGER, text TEXT, flags INTEGER,
				group_id INTEGER, subject TEXT, read INTEGER); CREATE TABLE msg_group (ROWID INTEGER PRIMARY KEY, type INTEGER);
				CREATE TABLE group_member (ROWID INTEGER PRIMARY KEY, group_id INTEGER, address TEXT)`)
			if err != nil {
				t.Fatal(err)
			}
			return path
		}, "iOS 5 or older"},
		"OtherProgram": {func(t *testing.T) string { return fresh(t).Path() }, "not a Messages database"},
		"Damaged": {func(t *testing.T) string {
			return write(t, "chat.db", append([]byte("SQLite format 3\x00\x10\x00\x01\x01\x00\x40\x20\x20"), make([]byte, 5000)...))
		}, "cannot read"},
		"EncryptedBackup": {func(t *testing.T) string {
			data, err := plist.Marshal(map[string]any{"IsEncrypted": true}, plist.BinaryFormat)
			if err != nil {
				t.Fatal(err)
			}
			return filepath.Dir(write(t, "Manifest.plist", data))
		}, "is encrypted"},
		"Locked": {func(t *testing.T) string {
			h := oneMessage(t)
			db := journal(t, h.path, "DELETE")
			db.SetMaxOpenConns(1)
			if _, err := db.Exec(`BEGIN EXCLUSIVE`); err != nil {
				t.Fatal(err)
			}
			return h.path
		}, "locked"},
	} {
		t.Run(name, func(t *testing.T) {
			path := c.path(t)
			source, err := imessage.Open(t.Context(), path, "")
			if err == nil {
				source.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Dir(path)) {
				t.Errorf("error is %q, want %q and the path in it", err, c.want)
			}
			if usererr.Of(err) == "" {
				t.Errorf("%q comes without advice", err)
			}
		})
	}
}

func TestCollect_Canceled(t *testing.T) {
	h := oneMessage(t)
	db := fresh(t)
	source, err := imessage.Open(t.Context(), h.path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	ctx, cancel := context.WithCancel(t.Context())
	_, err = source.Collect(ctx, db, sources.Options{Progress: func(done, _ int64) {
		if done == 1 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
	var c collected
	c.read(t, db)
	c.want(t)
}

// A file that nobody has open is read as it lies. Should somebody write it all the same, a copy is read instead.
func TestCollect_OfAFileThatChangesAllTheSame(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	for i := range 3000 {
		h.say(chatdb.Message{Text: fmt.Sprint("message ", i)})
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	source, err := imessage.Open(t.Context(), h.path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	db := fresh(t)
	written := false
	summary, err := source.Collect(t.Context(), db, sources.Options{Progress: func(done, _ int64) {
		if done > 0 && !written {
			written = true
			journal(t, h.path, "WAL").Close() // all messages read "written" from here on
		}
	}})
	if err != nil || summary.Rows[sources.Messages] != 3000 {
		t.Fatalf("%v, %v", summary.Rows, err)
	}
	var c collected
	c.read(t, db)
	for _, line := range c.lines[1:] {
		if line != "john text: written" {
			t.Fatalf("there is %q among what was written later", line)
		}
	}
}

// Messages goes on writing while its database is read: each collection finds what was committed at one moment, and the
// last one all of it.
func TestCollect_BesideALiveWriter(t *testing.T) {
	h := oneMessage(t)
	writer, err := sql.Open("sqlite3", "file:"+h.path+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	writer.SetMaxOpenConns(1)
	pair := func(n int) error {
		tx, err := writer.Begin()
		if err != nil {
			return err
		}
		defer tx.Rollback()
		for i := range 2 {
			if _, err := tx.Exec(`INSERT INTO message (guid, text, date, handle_id) VALUES (?, ?, ?, 1)`, fmt.Sprint("live ", n, i), fmt.Sprint("pair ", n), 7e17+int64(n)*1e9); err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO chat_message_join (chat_id, message_id) SELECT 1, max(ROWID) FROM message`); err != nil {
				return err
			}
		}
		return tx.Commit()
	}
	if err := pair(-1); err != nil { // the -wal and -shm files are there from now on
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		// What there is to read must not outgrow a slow reader: a pair every few milliseconds, and no more than so many.
		pause := time.NewTicker(3 * time.Millisecond)
		defer pause.Stop()
		for n := range 1000 {
			select {
			case <-stop:
				stopped <- nil
				return
			case <-pause.C:
			}
			if err := pair(n); err != nil {
				stopped <- err
				return
			}
		}
		<-stop
		stopped <- nil
	}()
	db := fresh(t)
	last := 0
	for range 8 {
		c := collectInto(t, h.path, db, sources.Options{})
		if n := len(c.messages) - 1; n%2 != 0 || n < last {
			t.Errorf("%d messages of pairs, %d before", n, last)
		} else {
			last = n
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Errorf("the writer was disturbed: %v", err)
	}
	again := collectInto(t, h.path, db, sources.Options{})
	if want := collectInto(t, h.path, fresh(t), sources.Options{}); !reflect.DeepEqual(again.lines, want.lines) || len(want.lines) < 10 {
		t.Errorf("%d lines, afresh %d", len(again.lines), len(want.lines))
	}
}
