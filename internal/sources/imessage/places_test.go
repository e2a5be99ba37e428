package imessage_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// Where an attachment's file lies is told by the source: a path of the Mac, beside its database, or one in a backup.
func TestAttachments_WhereTheirFilesLie(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	photo := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/Library/SMS/Attachments/ab/a.png"})
	lost := h.Attachment(chatdb.Attachment{GUID: "b", Columns: map[string]any{"filename": nil, "transfer_name": "b.png"}})
	h.say(chatdb.Message{Attachments: []int64{photo, lost}, Body: chatdb.Parts(chatdb.Part{Text: "see"}, chatdb.Part{Attachment: "a"})})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	backup := t.TempDir()
	copyTo(t, h.path, filepath.Join(backup, "3d", "3d0d7e5fb2ce288813306e4d4636395e047a3d28"))
	for source, root := range map[string]string{h.path: filepath.Dir(h.path), backup: backup} {
		db := fresh(t)
		collectInto(t, source, db, sources.Options{})
		list, err := db.Attachments(t.Context())
		if err != nil || len(list) != 2 {
			t.Fatalf("there are %d attachments (%v), want 2", len(list), err)
		}
		for _, a := range list {
			want := messages.FilePlace{}
			if a.GUID == "a" {
				want = messages.FilePlace{Root: root, Path: "~/Library/SMS/Attachments/ab/a.png"}
			}
			if a.File != want {
				t.Errorf("attachment %s lies in %q, want %q", a.GUID, a.File, want)
			}
		}
	}
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err == nil {
		_, err = io.Copy(out, in)
	}
	if err != nil {
		t.Fatal(err)
	}
	out.Close()
}
