package imessage_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// change writes to the database of a finished history.
func (h *history) change(write func()) {
	h.t.Helper()
	var err error
	if h.Writer, err = chatdb.Append(h.path, chatdb.Latest); err != nil {
		h.t.Fatal(err)
	}
	write()
	if err := h.Close(); err != nil {
		h.t.Fatal(err)
	}
}

// Fault 8 of the reference pipeline: late arrivals, edits and unsends were never seen. A second collect gives what a first
// one gives.
func TestFault08_CollectingAgainSeesEveryChange(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	edited, unsent, deleted := h.say(chatdb.Message{Text: "helo"}), h.say(chatdb.Message{Text: "oops"}), h.say(chatdb.Message{Text: "bye"})
	early := h.now()
	h.say(chatdb.Message{FromMe: true, Tapback: chatdb.Loved, Target: "p:0/" + edited})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	db := fresh(t)
	collectInto(t, h.path, db, sources.Options{}).want(t, "direct john", "john text: helo", "john text: oops", "john text: bye", "me reaction: Loved <- helo")

	h.change(func() {
		h.Exec(`UPDATE message SET text = 'hello', attributedBody = NULL, date_edited = 1 WHERE guid = ?`, edited)
		h.Exec(`UPDATE message SET text = NULL, attributedBody = NULL, date_retracted = 1 WHERE guid = ?`, unsent)
		h.Exec(`DELETE FROM message WHERE guid = ?`, deleted)
		h.say(chatdb.Message{Date: early, Text: "late from the cloud"})
		h.say(chatdb.Message{FromMe: true, Tapback: chatdb.Loved + chatdb.TakenBack, Target: "p:0/" + edited})
		h.say(chatdb.Message{Chat: h.group, Text: "new"})
	})
	again := collectInto(t, h.path, db, sources.Options{})
	again.want(t, "direct john", "john text: hello", "john text: late from the cloud", "group john mary", "john text: new")
	if again.summary.Gone != 1 {
		t.Errorf("%d rows are gone, want 1", again.summary.Gone)
	}
	first := collectInto(t, h.path, fresh(t), sources.Options{})
	if !slices.Equal(again.lines, first.lines) || again.summary.Rows != first.summary.Rows {
		t.Errorf("collected again\n%v\nafresh\n%v", again, first)
	}
}

// A message that the Mac knows to be unsent does not come back with an old backup, though the Mac was amended only.
func TestUnsent_DoesNotComeBackFromABackup(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	unsent := h.say(chatdb.Message{Text: "oops"})
	h.say(chatdb.Message{Text: "bye"})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "sms.db")
	data, err := os.ReadFile(h.path)
	if err == nil {
		err = os.WriteFile(backup, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	db := fresh(t)
	collectInto(t, h.path, db, sources.Options{}).want(t, "direct john", "john text: oops", "john text: bye")
	h.change(func() {
		h.Exec(`UPDATE message SET text = NULL, attributedBody = NULL, date_retracted = 1 WHERE guid = ?`, unsent)
	})
	collectInto(t, h.path, db, sources.Options{}).want(t, "direct john", "john text: bye")
	collectInto(t, backup, db, sources.Options{}).want(t, "direct john", "john text: bye")
	collectInto(t, h.path, db, sources.Options{}).want(t, "direct john", "john text: bye")
}

// Of a message that the Mac knows edited and an old backup does not, the edited text counts, in whatever order they are read.
func TestEdited_TheLaterTextCountsWhoeverIsReadLast(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	plain := h.say(chatdb.Message{Text: "helo"})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "sms.db")
	data, err := os.ReadFile(h.path)
	if err == nil {
		err = os.WriteFile(backup, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.change(func() {
		h.Exec(`UPDATE message SET text = 'hello', attributedBody = NULL, date_edited = 1, message_summary_info = ? WHERE guid = ?`,
			summaryInfo(t, map[string]any{"ec": map[string]any{"0": []any{version("helo"), version("hello")}}, "otr": ranges(1)}), plain)
		h.say(chatdb.Message{FromMe: true, Tapback: chatdb.Loved, Target: "p:0/" + plain})
	})
	for name, order := range map[string][]string{"MacFirst": {h.path, backup, backup}, "BackupFirst": {backup, h.path}, "InTurns": {h.path, backup, h.path, backup}} {
		t.Run(name, func(t *testing.T) {
			db := fresh(t)
			for _, path := range order[:len(order)-1] {
				collectInto(t, path, db, sources.Options{})
			}
			collectInto(t, order[len(order)-1], db, sources.Options{}).want(t, "direct john", "john text: hello", "me reaction: Loved <- hello")
		})
	}
}

func TestGone_KeepGoneKeepsThem(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	photo := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/a.png"})
	gone := h.say(chatdb.Message{Attachments: []int64{photo}, Body: chatdb.Parts(chatdb.Part{Text: "see"}, chatdb.Part{Attachment: "a"})})
	stays := h.say(chatdb.Message{Chat: h.group, Text: "stays"})
	reply := h.say(chatdb.Message{FromMe: true, Text: "nice", ReplyTo: gone, ReplyPart: "1:0:1"})
	h.say(chatdb.Message{Handle: h.mary, Tapback: chatdb.Liked, Target: gone})
	taken := h.say(chatdb.Message{Handle: h.mary, Tapback: chatdb.Liked + chatdb.TakenBack, Target: gone})
	retracted := h.say(chatdb.Message{Text: "oops"})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	db := fresh(t)
	collectInto(t, h.path, db, sources.Options{}).want(t, "direct john", "john text: see", "john image: a.png", "me text: nice <- a.png",
		"john text: oops", "group john mary", "john text: stays")
	h.change(func() {
		for _, guid := range []string{gone, reply, taken} {
			h.Exec(`DELETE FROM message WHERE guid = ?`, guid)
		}
		h.Exec(`UPDATE message SET text = NULL, attributedBody = NULL, date_retracted = 1 WHERE guid = ?`, retracted)
		h.say(chatdb.Message{Chat: h.group, Text: "and", ReplyTo: stays})
	})
	for range 2 { // keeping is for good
		kept := collectInto(t, h.path, db, sources.Options{KeepGone: true})
		kept.want(t, "direct john", "john text: see", "john image: a.png", "me text: nice <- a.png",
			"group john mary", "john text: stays", "john text: and <- stays")
		if kept.summary.Gone != 2 || !kept.summary.Kept {
			t.Errorf("%d rows are gone (kept %v), want 2 kept", kept.summary.Gone, kept.summary.Kept)
		}
	}
	collectInto(t, h.path, db, sources.Options{}).want(t, "group john mary", "john text: stays", "john text: and <- stays")
}

func TestCollect_OldSchemas(t *testing.T) {
	for name, release := range map[string]chatdb.Release{"Latest": chatdb.Latest, "MacOS13": chatdb.MacOS13, "HighSierra": chatdb.HighSierra} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t, release)
			a := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/a.png"})
			guid := h.say(chatdb.Message{Text: "hello", Attachments: []int64{a}})
			h.say(chatdb.Message{FromMe: true, Tapback: chatdb.Loved, Target: "p:0/" + guid})
			h.collect().want(t, "direct john", "john text: hello", "john image: a.png", "me reaction: Loved <- hello")
		})
	}
}
