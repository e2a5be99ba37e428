package demo_test

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"ventriloquist/internal/demo"
)

func count(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var n int
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestWriteDatabase_AnswersFindTheirMessages(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	if err := demo.WriteDatabase(path, chat(t)); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity_check: %q, %v", verdict, err)
	}
	for query, want := range map[string]int{
		`SELECT count(*) FROM message`:                                          3717,
		`SELECT count(*) FROM chat_message_join`:                                3717,
		`SELECT count(*) FROM message WHERE attributedBody IS NOT NULL`:         3693,
		`SELECT count(*) FROM message WHERE associated_message_type >= 2000`:    24,
		`SELECT count(*) FROM message WHERE thread_originator_guid IS NOT NULL`: 179,
		`SELECT count(*) FROM chat`:                                             21,
		`SELECT count(*) FROM chat WHERE style = 45`:                            5,
		`SELECT count(*) FROM handle`:                                           14,
		// Every answer and every tapback finds its message in the same chat.
		`SELECT count(*) FROM message m JOIN chat_message_join j ON j.message_id = m.ROWID
		 JOIN message a ON a.guid IN (m.thread_originator_guid, substr(m.associated_message_guid, 5))
		 JOIN chat_message_join k ON k.message_id = a.ROWID AND k.chat_id = j.chat_id`: 203,
		`SELECT count(*) FROM message m JOIN chat_message_join j ON j.message_id = m.ROWID WHERE is_from_me = 0
		 AND NOT EXISTS (SELECT 1 FROM chat_handle_join h WHERE h.chat_id = j.chat_id AND h.handle_id = m.handle_id)`: 0,
	} {
		if got := count(t, db, query); got != want {
			t.Errorf("%s\n%d, want %d", query, got, want)
		}
	}
}

func TestWriteFolder_ContactsCoverEveryone(t *testing.T) {
	t.Parallel()
	dir, lines := filepath.Join(t.TempDir(), "demo"), chat(t)
	if err := demo.WriteFolder(dir, lines[:10]); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{demo.Owner: true}
	content, err := os.ReadFile(filepath.Join(dir, "data", "contacts_to_ids.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for row := range strings.Lines(string(content)) {
		var contact struct {
			Contact string
			IDs     []string
		}
		if err := json.Unmarshal([]byte(row), &contact); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		if len(contact.IDs) == 0 || contact.Contact == demo.Owner {
			t.Errorf("contact %s", row)
		}
		known[contact.Contact] = true
	}
	for _, line := range lines {
		if !known[line.Name] {
			t.Fatalf("%s is no contact", line.Name)
		}
	}
}

func TestWriteFolder_RefusesForeignFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	precious := filepath.Join(dir, "chat.db")
	if err := os.WriteFile(precious, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := demo.WriteFolder(dir, chat(t)[:10]); err == nil {
		t.Error("no error for a folder that is not the demonstration's")
	}
	if content, _ := os.ReadFile(precious); string(content) != "mine" {
		t.Error("a foreign chat.db was changed")
	}
}

func TestWriteFolder_ReplacesItsOwn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "demo")
	if err := demo.WriteFolder(dir, chat(t)[:20]); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "checkpoints", "ventriloquist", "final")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := demo.WriteFolder(dir, chat(t)[:10]); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("an adapter of the earlier demonstration is still there")
	}
	db, err := sql.Open("sqlite3", filepath.Join(dir, "chat.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got := count(t, db, `SELECT count(*) FROM message`); got != 10 {
		t.Errorf("%d messages, want 10", got)
	}
}
