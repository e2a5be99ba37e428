package windows_test

import (
	"context"
	"strings"
	"testing"

	"ventriloquist/internal/windows"
)

// The last messages are the lines that Build stores, and nothing is stored.
func TestChat_RecentIsTheEndOfTheConversation(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	fill(t, db, said("a", "b", "c\nd", "e", "f", "g"))
	chats, _, err := windows.Chats(context.Background(), db, options(4, 1))
	if err != nil || len(chats) != 1 || chats[0].Title != "John" || strings.Join(chats[0].Members, " ") != "Aidan John" {
		t.Fatalf("the conversations are %+v, %v", chats, err)
	}
	for limit, want := range map[int]string{1: "John: g", 3: "John: e|Aidan: f|John: g", 7: "Aidan: a|John: b|Aidan: c|Aidan: d|John: e|Aidan: f|John: g", 100: "Aidan: a|John: b|Aidan: c|Aidan: d|John: e|Aidan: f|John: g"} {
		recent, err := chats[0].Recent(context.Background(), limit)
		var lines []string
		for _, m := range recent {
			lines = append(lines, m.Name+": "+m.Text)
		}
		if got := strings.Join(lines, "|"); err != nil || got != want {
			t.Errorf("the last %d are %q, %v; want %q", limit, got, err, want)
		}
	}
	h, err := windows.OpenHistory(context.Background(), db.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if list, err := h.Conversations(context.Background()); err != nil || len(list) > 0 {
		t.Errorf("%d conversations were stored, %v", len(list), err)
	}
}
