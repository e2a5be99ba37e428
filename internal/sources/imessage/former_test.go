package imessage_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// formerSources writes the databases whose messages the files in testdata/former hold: those were left by the last version
// that numbered messages in the order in which they are read.
func formerSources(t *testing.T) (mac, phone *history) {
	mac = newHistory(t, chatdb.Latest)
	ann := mac.Handle("ann@x.org", "iMessage")
	room := mac.Chat(chatdb.Chat{Group: true, Handles: []int64{mac.john, ann}})
	number := 0
	say := func(m chatdb.Message) string {
		number++
		if m.GUID == "" {
			m.GUID = fmt.Sprintf("0A1B2C3D-4E5F-6071-8293-%012X", number)
		}
		return mac.say(m)
	}
	photo := mac.Attachment(chatdb.Attachment{GUID: "at_1", Filename: "~/Library/Messages/Attachments/ab/IMG_1.HEIC"})
	first := say(chatdb.Message{Text: "hello\nthere"})
	parts := say(chatdb.Message{FromMe: true, Attachments: []int64{photo}, Body: chatdb.Parts(chatdb.Part{Text: "look"}, chatdb.Part{Attachment: "at_1"}, chatdb.Part{Text: "nice?"})})
	say(chatdb.Message{Text: "very", ReplyTo: parts, ReplyPart: "1:0:1"})
	say(chatdb.Message{Text: "to nobody", ReplyTo: "NOT-THERE"})
	say(chatdb.Message{Tapback: chatdb.Loved, Target: "p:2/" + parts})
	say(chatdb.Message{FromMe: true, Tapback: chatdb.Liked, Target: "p:0/" + first})
	say(chatdb.Message{FromMe: true, Tapback: chatdb.Liked + chatdb.TakenBack, Target: "p:0/" + first})
	say(chatdb.Message{Tapback: chatdb.Loved, Target: "p:0/NOT-THERE"})
	say(chatdb.Message{GUID: "odd one", Text: "junk", Columns: columns("is_spam", 1)})
	edited := say(chatdb.Message{Text: "final", Columns: columns("message_summary_info",
		summaryInfo(t, map[string]any{"ec": map[string]any{"0": []any{version("helo"), version("final")}}, "otr": ranges(1)}))})
	say(chatdb.Message{Chat: mac.group, Handle: mac.mary, Text: "in a group of three"})
	say(chatdb.Message{Chat: mac.group, Handle: mac.john, Text: "call me: 4111 1111 1111 1111", ReplyTo: first})
	say(chatdb.Message{Chat: room, Handle: mac.mary, Text: "before she left"})
	say(chatdb.Message{Chat: room, Handle: ann, Text: "to Mary"})
	say(chatdb.Message{Chat: room, Handle: mac.mary, Columns: columns("item_type", 3)})
	say(chatdb.Message{Chat: room, Handle: ann, Text: "without her"})
	say(chatdb.Message{Chat: room, Handle: mac.john, Columns: columns("item_type", 2, "group_title", "Fun")})
	gone := say(chatdb.Message{Text: "soon gone"})
	say(chatdb.Message{FromMe: true, Text: "why?", ReplyTo: gone})
	if err := mac.Close(); err != nil {
		t.Fatal(err)
	}
	h := *mac
	h.path = filepath.Join(t.TempDir(), "sms.db")
	copyTo(t, mac.path, h.path)
	phone = &h
	phone.change(func() {
		phone.Exec(`UPDATE message SET text = 'helo', message_summary_info = NULL WHERE guid = ?`, edited)
		phone.say(chatdb.Message{GUID: "0A1B2C3D-4E5F-6071-8293-0000000000FF", Text: "of the phone alone", ReplyTo: first})
	})
	return mac, phone
}

// takeGone takes a message out of the Mac's database.
func takeGone(h *history) {
	h.change(func() { h.Exec(`DELETE FROM message WHERE text = 'soon gone'`) })
}

// TestFormer_Write writes the sources of the files in testdata/former, for a program that makes them.
func TestFormer_Write(t *testing.T) {
	dir := os.Getenv("VQ_FORMER")
	if dir == "" {
		t.Skip("VQ_FORMER names no folder")
	}
	mac, phone := formerSources(t)
	copyTo(t, mac.path, filepath.Join(dir, "mac", "chat.db"))
	copyTo(t, phone.path, filepath.Join(dir, "phone", "sms.db"))
	takeGone(mac)
	copyTo(t, mac.path, filepath.Join(dir, "later", "chat.db"))
}

// formerFile makes a messages.db of one of the files, in which the sources are those of this test.
func formerFile(t *testing.T, name string, mac, phone *history) string {
	t.Helper()
	script := unzipped(t, filepath.Join("testdata", "former", name+".sql.gz"))
	script = bytes.ReplaceAll(script, []byte("{{MAC}}"), []byte(filepath.Dir(mac.path)))
	script = bytes.ReplaceAll(script, []byte("{{PHONE}}"), []byte(filepath.Dir(phone.path)))
	path := filepath.Join(t.TempDir(), "messages.db")
	db, err := sql.Open("sqlite3", path)
	if err == nil {
		_, err = db.Exec(string(script))
	}
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	return path
}

// A file of a former version is converted: it tells what it told, and the next collect of each source leaves what a first
// one would.
func TestFormer_IsConvertedAndCollectedOn(t *testing.T) {
	for _, name := range []string{"one", "several", "kept", "redacted", "forgotten"} {
		t.Run(name, func(t *testing.T) {
			mac, phone := formerSources(t)
			db, err := messages.Open(t.Context(), formerFile(t, name, mac, phone))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var was collected
			was.read(t, db)
			golden(t, filepath.Join("testdata", "former", name+".txt"), was.lines)

			hide := strings.NewReplacer("4111 1111 1111 1111", "[card r2b5nc2c]")
			policy := &messages.Policy{Text: hide.Replace, StandIn: func(address string) string {
				if name == "forgotten" && (address == "mary@x.org" || address == messages.ForgottenName(1)) {
					return messages.ForgottenName(1)
				}
				return ""
			}}
			if name != "redacted" && name != "forgotten" {
				policy = nil
			}
			afresh := fresh(t)
			afresh.SetPolicy(policy)
			db.SetPolicy(policy)
			paths := []string{mac.path}
			if name == "several" {
				paths = []string{mac.path, phone.path, mac.path}
			}
			if name == "kept" {
				takeGone(mac)
			}
			for round := range 2 { // and once more, by what the first collect left
				for i, path := range paths {
					again, want := collectInto(t, path, db, sources.Options{}), collectInto(t, path, afresh, sources.Options{})
					if i == len(paths)-1 && !sameCollection(t, db, afresh, &again, &want) {
						t.Fatalf("after %s", path)
					}
				}
				mac.change(func() {
					mac.say(chatdb.Message{GUID: fmt.Sprint("new ", round), Text: "new", Date: time.Date(2024, 3, 16, 12, round, 0, 0, time.UTC)})
				})
			}
		})
	}
}

// golden holds lines against a file; with VQ_UPDATE it writes the file.
func golden(t *testing.T, path string, lines []string) {
	t.Helper()
	lines = slices.Clone(lines)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "\n", " / ")
	}
	if os.Getenv("VQ_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"); !slices.Equal(lines, want) {
		t.Errorf("it holds\n  %s\nwant\n  %s", strings.Join(lines, "\n  "), strings.Join(want, "\n  "))
	}
}
