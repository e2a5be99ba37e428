package imessage_test

import (
	"slices"
	"testing"

	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// Chats that have messages are listed with their members, the one with the latest message first.
func TestSource_ChatRows(t *testing.T) {
	t.Parallel()
	for _, release := range []chatdb.Release{chatdb.Latest, chatdb.HighSierra} {
		h := newHistory(t, release)
		h.Chat(chatdb.Chat{Handles: []int64{h.mary}}) // no messages
		h.say(chatdb.Message{Chat: h.group, Text: "a"})
		h.say(chatdb.Message{Text: "b"})
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		source, err := imessage.Open(t.Context(), h.path, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		rows, err := source.ChatRows(t.Context())
		if err != nil || len(rows) != 2 || rows[0].Group || !rows[1].Group || rows[0].GUID == "" ||
			!slices.Equal(rows[0].Addresses, []string{"+15550000001"}) || !slices.Equal(rows[1].Addresses, []string{"+15550000001", "mary@x.org"}) {
			t.Errorf("%s: the chats are %+v, %v", release, rows, err)
		}
	}
}
