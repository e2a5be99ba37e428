package messages_test

import (
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
)

// filesOf returns where the attachments lie, by identifier.
func filesOf(t *testing.T, db *messages.DB) map[string]messages.FilePlace {
	t.Helper()
	list, err := db.Attachments(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]messages.FilePlace)
	for _, a := range list {
		files[a.GUID] = a.File
	}
	return files
}

func TestAttachments_FilesAreKept(t *testing.T) {
	db := create(t)
	file := func(guid, name, root, path string) entry {
		return entry{GUID: guid, Kind: messages.Image, Text: name, Attachment: guid, File: messages.FilePlace{Root: root, Path: path}}
	}
	want := map[string]messages.FilePlace{
		"a": {Root: "/messages", Path: "~/Library/Attachments/ab/a.jpg"},
		"b": {Root: "/messages", Path: "~/Library/Attachments/ab/b.jpg"},
		"c": {Root: "/exports/chat.zip", Path: "c.jpg"},
		"d": {},
		"e": {Root: "/messages", Path: "~/Library/Attachments/folder"},
	}
	collect(t, db, "mac", messages.Whole, false, file("a", "a.jpg", want["a"].Root, want["a"].Path), file("b", "other", want["b"].Root, want["b"].Path),
		file("e", "", want["e"].Root, want["e"].Path+"/"))
	collect(t, db, "chat", messages.Whole, false, file("c", "c.jpg", want["c"].Root, want["c"].Path), file("d", "d.jpg", "/nowhere", ""))
	for range 2 { // also when another source is collected anew
		got := filesOf(t, db)
		if len(got) != len(want) {
			t.Errorf("there are %d attachments, want %d", len(got), len(want))
		}
		for guid, w := range want {
			if got[guid] != w {
				t.Errorf("attachment %s lies in %q, want %q", guid, got[guid], w)
			}
		}
		collect(t, db, "other", messages.Whole, false, said("x", 5, "x"))
	}
	var roots int
	collect(t, db, "chat", messages.Whole, false)
	if err := db.SQL().QueryRow(`SELECT count(*) FROM attachment_root`).Scan(&roots); err != nil || roots != 1 {
		t.Errorf("%d roots are left (%v), want 1", roots, err)
	}
}

func TestDescribe(t *testing.T) {
	db := create(t)
	collect(t, db, "mac", messages.Whole, false, entry{GUID: "1", Date: 1, Kind: messages.Image, Text: "a.jpg", Attachment: "a"},
		entry{GUID: "2", Date: 2, Kind: messages.Audio, Text: "b.caf", Attachment: "b", Transcript: "hello"},
		entry{GUID: "3", Date: 3, Kind: messages.Image, Text: "a.jpg", Attachment: "a"},
		entry{GUID: "4", Date: 4, Kind: messages.Image, Text: "theirs.jpg", Attachment: "theirs"})
	execute(t, db.Path(), `INSERT INTO attachment_descriptions (attachment_guid, description) VALUES ('theirs', 'by another program')`)
	failed := messages.Description{GUID: "a", Status: messages.Failed, Hash: []byte("h"), Error: "too large", At: 5}
	done := messages.Description{GUID: "a", Status: messages.Described, Text: "A cat.", Model: "m", Hash: []byte("h"), At: 6}
	for _, d := range []messages.Description{failed, done, failed} { // a failure takes no words away
		if err := db.Describe(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	list, err := db.Attachments(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range list {
		got = append(got, a.GUID+" "+a.Kind.String()+" "+a.Name+" "+string(a.Status)+" "+a.Text+" "+a.Transcript)
	}
	wantStrings(t, got, "theirs image theirs.jpg described by another program ", "a image a.jpg described A cat. ", "b audio b.caf   hello")
	known, err := db.Descriptions(t.Context())
	if err != nil || len(known) != 1 || known[0].Text != "A cat." || string(known[0].Hash) != "h" || known[0].Model != "m" {
		t.Errorf("known by content are %+v (%v)", known, err)
	}
	wantTexts(t, read(t, db, nil), "A cat.", "hello", "A cat.", "by another program")
}

func wantStrings(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// What was redacted does not come back in the words of an attachment.
func TestDescribe_Redacted(t *testing.T) {
	db := create(t)
	db.SetPolicy(&messages.Policy{Text: func(s string) string { return strings.ReplaceAll(s, "4111", "CARD") }})
	if err := db.Describe(t.Context(), messages.Description{GUID: "a", Status: messages.Described, Text: "A card, 4111.", Hash: []byte("h")}); err != nil {
		t.Fatal(err)
	}
	if known, err := db.Descriptions(t.Context()); err != nil || len(known) != 1 || known[0].Text != "A card, CARD." {
		t.Errorf("known are %+v (%v)", known, err)
	}
}
