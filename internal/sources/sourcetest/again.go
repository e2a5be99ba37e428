package sourcetest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/sources"
)

// stored is what a database holds of messages, apart from the places of files.
const stored = `SELECT m.id || ' ' || m.date || ' ' || m.chat || ' ' || coalesce(h.address, 'me') || ' ' || m.kind || ' ' || m.text || ' <- ' || coalesce(m.quote, '')
	FROM message m LEFT JOIN handle h ON h.id = m.sender ORDER BY 1`

// Collect collects an export into a database. Every unit must be accounted for.
func Collect[R sources.Reader](t testing.TB, db *messages.DB, open func(string, sources.Reading) (R, error), path string, own ...string) sources.Summary {
	t.Helper()
	r, err := open(path, Reading(own...))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	summary, err := sources.Export{Reader: r}.Collect(t.Context(), db, sources.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

// NewDB creates a database.
func NewDB(t testing.TB) *messages.DB {
	t.Helper()
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Again checks that an export of at least so many messages is the same when it is collected again, and when a folder is collected as a zip.
func Again[R sources.Reader](t testing.TB, open func(string, sources.Reading) (R, error), path string, least int, own ...string) {
	t.Helper()
	db := NewDB(t)
	Collect(t, db, open, path, own...)
	once := messagestest.Rows(t, db, stored)
	if len(once) < least {
		t.Errorf("there are %d messages, want %d: %q", len(once), least, once)
	}
	places := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		places = append(places, Zipped(t, path))
	}
	for _, place := range places {
		summary := Collect(t, db, open, place, own...)
		if again := messagestest.Rows(t, db, stored); summary.Gone > 0 || !slices.Equal(once, again) {
			t.Errorf("%s: %d are gone; there are %q, then %q", place, summary.Gone, once, again)
		}
	}
}

// Conversations returns the conversations in a database, sorted: the addresses of their members, and the texts of their messages.
func Conversations(t testing.TB, db *messages.DB) (list []string) {
	t.Helper()
	r, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	conversations, err := r.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range conversations {
		var members, texts []string
		for _, m := range conversations[i].Members {
			members = append(members, m.Address)
		}
		err := r.WindowMessages(t.Context(), conversations[i:i+1], func(m *messages.WindowMessage) error {
			texts = append(texts, m.Text)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(members)
		list = append(list, strings.Join(members, " ")+": "+strings.Join(texts, ", "))
	}
	slices.Sort(list)
	return list
}
