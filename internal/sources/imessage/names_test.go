package imessage_test

import (
	"slices"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// A group's name follows the source; a direct chat has none.
func TestCollect_NamesGroups(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	family := h.Chat(chatdb.Chat{Group: true, Handles: []int64{h.john, h.mary, h.Handle("ann@x.org", "iMessage")}, Name: ` Family "2015" 💖 `})
	h.say(chatdb.Message{Text: "alone"})
	h.say(chatdb.Message{Chat: h.group, Text: "without a name"})
	h.say(chatdb.Message{Chat: family, Text: "together"})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	db := fresh(t)
	wantNames := func(want ...string) {
		t.Helper()
		collectInto(t, h.path, db, sources.Options{})
		if names := groupNames(t, db); !slices.Equal(names, want) {
			t.Errorf("names are %q, want %q", names, want)
		}
	}
	wantNames("", "", `Family "2015" 💖`)
	h.change(func() {
		h.Exec(`UPDATE chat SET display_name = 'We' WHERE ROWID = ?`, family)
		h.Exec(`UPDATE chat SET display_name = 'Both' WHERE ROWID = ?`, h.group)
	})
	wantNames("", "Both", "We")
	h.change(func() { h.Exec(`UPDATE chat SET display_name = NULL WHERE ROWID = ?`, family) })
	wantNames("", "", "Both")
}

// groupNames returns the names of all conversations, sorted.
func groupNames(t *testing.T, db *messages.DB) (names []string) {
	t.Helper()
	reader, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := reader.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		names = append(names, list[i].Name)
	}
	slices.Sort(names)
	return names
}
