package jsonl_test

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonl"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/usererr"
)

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, jsonl.Open, path, own...)
}

const chats = "\uFEFF" + `{"chat": "a", "time": "2024-03-15T19:02:00Z", "name": "John", "text": "one", "reply_to": 2}
{"chat": "b", "time": "2024-03-15T19:02:30.5", "name": "Mary", "text": "hello"}

{"chat": "a", "time": "2024-03-15T19:03:00+01:00", "name": "Aidan", "text": "two\nlines", "reply_to": 0}
{"chat": "a", "time": 1710529500, "name": "Mary", "text": "three", "reply_to": 2}
{"chat": "a", "time": 1710529500, "name": "Mary", "text": "three", "reply_to": null}
{"chat": "a", "time": 1710529500000, "name": "Mary", "text": " ", "reply_to": null}
{"chat": "b", "time": "2024-03-15 19:05", "name": "Mary", "text": "four", "reply_to": 0}`

func TestRead(t *testing.T) {
	s, err := read(t, sourcetest.Write(t, "chats.jsonl", chats), "aidan")
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 John text: one <- three", // the answered message stands behind it
		"2024-03-15 19:02:30 Mary text: hello",
		"2024-03-15 18:03:00 me text: two|lines <- one",
		"2024-03-15 19:05:00 Mary text: three", // it answers itself
		"2024-03-15 19:05:00 Mary text: three",
		"2024-03-15 19:05:00 Mary text: four <- hello")
	s.WantCounts(t, map[sources.Fate]int64{sources.Empty: 2})
	a, b := s.Messages[0].Chat, s.Messages[1].Chat
	if !a.Group || !slices.Equal(a.Members, []string{"John", messages.Owner, "Mary"}) {
		t.Errorf("chat a is %+v", a)
	}
	if b.Group || !slices.Equal(b.Members, []string{"Mary"}) {
		t.Errorf("chat b is %+v", b)
	}
}

func TestRead_IdentifiersStayWhenTheFileGrows(t *testing.T) {
	first, err := read(t, sourcetest.Write(t, "chats.jsonl", chats))
	if err != nil {
		t.Fatal(err)
	}
	again, err := read(t, sourcetest.Write(t, "more.jsonl", `{"chat": "a", "time": 1, "name": "John", "text": "earlier"}
`+strings.ReplaceAll(strings.TrimPrefix(chats, "\uFEFF"), `"reply_to": 2`, `"reply_to": 3`)), "Aidan")
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range first.Messages {
		if again.Messages[i+1].GUID != m.GUID {
			t.Errorf("message %d is known as %s and as %s", i, m.GUID, again.Messages[i+1].GUID)
		}
	}
	if len(first.Notes) != 1 || len(again.Notes) != 0 {
		t.Errorf("it is noted %q, and of a file of the owner %q", first.Notes, again.Notes)
	}
}

func TestRead_Compressed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chats.jsonl.gz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := gzip.NewWriter(f)
	w.Write([]byte(chats))
	w.Close()
	f.Close()
	head, err := sources.ReadHead(path)
	if err != nil || !jsonl.Recognize(head) {
		t.Errorf("it is not recognized (%v)", err)
	}
	if s, err := read(t, path); err != nil || len(s.Messages) != 6 {
		t.Errorf("%d messages (%v)", len(s.Messages), err)
	}
}

func TestRead_Errors(t *testing.T) {
	const good = `{"chat": "a", "time": 1, "name": "John", "text": "x"}` + "\n"
	for name, c := range map[string]struct{ line, want string }{
		"NoJSON":      {`hello`, ":2: it is no JSON"},
		"NoObject":    {`null`, ":2: it is no JSON"},
		"NoChat":      {`{"time": 1, "name": "John", "text": "x"}`, `:2: no string "chat"`},
		"NoName":      {`{"chat": "a", "time": 1, "text": "x"}`, `:2: no string "name"`},
		"NoText":      {`{"chat": "a", "time": 1, "name": "John"}`, `:2: no string "text"`},
		"OtherCase":   {`{"chat": "a", "time": 1, "name": "John", "Text": "x"}`, `:2: no string "text"`},
		"NoTime":      {`{"chat": "a", "name": "John", "text": "x"}`, `:2: "time": there is none`},
		"WrongTime":   {`{"chat": "a", "time": "noon", "name": "John", "text": "x"}`, `"noon" is no time`},
		"FarTime":     {`{"chat": "a", "time": "9999-01-01T00:00:00Z", "name": "John", "text": "x"}`, `the year 9999`},
		"WrongType":   {`{"chat": 1, "time": 1, "name": "John", "text": "x"}`, `:2: "chat": expected a string, found 1`},
		"WrongAnswer": {`{"chat": "a", "time": 1, "name": "John", "text": "x", "reply_to": -1}`, `:2: "reply_to" is -1`},
		"FarAnswer":   {`{"chat": "a", "time": 1, "name": "John", "text": "x", "reply_to": 9}`, `:2: "reply_to" is 9, but the chat "a" has 3 messages`},
	} {
		t.Run(name, func(t *testing.T) {
			path := sourcetest.Write(t, "chats.jsonl", good+c.line+"\n"+good)
			s, err := read(t, path)
			if name == "FarAnswer" { // the words stay
				if err != nil || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], c.want) || len(s.Messages) != 3 {
					t.Errorf("damage is %q, messages %q (%v)", s.Damage, s.Lines(), err)
				}
				return
			}
			if err != nil || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], path) || !strings.Contains(s.Damage[0], c.want) || len(s.Messages) != 2 || s.Counts[sources.Unread] != 1 {
				t.Errorf("damage is %q, messages %q (%v), want %s", s.Damage, s.Lines(), err, c.want)
			}
			path = sourcetest.Write(t, "chats.jsonl", c.line)
			if _, err = read(t, path); err == nil || !strings.Contains(err.Error(), path) || usererr.Of(err) == "" {
				t.Errorf("alone, the error is %v", err)
			}
		})
	}
}

// The numbers of messages stay what they are where a damaged line shows its chat; else replies behind it have no certain target.
func TestRead_RepliesAroundDamage(t *testing.T) {
	const before = `{"chat": "a", "time": 1, "name": "John", "text": "one"}
{"chat": "a", "time": 2, "name": "Mary", "text": "two"}
`
	const after = `
{"chat": "a", "time": 4, "name": "John", "text": "four", "reply_to": 0}
{"chat": "a", "time": 5, "name": "John", "text": "five", "reply_to": 3}`
	s, err := read(t, sourcetest.Write(t, "chats.jsonl", before+`{"chat": "a", "time": 3, "name": "Mary", "text": "thr`+after))
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "1970-01-01 00:00:01 John text: one", "1970-01-01 00:00:02 Mary text: two", "1970-01-01 00:00:04 John text: four <- one", "1970-01-01 00:00:05 John text: five <- four")
	s, err = read(t, sourcetest.Write(t, "chats.jsonl", before+"\x00\x00\x00"+after))
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "1970-01-01 00:00:01 John text: one", "1970-01-01 00:00:02 Mary text: two", "1970-01-01 00:00:04 John text: four <- one", "1970-01-01 00:00:05 John text: five")
	if !strings.Contains(strings.Join(s.Notes, "\n"), "1 replies are without") {
		t.Errorf("notes are %q", s.Notes)
	}
}

// Bytes that are no characters do not pass silently, and the hour that occurs twice is told apart where a time has its zone.
func TestRead_BadBytesAndZones(t *testing.T) {
	s, err := read(t, sourcetest.Write(t, "chats.jsonl", "{\"chat\": \"a\", \"time\": \"2024-10-27T02:30:00+01:00\", \"name\": \"John\", \"text\": \"café, caf\xe9\"}"))
	if err != nil || !strings.Contains(strings.Join(s.Notes, "\n"), "1 lines have bytes that are no characters") {
		t.Errorf("notes are %q (%v)", s.Notes, err)
	}
	s.Want(t, "2024-10-27 01:30:00 John text: café, caf\uFFFD")
}

// What this program exports has members, kinds, identifiers, edits and deletions.
func TestRead_Exported(t *testing.T) {
	const exported = `{"kind": "chat", "chat": "g", "group": true, "members": ["+1", "+2", "+3"], "absent": ["+3"], "names": {"+1": "John"}}
{"chat": "g", "id": "A", "time": "2024-03-15T19:02:00Z", "name": "+1", "kind": "text", "text": "now", "reply_to": null, "edits": [{"time": "2024-03-15T19:02:00Z", "text": "then"}, {"time": "2024-03-15T19:03:00Z", "text": "now"}]}
{"chat": "g", "id": "B", "time": "2024-03-15T19:02:00Z", "name": "Aidan", "me": true, "kind": "reaction", "text": "Loved", "reply_to": "A"}
{"chat": "g", "id": "C", "time": "2024-03-15T19:02:00Z", "name": "+2", "kind": "image", "text": "", "reply_to": null, "attachment": "C/0", "folder": "/x", "path": "a/b.jpg", "transcript": "sun"}
{"chat": "g", "id": "C", "time": "2024-03-15T19:02:00Z", "name": "+2", "kind": "image", "text": "twice"}
{"kind": "deleted", "id": "D"}
`
	path := sourcetest.Write(t, "chats.jsonl", exported)
	if head, err := sources.ReadHead(path); err != nil || !jsonl.Recognize(head) {
		t.Errorf("it is not recognized (%v)", err)
	}
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 +1 text: now", "2024-03-15 19:02:00 me reaction: Loved <- now", "2024-03-15 19:02:00 +2 image:  (sun)")
	s.WantCounts(t, map[sources.Fate]int64{sources.Envelope: 1, sources.Deleted: 1, sources.Duplicates: 1})
	m, c := s.Messages[0], s.Messages[0].Chat
	if len(m.Versions) != 2 || m.Versions[0].Text != "then" || m.GUID != "A" || !c.Group || len(c.Members) != 3 || !slices.Equal(c.Absent, []string{"+3"}) || s.Names["+1"] != "John" ||
		!strings.HasPrefix(c.Source, "export ") || len(s.Left) != 1 || !s.Left[0].Retracted {
		t.Errorf("the message is %+v, the chat %+v, names %v", m, c, s.Names)
	}
	if p := s.Messages[2].Parts[0]; p.Attachment != "C/0" || p.File != (messages.FilePlace{Root: "/x", Path: "a/b.jpg"}) {
		t.Errorf("the attachment is %+v", p)
	}
}

func TestRecognize(t *testing.T) {
	for text, want := range map[string]bool{
		chats: true,
		"\n" + strings.TrimPrefix(chats, "\uFEFF"):              true,
		`{"text": "x", "name": "John", "time": 1, "chat": "a"}`: true,
		`{"text": "windows"}`:                                   false,
		`[1]`:                                                   false,
		``:                                                      false,
		"hello":                                                 false,
	} {
		if got := jsonl.Recognize(&sources.Head{Text: []byte(text)}); got != want {
			t.Errorf("%.30q is recognized: %v", text, got)
		}
	}
}

func TestRead_HoldsFewMessages(t *testing.T) {
	path := sourcetest.Write(t, "chats.jsonl", sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf(`{"chat": "pub", "time": %d, "name": "John", "text": "%s"}`+"\n", 1710529323+i, text)
	}))
	sourcetest.Flat(t, jsonl.Open, path, "Aidan")
}

func FuzzRead(f *testing.F) {
	f.Add(chats)
	f.Add(`{"chat": "a", "time": 1e300, "name": "John", "text": "x", "reply_to": 0}`)
	f.Add("{\"chat\": \"a\", \"time\": \"2024-03-15T19:02:00Z\", \"name\": \"\\ud800\", \"text\": \"\xff\"}\r\n\r\n")
	f.Add(`{"chat": "a", "time": 1, "name": "b", "text": ` + strings.Repeat("[", 300))
	f.Add("{" + strings.Repeat(`"chat": "a", `, 500) + `"time": 1, "name": "b", "text": "c", "reply_to": 9223372036854775807}`)
	path := filepath.Join(f.TempDir(), "chats.jsonl")
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path, "John")
	})
}

func TestReader_RefusesALineOverTheLimit(t *testing.T) {
	for name, unit := range map[string]string{"Text": "x", "Fields": `", "": "`, "Lists": `", "a": [[], "`} {
		t.Run(name, func(t *testing.T) {
			path := sourcetest.Bomb(t, `{"chat": "a", "time": 1, "name": "b", "text": "c"}`+"\n"+`{"chat": "`, unit, 64)
			allocated := sourcetest.Allocated(func() {
				_, err := read(t, path)
				if err == nil || !strings.Contains(err.Error(), path+":2: the line is longer than 16 MiB") || usererr.Of(err) == "" {
					t.Errorf("error %v", err)
				}
			})
			if allocated > 128<<20 {
				t.Errorf("%d MiB were allocated", allocated>>20)
			}
		})
	}
}
