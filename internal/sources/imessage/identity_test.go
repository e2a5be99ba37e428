package imessage_test

import (
	"path/filepath"
	"reflect"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// collectIdentities collects a history and returns what is known of who is who.
func collectIdentities(t *testing.T, path string, db *messages.DB) ([]messages.OwnAddress, []messages.SamePerson) {
	t.Helper()
	source, err := imessage.Open(t.Context(), path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if _, err := source.Collect(t.Context(), db, sources.Options{}); err != nil {
		t.Fatal(err)
	}
	own, err := db.OwnAddresses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same, err := db.SamePersons(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return own, same
}

func TestCollect_KeepsWhoIsWho(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	to := func(address any) map[string]any { return map[string]any{"destination_caller_id": address} }
	h.say(chatdb.Message{Text: "a", Columns: to("me@x.org")})
	h.say(chatdb.Message{Text: "b", FromMe: true, Columns: to("+15550000009")})
	h.say(chatdb.Message{Text: "c", Columns: to("+15550000009")})
	h.say(chatdb.Message{Text: "d", Columns: to("")})
	h.say(chatdb.Message{Text: "e", Columns: to(nil)})
	h.Exec(`UPDATE chat SET account_login = 'E:', last_addressed_handle = 'me@y.org' WHERE ROWID = ?`, h.dm)
	h.Exec(`UPDATE chat SET account_login = 'P:+15550000008' WHERE ROWID = ?`, h.group)
	h.Exec(`UPDATE handle SET person_centric_id = 'P7' WHERE ROWID IN (?, ?)`, h.john, h.mary)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	wantOwn := []messages.OwnAddress{{Address: "+15550000009", Place: "destination_caller_id", Messages: 2}, {Address: "me@x.org", Place: "destination_caller_id", Messages: 1},
		{Address: "+15550000008", Place: "account_login"}, {Address: "me@y.org", Place: "last_addressed_handle"}}
	wantSame := []messages.SamePerson{{Address: "+15550000001", Person: "P7"}, {Address: "mary@x.org", Person: "P7"}}
	for _, time := range []string{"first", "second"} {
		own, same := collectIdentities(t, h.path, db)
		if !reflect.DeepEqual(own, wantOwn) {
			t.Errorf("%s time: own addresses are %+v, want %+v", time, own, wantOwn)
		}
		if !reflect.DeepEqual(same, wantSame) {
			t.Errorf("%s time: persons are %+v, want %+v", time, same, wantSame)
		}
	}
}

// Releases without these columns tell nothing, and are read all the same.
func TestCollect_WithoutIdentities(t *testing.T) {
	h := newHistory(t, chatdb.HighSierra)
	h.say(chatdb.Message{Text: "a"})
	h.Exec(`ALTER TABLE chat DROP COLUMN account_login`)
	h.Exec(`ALTER TABLE chat DROP COLUMN last_addressed_handle`)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if own, same := collectIdentities(t, h.path, db); len(own)+len(same) > 0 {
		t.Errorf("it found %v and %v", own, same)
	}
}
