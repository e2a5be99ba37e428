package windows_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"ventriloquist/internal/windows"
)

// All pages of a conversation, from the last to the first, hold each of its messages once, in order.
func TestHistory_Pages(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	fill(t, db, said("a", "b", "c\nd", "e", "f", "g"))
	if _, err := windows.Build(context.Background(), db, options(4, 1)); err != nil {
		t.Fatal(err)
	}
	h, err := windows.OpenHistory(context.Background(), db.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	list, err := h.Conversations(context.Background())
	if err != nil || len(list) != 1 || list[0].Messages != 7 || strings.Join(list[0].Members, " ") != "Aidan John" || list[0].Last.Before(monday) {
		t.Fatalf("the conversations are %+v, %v", list, err)
	}
	var before int64
	all, deltas := "", ""
	for more := true; more; {
		var page []windows.PastMessage
		if page, more, err = h.Page(context.Background(), list[0].ID, before, 3); err != nil || len(page) == 0 || len(page) > 3 {
			t.Fatalf("a page of %d, %v", len(page), err)
		}
		text := ""
		for _, m := range page {
			text += m.Text
			deltas += m.Delta // the first page has the last messages
		}
		all, before = text+all, page[0].ID
	}
	if all != "abcdefg" {
		t.Errorf("the pages hold %q", all)
	}
	if want := "<5m<5m<5m" + "<5m<5m<1m" + "<1m"; deltas != want {
		t.Errorf("the deltas are %s, want %s", deltas, want)
	}
	if page, more, err := h.Page(context.Background(), list[0].ID, before, 3); len(page) != 0 || more || err != nil {
		t.Errorf("before the first message: %v %v %v", page, more, err)
	}
	if _, _, err := h.Page(context.Background(), 9, 0, 3); !errors.Is(err, windows.ErrNoConversation) {
		t.Errorf("a conversation that does not exist: %v", err)
	}
}
