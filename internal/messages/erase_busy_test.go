package messages_test

import (
	"database/sql"
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
)

// A reader that keeps a write-ahead log open would keep the old texts too: nothing is changed, and what is in the way is said.
func TestRedact_SaysThatAReaderIsInTheWay(t *testing.T) {
	t.Parallel()
	db := create(t)
	care, policy := forgetting()
	for _, statement := range []string{`PRAGMA journal_mode = WAL`, `INSERT INTO handle (address) VALUES ('+2')`} {
		if _, err := db.SQL().Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := sql.Open("sqlite3", "file:"+db.Path()+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	reading, err := reader.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var handles int
	if err := reading.QueryRow(`SELECT count(*) FROM handle`).Scan(&handles); err != nil {
		t.Fatal(err)
	}
	err = db.Redact(t.Context(), care, policy.Text)
	if err == nil || !strings.Contains(err.Error(), "another program has it open, so nothing was changed") {
		t.Errorf("with a reader: %v", err)
	}
	if advice := usererr.Of(err); strings.Contains(advice, "writing") {
		t.Errorf("the advice is %q", advice)
	}
	if kept, err := db.PrivacySettings(t.Context()); err != nil || kept != nil {
		t.Errorf("something was stored: %+v (%v)", kept, err)
	}
	reading.Rollback()
	reader.Close()
	if err := db.Redact(t.Context(), care, policy.Text); err != nil {
		t.Errorf("without the reader: %v", err)
	}
	if kept, err := db.PrivacySettings(t.Context()); err != nil || kept == nil {
		t.Errorf("nothing was stored (%v)", err)
	}
}
