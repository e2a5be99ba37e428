package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/usererr"
)

// collected returns the options for a data folder with a small collected history and its contacts.
func collected(t *testing.T) preprocessOptions {
	t.Helper()
	dir := t.TempDir()
	o := preprocessOptions{dataDir: filepath.Join(dir, "data"), owner: "Aidan", identifiers: "+12125550100", window: 100, stride: 1}
	source := filepath.Join(dir, "chat.db")
	writeHistory(t, source)
	if err := runCollect(context.Background(), collectOptions{source: source, dataDir: o.dataDir}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	const people = `{"contact": "John", "ids": ["(212) 555-0101", "J@iCloud.com"]}
{"contact": "Zoë \"Z\"", "ids": ["+1 212 555 0102"]}
`
	if err := os.WriteFile(filepath.Join(o.dataDir, "contacts_to_ids.jsonl"), []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// writeHistory writes a chat.db with two chats with John, a group with Zoë and a group with a stranger.
func writeHistory(t *testing.T, path string) {
	t.Helper()
	w, err := chatdb.Create(path, chatdb.Latest)
	if err != nil {
		t.Fatal(err)
	}
	john, mail := w.Handle("+12125550101", "iMessage"), w.Handle("j@icloud.com", "iMessage")
	zoe, stranger := w.Handle("+12125550102", "SMS"), w.Handle("+12125550109", "SMS")
	direct, other := w.Chat(chatdb.Chat{Handles: []int64{john}}), w.Chat(chatdb.Chat{Handles: []int64{mail}})
	group := w.Chat(chatdb.Chat{Group: true, Handles: []int64{john, zoe}})
	mixed := w.Chat(chatdb.Chat{Group: true, Handles: []int64{john, stranger}})
	at := func(minutes int) time.Time {
		return time.Date(2024, 3, 15, 23, 50, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
	}
	photo := w.Attachment(chatdb.Attachment{GUID: "at_0_photo", Filename: "~/Library/Messages/Attachments/00/IMG_7.HEIC", MIMEType: "image/heic"})

	question := w.Message(chatdb.Message{Chat: direct, FromMe: true, Date: at(0), Text: "hey\nwhat's \"up\" </b>?"})
	w.Message(chatdb.Message{Chat: other, Handle: mail, Date: at(4), Text: "not much\u2028you?", ReplyTo: question})
	picture := w.Message(chatdb.Message{Chat: direct, FromMe: true, Date: at(20), Attachments: []int64{photo}, Body: chatdb.Parts(chatdb.Part{Attachment: "at_0_photo"})})
	w.Message(chatdb.Message{Chat: direct, Handle: john, Date: at(20), Tapback: chatdb.Loved, Target: "p:0/" + picture})
	w.Message(chatdb.Message{Chat: group, Handle: zoe, Date: at(2), Text: "hi both"})
	w.Message(chatdb.Message{Chat: mixed, Handle: stranger, Date: at(3), Text: "who is this"})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// From Apple's database to the window file, byte for byte.
func TestPreprocess_FromChatDB(t *testing.T) {
	o := collected(t)
	o.export = filepath.Join(o.dataDir, "windows.jsonl")
	o.stride = 3
	var out bytes.Buffer
	if err := runPreprocess(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	const want = `{"text": "{\"type\": \"dm\", \"members\": [\"Aidan\", \"John\"], \"start\": \"2024-03-15\"}\n` +
		`{\"name\": \"Aidan\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"hey\"}\n` +
		`{\"name\": \"Aidan\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"what's \\\"up\\\" </b>?\"}\n` +
		`{\"name\": \"John\", \"delta\": \"<5m\", \"reply_to\": \"hey\", \"content_type\": \"text\", \"text\": \"not much` + "\u2028" + `you?\"}\n", "targets": 3}
{"text": "{\"type\": \"dm\", \"members\": [\"Aidan\", \"John\"], \"start\": \"2024-03-15\"}\n` +
		`{\"name\": \"Aidan\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"hey\"}\n` +
		`{\"name\": \"Aidan\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"what's \\\"up\\\" </b>?\"}\n` +
		`{\"name\": \"John\", \"delta\": \"<5m\", \"reply_to\": \"hey\", \"content_type\": \"text\", \"text\": \"not much` + "\u2028" + `you?\"}\n` +
		`{\"name\": \"Aidan\", \"delta\": \"<1h\", \"reply_to\": null, \"content_type\": \"image\", \"text\": \"IMG_7.HEIC\"}\n` +
		`{\"name\": \"John\", \"delta\": \"<1m\", \"reply_to\": \"IMG_7.HEIC\", \"content_type\": \"reaction\", \"text\": \"Loved\"}\n", "targets": 2}
{"text": "{\"type\": \"group\", \"members\": [\"Aidan\", \"John\", \"Zoë \\\"Z\\\"\"], \"start\": \"2024-03-15\"}\n` +
		`{\"name\": \"Zoë \\\"Z\\\"\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"hi both\"}\n"}
`
	got, err := os.ReadFile(o.export)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("the window file is\n%s\nwant\n%s", got, want)
	}
	if s := out.String(); !strings.Contains(s, "3 windows of 6 messages in 2 conversations") || !strings.Contains(s, "+12125550109") {
		t.Errorf("it printed\n%s", s)
	}
	for _, path := range []string{o.export, filepath.Join(o.dataDir, "messages.db")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestPreprocess_JSON(t *testing.T) {
	o := collected(t)
	o.json = true
	var out bytes.Buffer
	if err := runPreprocess(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Export                 string
		Conversations, Windows int
		LeftOut                struct {
			Messages int
			People   []struct{ Address string }
		} `json:"left_out"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Export != filepath.Join(o.dataDir, "training_windows.jsonl") || got.Conversations != 2 || got.Windows != 6 ||
		got.LeftOut.Messages != 1 || len(got.LeftOut.People) != 1 {
		t.Errorf("it printed %s", out.String())
	}
}

// A window file without --export must not fill the disk, and an old one must not contradict messages.db.
func TestPreprocess_LargeExportNeedsTheFlag(t *testing.T) {
	o := collected(t)
	if err := runPreprocess(context.Background(), o, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	db, err := messages.Open(context.Background(), filepath.Join(o.dataDir, "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	path, err := exportWindows(context.Background(), o, db, exportLimit+1)
	if _, gone := os.Stat(filepath.Join(o.dataDir, "training_windows.jsonl")); path != "" || err != nil || !errors.Is(gone, os.ErrNotExist) {
		t.Errorf("it wrote %q (%v), and the old file: %v", path, err, gone)
	}
	o.export = filepath.Join(o.dataDir, "asked.jsonl")
	if path, err := exportWindows(context.Background(), o, db, exportLimit+1); path != o.export || err != nil {
		t.Errorf("it wrote %q (%v)", path, err)
	}
}

func TestPreprocess_Errors(t *testing.T) {
	for name, c := range map[string]struct {
		change     func(*preprocessOptions)
		want, hint string
		usage      bool
	}{
		"NoName":        {func(o *preprocessOptions) { o.owner = "" }, "MY_NAME is not set", `add the line MY_NAME="Your Name" to /`, false},
		"NotCollected":  {func(o *preprocessOptions) { o.dataDir = "no-such-folder" }, "no-such-folder", "vqctl collect", false},
		"NoContacts":    {func(o *preprocessOptions) { o.contacts = "no-such-file" }, "no-such-file", `{"contact": "John"`, false},
		"StrideTooLong": {func(o *preprocessOptions) { o.window, o.stride = 3, 4 }, "--stride is 4", "", true},
		"NoFolder":      {func(o *preprocessOptions) { o.export = "no-such-folder/x" }, "no-such-folder/x", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			o := collected(t)
			c.change(&o)
			err := runPreprocess(context.Background(), o, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(usererr.Of(err), c.hint) || errors.Is(err, usererr.ErrUsage) != c.usage {
				t.Errorf("error %v, hint %q", err, usererr.Of(err))
			}
		})
	}
}
