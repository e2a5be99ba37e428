package export_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/export"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonl"
	"ventriloquist/internal/sources/sourcetest"
)

func create(t *testing.T) *messages.DB {
	t.Helper()
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// write returns an export.
func write(t *testing.T, db *messages.DB, o export.Options) string {
	t.Helper()
	var identity func(address string) string
	if o.Join != nil {
		identity = func(address string) string { return strings.Replace(address, "+15550000001", "John", 1) }
	}
	reader, err := db.Reader(t.Context(), identity)
	if err != nil {
		t.Fatal(err)
	}
	if o.Names, err = reader.Names(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o.Owner = "Aidan"; o.Zone == nil {
		o.Zone = time.UTC
	}
	var out bytes.Buffer
	if _, err := export.Write(t.Context(), &out, reader, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// again collects an export in a new folder.
func again(t *testing.T, exported string) *messages.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "export.jsonl")
	if err := os.WriteFile(path, []byte(exported), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := jsonl.Open(path, sourcetest.Reading("Aidan", "+1"))
	if err != nil {
		t.Fatal(err)
	}
	db := create(t)
	summary, err := sources.Export{Reader: reader}.Collect(t.Context(), db, sources.Options{})
	if err != nil || len(summary.Unreadable) > 0 {
		t.Fatal(err, summary.Unreadable)
	}
	return db
}

// random fills a database with what sources can state: several sources with copies, groups whose members change, rows of several
// parts, replies to parts and to rows of other chats, reactions, removals, edits, deletions, attachments, odd texts and equal times.
func random(t *testing.T, r *rand.Rand) *messages.DB {
	t.Helper()
	db := create(t)
	texts := []string{"hi", "see you", "line\nbreak \"quoted\" \\ \u2028 <b>", "Liked “see you”", "Removed a like from “see you”", " ", "é", "😀", "\u202eodd", "=1+1"}
	people := []string{"", "+1", "+2", "john@x.org", "John, Smith", "+3"}
	for n, source := range []string{"imessage a", "sms b", "whatsapp c"}[:1+r.IntN(3)] {
		_, err := db.Collect(t.Context(), false, func(tx *messages.Tx) error {
			id, err := tx.Source(source, messages.Whole)
			if err != nil {
				return err
			}
			var known []string
			for i := range 120 {
				date := time.Date(2024, 10, 27, 0, 0, i/3, r.IntN(2)*r.IntN(1e9), time.UTC)
				members := messages.Members(people[1:][r.IntN(2) : 2+r.IntN(4)]...)
				if r.IntN(10) == 0 {
					members[len(members)-1].Absent = len(members) > 1
				}
				chat, err := tx.Conversation(id, len(members) > 1 || r.IntN(9) == 0, members)
				if err != nil {
					return err
				}
				row := messages.Row{Source: id, Chat: chat, Row: int64(i), GUID: fmt.Sprintf("%08X-0000-0000-0000-%012X", i, n*r.IntN(2)), Date: date.UnixNano(), Sender: people[r.IntN(len(people))], TargetPart: messages.WholeMessage}
				if r.IntN(12) == 0 {
					row.GUID = fmt.Sprint("odd/", n, "/", i)
				}
				for p := range 1 + r.IntN(4)/3*r.IntN(3) {
					part := messages.Part{Number: p, Text: texts[r.IntN(len(texts))]}
					if r.IntN(6) == 0 {
						part = messages.Part{Number: p, Kind: messages.Image, Text: "a.jpg", Attachment: fmt.Sprint(row.GUID, "/", p), Transcript: texts[r.IntN(2)], File: messages.FilePlace{Root: "/x", Path: "y/a.jpg"}}
					}
					row.Parts = append(row.Parts, part)
				}
				if len(known) > 0 && r.IntN(3) == 0 {
					row.TargetGUID, row.TargetPart = known[r.IntN(len(known))], r.IntN(3)-1
					if r.IntN(2) == 0 {
						row.Parts = []messages.Part{{Kind: messages.Reaction, Text: []string{"Loved", "😀"}[r.IntN(2)]}}
						row.Removal = r.IntN(5) == 0
					}
				}
				if r.IntN(9) == 0 && row.Parts[0].Kind == messages.Text {
					row.Versions = []messages.Version{{Date: row.Date, Text: "before"}, {Number: 1, Date: row.Date + 5e9, Text: row.Parts[0].Text}}
				}
				if row.Retracted = r.IntN(30) == 0; row.Retracted {
					row.Parts = nil
				}
				known = append(known, row.GUID)
				if _, err := tx.Put(&row); err != nil {
					return err
				}
			}
			tx.Name("+2", "Zoë")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// What enters by an export again is the same history.
func TestWrite_WhatIsCollectedAgainIsTheSame(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(12) {
		db := random(t, rand.New(rand.NewPCG(seed, 15)))
		first := write(t, db, export.Options{Format: "jsonl", Zone: berlin})
		copied := again(t, first)
		if second := write(t, copied, export.Options{Format: "jsonl", Zone: berlin}); second != first {
			a, b := strings.Split(first, "\n"), strings.Split(second, "\n")
			for i := range a {
				if i >= len(b) || a[i] != b[i] {
					t.Fatalf("seed %d: line %d is\n%s\nnow\n%s", seed, i+1, a[i], strings.Join(b[i:min(i+1, len(b))], ""))
				}
			}
			t.Fatalf("seed %d: there are more lines", seed)
		}
		for _, format := range []string{"csv", "txt"} {
			if write(t, db, export.Options{Format: format}) != write(t, copied, export.Options{Format: format}) {
				t.Errorf("seed %d: %s differs", seed, format)
			}
		}
	}
}

func TestWrite_FormsAndSelection(t *testing.T) {
	t.Parallel()
	db := again(t, `{"kind": "chat", "chat": "g", "group": true, "members": ["+2", "+3"], "names": {"+2": "Zoë"}}
{"chat": "g", "id": "A", "time": "2024-03-15T19:02:00Z", "name": "+2", "kind": "text", "text": "who,\n\"is\" in?", "reply_to": null}
{"chat": "g", "id": "B", "time": "2024-03-16T19:02:00Z", "name": "x", "me": true, "kind": "text", "text": "I am", "reply_to": "A"}
{"chat": "g", "id": "C", "time": "2024-03-16T19:03:00Z", "name": "+3", "kind": "reaction", "text": "Loved", "reply_to": "B"}
{"kind": "chat", "chat": "d", "members": ["+3"]}
{"chat": "d", "id": "D", "time": "2024-03-17T19:02:00Z", "name": "+3", "kind": "image", "text": "a.jpg", "attachment": "D/0"}
`)
	name := func(address string) string {
		return map[string]string{"+2": "Zoë", "+3": "Max"}[address]
	}
	for _, c := range []struct {
		options export.Options
		want    string
	}{
		{export.Options{Format: "txt", Name: name}, "== Max ==\n2024-03-17 19:02:00 Max: [image] a.jpg\n\n== Max, Zoë ==\n2024-03-15 19:02:00 Zoë: who,\n    \"is\" in?\n" +
			"2024-03-16 19:02:00 Aidan: [to: who, \"is\" in?] I am\n2024-03-16 19:03:00 Max: [Loved] to: I am\n"},
		{export.Options{Format: "csv", Name: name, Since: time.Date(2024, 3, 16, 0, 0, 0, 0, time.UTC), Until: time.Date(2024, 3, 17, 0, 0, 0, 0, time.UTC)},
			"chat,time,name,kind,text,reply_to,id\n\"Max, Zoë\",2024-03-16T19:02:00Z,Aidan,text,I am,\"who,\n\"\"is\"\" in?\",B\n\"Max, Zoë\",2024-03-16T19:03:00Z,Max,reaction,Loved,I am,C\n"},
		{export.Options{Format: "jsonl", Select: func(c *messages.Conversation) bool { return !c.Group }}, `{"kind":"chat","chat":"+3","group":false,"members":["+3"]}` + "\n" +
			`{"chat":"+3","id":"D","time":"2024-03-17T19:02:00Z","name":"+3","kind":"image","text":"a.jpg","reply_to":null,"attachment":"D/0"}` + "\n"},
		{export.Options{Format: "csv", Select: func(*messages.Conversation) bool { return false }}, "chat,time,name,kind,text,reply_to,id\n"},
	} {
		if got := write(t, db, c.options); got != c.want {
			t.Errorf("%s is\n%s\nwant\n%s", c.options.Format, got, c.want)
		}
	}
}

// A message of two sources is written once if they are known to be of the same people, whose addresses differ.
func TestWrite_JoinsConversationsOfTheSamePeople(t *testing.T) {
	t.Parallel()
	db := create(t)
	for source, john := range map[string]string{"sms a": "+15550000001", "whatsapp b": "John"} {
		_, err := db.Collect(t.Context(), false, func(tx *messages.Tx) error {
			id, err := tx.Source(source, messages.Whole)
			if err != nil {
				return err
			}
			chat, err := tx.Conversation(id, false, messages.Members(john))
			if err != nil {
				return err
			}
			for i, text := range []string{"hello", "only in " + source} {
				row := messages.Row{Source: id, Chat: chat, Row: int64(i), GUID: fmt.Sprint(source, i), Date: time.Date(2024, 3, 15, 19, 2, i, 0, time.UTC).UnixNano(), Sender: john, TargetPart: messages.WholeMessage,
					Parts: []messages.Part{{Text: text}}}
				if _, err := tx.Put(&row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, format := range export.Formats {
		joined := write(t, db, export.Options{Format: format, Join: func(list []messages.Conversation) [][]messages.Conversation { return [][]messages.Conversation{list} }})
		if apart := write(t, db, export.Options{Format: format}); strings.Count(apart, "hello") != 2 || strings.Count(joined, "hello") != 1 || strings.Count(joined, "only in") != 2 {
			t.Errorf("%s: joined\n%s\napart\n%s", format, joined, apart)
		}
		if format == "jsonl" && write(t, again(t, joined), export.Options{Format: format}) != joined {
			t.Error("what is collected again is not the same")
		}
	}
}
