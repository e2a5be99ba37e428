package sources_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// Another file, another time, another choice: each makes another key.
func TestKey_TellsWhatIsDifferent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "chat.txt")
	at := time.Unix(1710529320, 0)
	write := func(name, text string, at time.Time) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]string{}
	step := func(what string, path string, choices ...string) {
		t.Helper()
		key, err := sources.Key(path, choices...)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := sources.Key(path, choices...); again != key {
			t.Errorf("%s: the key is another one each time", what)
		}
		if other, known := seen[key]; known {
			t.Errorf("%s and %s have the same key", what, other)
		}
		seen[key] = what
	}
	write(path, "a", at)
	step("file", path)
	step("file with a choice", path, "me")
	step("folder", dir)
	write(path, "b", at.Add(1))
	step("file of another time", path)
	write(path, "ab", at.Add(1))
	step("longer file", path)
	step("folder with a longer file", dir)
	write(filepath.Join(dir, "b.txt"), "", at)
	step("folder with two files", dir)
	if _, err := sources.Key(filepath.Join(dir, "none")); err == nil {
		t.Error("what is not there has a key")
	}
}

// An export that has not changed is not read again, until another of the same chat is.
func TestCollect_UnchangedIsNotReadAgain(t *testing.T) {
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	export := func(chat string, guids ...string) *fake {
		f := &fake{total: int64(len(guids)) + 2}
		c := &sources.Chat{Source: chat, Members: []string{"john"}}
		for i, guid := range guids {
			f.messages = append(f.messages, sources.Message{Chat: c, GUID: guid, Row: int64(i), Time: time.Unix(1710529320, 0), Sender: "john", Parts: []sources.Part{{Text: guid}}})
		}
		return f
	}
	collect := func(f *fake, key string, wantRead bool) {
		t.Helper()
		summary, err := sources.Export{Reader: f, Key: key}.Collect(t.Context(), db, sources.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if read := summary.Read > 0; read != wantRead {
			t.Errorf("%s: %d lines were read", key, summary.Read)
		}
		if summary.Total != f.total || summary.Rows[sources.Messages] != int64(len(f.messages)) || summary.Conversations != 1 {
			t.Errorf("%s: summary is %+v", key, summary)
		}
	}
	a, b, newer := export("a", "1", "2"), export("b", "3"), export("a", "1", "2", "4")
	collect(a, "a", true)
	collect(a, "a", false)
	collect(b, "b", true)
	collect(a, "a", false)
	collect(b, "b", false)
	collect(newer, "newer", true)
	collect(b, "b", false)
	collect(a, "a", true)
	collect(newer, "newer", true)
	collect(export("c", "3"), "c", true) // holds a message of b
	collect(b, "b", true)
	if err := db.Redact(t.Context(), &messages.PrivacySettings{Secret: []byte("x")}, func(s string) string { return s }); err != nil {
		t.Fatal(err)
	}
	db.SetPolicy(&messages.Policy{Text: func(s string) string { return s }, StandIn: func(string) string { return "" }})
	collect(newer, "newer", true)
}
