package main

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/sources/imessage/chatdb"
)

const (
	secretText  = "4111 1111 1111 1111"
	personName  = "Ann"
	personIDs   = `{"contact": "Ann", "ids": ["+15550000001"]}` + "\n" + `{"contact": "Bob", "ids": ["+15550000002"]}` + "\n"
	personWords = "only between us"
)

// collectHistory collects a history of so many messages, with Ann and Bob, and lists the two in the contacts file.
func collectHistory(t *testing.T, k *killer, messages int) {
	t.Helper()
	if err := chatdb.WriteHistory(k.path("chat.db"), chatdb.History{Messages: messages, Chats: 3, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	k.must("collect", "--source", "chat.db")
	if err := os.WriteFile(k.path("data", contactsName), []byte(personIDs), 0o600); err != nil {
		t.Fatal(err)
	}
}

// privateFolder makes a folder in which everything was collected and preprocessed: messages.db with a card number, and a person
// with words of her own.
func privateFolder(t *testing.T, k *killer, messages int) {
	t.Helper()
	collectHistory(t, k, messages)
	db, err := sql.Open("sqlite3", k.path("data", databaseName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		`UPDATE message SET text = 'my card 4111 1111 1111 1111 number ' || id WHERE kind = 0 AND id % 5 = 0`,
		`UPDATE message SET text = 'only between us ' || id WHERE kind = 0 AND id % 5 = 1 AND sender IN (SELECT id FROM handle WHERE address = '+15550000001')`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	k.must("preprocess")
	k.must("preprocess", "--export", filepath.Join("data", "mine.jsonl"))
	k.must("preprocess")
}

// holding returns the files below a folder that contain a text.
func holding(t *testing.T, folder, text string) (list []string) {
	t.Helper()
	for _, file := range filesOf(t, folder) {
		content, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(text)) {
			list = append(list, file)
		}
	}
	return list
}

// A redact or forget that is killed changed nothing or everything in messages.db. The next one ends it: nothing is left in any file.
func TestKilledRedactAndForget_EndWithNothingLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("redacts many times")
	}
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		gone string
	}{
		"Redact": {[]string{"redact"}, secretText},
		"Forget": {[]string{"forget", "--yes", personName}, personWords},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKiller(t, t.TempDir(), "MY_NAME=Me")
			privateFolder(t, k, 1500)
			if len(holding(t, k.path("data"), c.gone)) < 2 {
				t.Fatalf("%q is in %v", c.gone, holding(t, k.path("data"), c.gone))
			}
			restore := func() {
				t.Helper()
				err := os.RemoveAll(k.path("data"))
				if err == nil {
					err = os.CopyFS(k.path("data"), os.DirFS(k.path("saved")))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := os.CopyFS(k.path("saved"), os.DirFS(k.path("data"))); err != nil {
				t.Fatal(err)
			}
			whole := k.must(c.args...)
			for range rounds(20) {
				restore()
				k.kill(whole, c.args...)
				k.must("stats")
				k.noLeftovers("data")
				if strings.Contains(strings.Join(filesOf(t, k.path("data")), " "), "-journal") {
					t.Errorf("left over: %v", filesOf(t, k.path("data")))
				}
				if name == "Forget" && len(holding(t, k.path("data"), personName)) == 0 {
					continue // it had ended
				}
				k.must(c.args...)
				for _, file := range holding(t, k.path("data"), c.gone) {
					if name == "Forget" || file != "mine.jsonl" { // which redact names
						t.Errorf("%s still holds %q", file, c.gone)
					}
				}
				k.must("preprocess")
			}
		})
	}
}
