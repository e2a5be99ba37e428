package telegramhtml_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/sources/telegram"
	"ventriloquist/internal/sources/telegramhtml"
)

// The same chats as HTML and as JSON.
var (
	directHTML = page("John Smith", said(10, "John Smith", first, text("hey")), said(11, "", first, text("you")), said(12, "Aidan", later, text("yes")+
		`<span class="reactions"><span class="reaction"><span class="emoji">❤</span><span class="userpics"><div class="userpic"><div class="initials" title="John Smith">JS</div></div></span></span></span>`))
	directJSON = `{"name": "John Smith", "type": "personal_chat", "id": 200, "messages": [
		{"id": 10, "type": "message", "date_unixtime": "1710529323", "from": "John Smith", "from_id": "user200", "text": "hey"},
		{"id": 11, "type": "message", "date_unixtime": "1710529323", "from": "John Smith", "from_id": "user200", "text": "you"},
		{"id": 12, "type": "message", "date_unixtime": "1710529329", "from": "Aidan", "from_id": "user100", "text": "yes", "reactions": [{"type": "emoji", "emoji": "❤", "recent": [{"from": "John Smith", "from_id": "user200"}]}]},
		{"id": 13, "type": "message", "date_unixtime": "1710529429", "from": "Aidan", "from_id": "user100", "text": "later"}]}`
	groupHTML = page("Trip", said(1, "Aidan", first, text("who")), said(2, "Zoë", first, text("me")), said(3, "John Smith", later, text("me too")))
	groupJSON = `{"name": "Trip", "type": "private_supergroup", "id": 300, "messages": [
		{"id": 1, "type": "message", "date_unixtime": "1710529323", "from": "Aidan", "from_id": "user100", "text": "who"},
		{"id": 2, "type": "message", "date_unixtime": "1710529323", "from": "Zoë", "from_id": "user500", "text": "me"},
		{"id": 3, "type": "message", "date_unixtime": "1710529329", "from": "John Smith", "from_id": "user200", "text": "me too"}]}`
	// another group numbers its messages alike
	otherHTML = page("Pub", said(1, "Aidan", first, text("tonight?")), said(2, "Zoë", first, text("sure")), said(3, "Ed", later, text("no")))
)

func collect(t *testing.T, db *messages.DB, name, content string) sources.Summary {
	t.Helper()
	path := sourcetest.Write(t, name, content)
	var r sources.Reader
	var err error
	if strings.HasSuffix(name, ".html") {
		r, err = telegramhtml.Open(path, sourcetest.Reading("Aidan"))
	} else {
		r, err = telegram.Open(path, sourcetest.Reading("Aidan"))
	}
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

// A chat exported as JSON and as HTML is one chat, whichever is collected first, and again and again.
func TestCollect_OneHistoryWithJSON(t *testing.T) {
	t.Parallel()
	files := map[string]string{"direct.html": directHTML, "direct.json": directJSON, "group.html": groupHTML, "group.json": groupJSON, "other.html": otherHTML}
	want := []string{"", " later", " tonight?", " who", " yes", "Ed no", "Zoë sure", "user200 hey", "user200 me too", "user200 you", "user200 ❤", "user500 me"}[1:]
	for name, order := range map[string]string{
		"JSONFirst": "direct.json group.json other.html direct.html group.html",
		"HTMLFirst": "direct.html other.html group.html group.json direct.json",
		"Again":     "direct.html group.html direct.json group.json other.html direct.html group.html other.html direct.json direct.html",
	} {
		db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, file := range strings.Fields(order) {
			if summary := collect(t, db, file, files[file]); summary.Gone > 0 && file != "direct.json" && file != "group.json" {
				t.Errorf("%s: %s removes %d messages", name, file, summary.Gone)
			}
		}
		got := messagestest.Rows(t, db, `SELECT coalesce(h.address, '') || ' ' || m.text FROM message m LEFT JOIN handle h ON h.id = m.sender ORDER BY 1`)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the store holds %q", name, got)
		}
		if sources := messagestest.Rows(t, db, `SELECT count(*) FROM source`); sources[0] != "3" {
			t.Errorf("%s: there are %s chats", name, sources[0])
		}
	}
}

// An export is the same when it is collected again.
func TestCollect_Again(t *testing.T) {
	t.Parallel()
	sourcetest.Again(t, telegramhtml.Open, sourcetest.WriteFiles(t, map[string]string{"messages.html": direct}), 16, "Aidan")
}
