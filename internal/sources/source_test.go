package sources_test

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/sources"
)

func TestKeys_TheSameTwiceIsTwo(t *testing.T) {
	noon := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)
	said := func(k *sources.Keys, chat, sender, words string, minute int) string {
		return k.GUID(chat, sender, noon.Add(time.Duration(minute)*time.Minute), words)
	}
	all := func() []string {
		var k sources.Keys
		return []string{said(&k, "a", "John", "ok", 0), said(&k, "b", "John", "ok", 0), said(&k, "a", "John", "ok", 0),
			said(&k, "a", "Mary", "ok", 0), said(&k, "a", "Johno", "k", 0), said(&k, "a", "John", "ok", 0), said(&k, "a", "John", "ok", 1)}
	}
	first := all()
	if !slices.Equal(first, all()) {
		t.Error("they are not the same again")
	}
	slices.Sort(first)
	if len(slices.Compact(first)) != 7 {
		t.Errorf("of seven messages there are %d", len(slices.Compact(first)))
	}
	var k sources.Keys // a later export begins later
	said(&k, "a", "Mary", "ok", 0)
	if guid := said(&k, "a", "John", "ok", 1); guid != all()[6] || len(guid) != 36 {
		t.Errorf("an export that begins later calls it %s, not %s", guid, all()[6])
	}
}

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for value, want := range map[string]string{
		`"2024-03-15T19:02:00Z"`:           "2024-03-15T19:02:00Z",
		`"2024-03-15T19:02:00.25+02:00"`:   "2024-03-15T17:02:00.25Z",
		`"2024-03-15T19:02:00"`:            "2024-03-15T18:02:00Z",
		`"2024-03-15 19:02"`:               "2024-03-15T18:02:00Z",
		`"2024-03-15 19:02:03.004+00:00"`:  "2024-03-15T19:02:03.004Z",
		`1710529320`:                       "2024-03-15T19:02:00Z",
		`1710529320.5`:                     "2024-03-15T19:02:00.5Z",
		`1710529320123`:                    "2024-03-15T19:02:00.123Z",
		`-1`:                               "1969-12-31T23:59:59Z",
		`true`:                             "",
		`"15.3.2024"`:                      "",
		`1e300`:                            "",
		`null`:                             "0001-01-01T00:00:00Z",
		``:                                 "0001-01-01T00:00:00Z",
		`0`:                                "0001-01-01T00:00:00Z",
		`"0"`:                              "0001-01-01T00:00:00Z",
		`""`:                               "0001-01-01T00:00:00Z",
		`"0000-00-00 00:00:00"`:            "0001-01-01T00:00:00Z",
		`"1970-01-01T00:00:00Z"`:           "0001-01-01T00:00:00Z",
		`"0001-01-01T00:00:00Z"`:           "0001-01-01T00:00:00Z",
		`"2024-02-30T00:00:00Z"`:           "",
		`100000000000000`:                  "",
		`"2024-03-15T19:02:00 extra text"`: "",
	} {
		at, err := sources.ParseTime(json.RawMessage(value), zone)
		if (err != nil) != (want == "") || err == nil && at.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%s is %v (%v), want %s", value, at, err, want)
		}
	}
}

func TestReadHead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "chat.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	w.Create("_chat.txt")
	w.Close()
	f.Close()
	if h, err := sources.ReadHead(path); err != nil || !slices.Equal(h.Names, []string{"_chat.txt"}) || sources.Base(h.Path) != "chat" {
		t.Errorf("head is %+v (%v)", h, err)
	}
	// A zip with one file is that file; SMS Backup & Restore makes such.
	f, err = os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w = zip.NewWriter(f)
	inside, _ := w.Create("sms.xml")
	inside.Write([]byte("<smses>"))
	w.Close()
	f.Close()
	if h, err := sources.ReadHead(path); err != nil || string(h.Text) != "<smses>" || !slices.Equal(h.Names, []string{"sms.xml"}) {
		t.Errorf("head is %+v (%v)", h, err)
	}
	if in, err := sources.Open(path); err != nil {
		t.Error(err)
	} else if text, err := io.ReadAll(in); err != nil || string(text) != "<smses>" || in.Close() != nil {
		t.Errorf("it holds %q (%v)", text, err)
	}
	if h, err := sources.ReadHead(dir); err != nil || !h.Dir || !slices.Equal(h.Names, []string{"sms.xml"}) || !slices.Equal(h.Zips, []string{path}) {
		t.Errorf("head is %+v (%v)", h, err)
	}
	if _, err := sources.ReadHead(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

// fake is a source of what it is given.
type fake struct {
	messages []sources.Message
	total    int64
}

func (f *fake) Path() string { return "fake" }
func (f *fake) Unit() string { return "lines" }
func (f *fake) Close() error { return nil }

func (f *fake) Read(_ context.Context, sink sources.Sink) (int64, error) {
	for i := range f.messages {
		if err := sink.Message(&f.messages[i]); err != nil {
			return 0, err
		}
	}
	sink.Count(sources.Events, 2)
	sink.Name("john", "John Smith")
	sink.Own("+1")
	sink.Own("+1")
	sink.Note("that was %s", "all")
	sink.Progress(1, 1)
	return f.total, nil
}

func TestCollect(t *testing.T) {
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	chat := &sources.Chat{Source: "fake", Members: []string{"john"}}
	at := time.Unix(1710529320, 0)
	f := &fake{total: 4, messages: []sources.Message{
		{Chat: chat, GUID: "a", Row: 1, Time: at, Sender: "john", Parts: []sources.Part{{Text: "hi"}, {Kind: messages.Image, Text: "a.jpg", Attachment: "at"}}},
		{Chat: chat, GUID: "b", Row: 2, Time: at, Parts: []sources.Part{{Kind: messages.Reaction, Text: "Loved"}}, ReplyTo: "a"},
	}}
	summary, err := sources.Export{Reader: f}.Collect(t.Context(), db, sources.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if summary.Rows[sources.Messages] != 1 || summary.Rows[sources.Reactions] != 1 || summary.Rows[sources.Events] != 2 || summary.Total != 4 || summary.Messages != 3 ||
		!slices.Equal(summary.Notes, []string{"that was all"}) {
		t.Errorf("summary is %+v", summary)
	}
	reader, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	conversations, err := reader.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	reader.WindowMessages(t.Context(), conversations, func(m *messages.WindowMessage) error {
		line := m.Sender + " " + m.Kind.String() + " " + m.Text
		if m.Replies {
			line += " <- " + m.QuotedText
		}
		got = append(got, line)
		return nil
	})
	if want := []string{"john text hi", "john image a.jpg", " reaction Loved <- hi"}; !reflect.DeepEqual(got, want) {
		t.Errorf("messages are %q, want %q", got, want)
	}
	if names, err := reader.Names(t.Context()); err != nil || names["john"] != "John Smith" {
		t.Errorf("names are %v (%v)", names, err)
	}
	if own, err := db.OwnAddresses(t.Context()); err != nil || len(own) != 1 || own[0] != (messages.OwnAddress{Address: "+1", Place: "fake", Messages: 2}) {
		t.Errorf("own addresses are %v (%v)", own, err)
	}
	f.total = 5
	if _, err := (sources.Export{Reader: f}).Collect(t.Context(), db, sources.Options{}); err == nil || !strings.Contains(err.Error(), "4 of 5 lines") {
		t.Errorf("error is %v", err)
	}
}

// The identifiers of exports that were collected long ago stay what they are.
func TestHashed_StaysTheSame(t *testing.T) {
	if got, want := sources.Hashed("a", "b"), "FA4A350F-5906-021E-27B2-CAF19409319E"; got != want { // the SHA-256 of \x01a\x01b
		t.Errorf("it is %s, want %s", got, want)
	}
}

// A pipe would make the program wait for ever.
func TestReadHead_RefusesWhatIsNoRegularFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "is a pipe", link: "is a pipe", "/dev/zero": "is a device"} {
		if _, err := sources.ReadHead(path); !errors.Is(err, regularfile.ErrKind) || !strings.Contains(err.Error(), path+" "+want) {
			t.Errorf("the head of %s: error %v", path, err)
		}
		if _, err := sources.Open(path); !errors.Is(err, regularfile.ErrKind) || !strings.Contains(err.Error(), path+" "+want) {
			t.Errorf("%s: error %v", path, err)
		}
	}
}
