package imazing_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imazing"
	"ventriloquist/internal/sources/sourcetest"
)

// The columns of iMazing's versions.
const (
	newColumns = "Chat Session,Message ID,Message Date,Delivered Date,Read Date,Edited Date,Deleted Date,Service,Type,Sender ID,Sender Name,Status,Replying to,Subject,Text,Reactions,Attachment,Attachment type\r\n"
	oldColumns = "Chat Session,Message Date,Delivered Date,Read Date,Edited Date,Service,Type,Sender ID,Sender Name,Status,Replying to,Subject,Text,Attachment,Attachment type\n"
)

var newTable = "\uFEFF" + newColumns +
	"John Smith,A,2024-03-15 20:02:03,,,,,iMessage,Incoming,+12125550101,John Smith,Read,,,\"hey, \"\"you\"\"\r\nthere  \",Loved by Me,,\r\n" +
	"John Smith,B,2024-03-15 20:02:04,,,,,iMessage,Outgoing,,,Read,,,,,photo.jpeg,Image\r\n" +
	"John Smith,B,2024-03-15 20:02:04,,,,,iMessage,Outgoing,,,Read,,,look,,,\r\n" +
	"John Smith,C,2024-03-15 20:02:05,,,,2024-03-15 20:03:00,iMessage,Outgoing,,,Read,,,oops,,,\r\n" +
	"John Smith,D,2024-03-15 20:02:06,,,,,iMessage,Notification,,,,,,\"John Smith left\",,,\r\n" +
	"John Smith,E,2024-03-15 20:02:07,,,,,SMS,Incoming,+12125550101,John Smith,Read,,news,all of it,,,\r\n" +
	"John Smith,F,2024-03-15 20:02:08,,,,,SMS,Incoming,+12125550101,John Smith,Read,,,,,,\r\n"

var oldTable = oldColumns +
	"John & Zoë,2024-03-15 20:02:03,,,,iMessage,Incoming,+12125550101,John,Read,,,ok,,\n" +
	"John & Zoë,2024-03-15 20:02:03,,,,iMessage,Incoming,+12125550101,John,Read,,,ok,,\n" +
	"John & Zoë,2024-03-15 20:02:04,,,,iMessage,Incoming,zoe@example.org,Zoë,Read,,,ok,,\n"

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, imazing.Open, path, own...)
}

func TestRead(t *testing.T) {
	t.Parallel()
	path := sourcetest.Write(t, "Messages - John Smith.csv", newTable)
	photo := "2024-03-15 20 02 04 - John Smith - photo.jpeg"
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), photo), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{path, filepath.Dir(path)} {
		if head, err := sources.ReadHead(place); err != nil || !imazing.Recognize(head) {
			t.Errorf("%s is not recognized (%v)", place, err)
		}
	}
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, `2024-03-15 20:02:03 +12125550101 text: hey, "you"|there`, "2024-03-15 20:02:04 me image: photo.jpeg", "2024-03-15 20:02:04 me text: look",
		"2024-03-15 20:02:07 +12125550101 text: news", "2024-03-15 20:02:07 +12125550101 text: all of it")
	s.WantCounts(t, map[sources.Fate]int64{sources.Envelope: 1, sources.Continued: 1, sources.Deleted: 1, sources.Events: 1, sources.Empty: 1})
	if c := s.Messages[0].Chat; c.Group || !slices.Equal(c.Members, []string{"+12125550101"}) || c.Source != "imazing John Smith" || s.Names["+12125550101"] != "John Smith" {
		t.Errorf("the chat is %+v, names %v", c, s.Names)
	}
	if p := s.Messages[1].Parts[0]; p.File.Root != filepath.Dir(path) || p.File.Path != photo {
		t.Errorf("the photo is %+v", p)
	}
	if len(s.Notes) != 2 || !strings.Contains(s.Notes[0], "zone names") || !strings.Contains(s.Notes[1], "1 messages have reactions") {
		t.Errorf("notes are %q", s.Notes)
	}
}

func TestRead_Group(t *testing.T) {
	t.Parallel()
	s, err := read(t, sourcetest.Write(t, "Messages.csv", oldTable))
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 20:02:03 +12125550101 text: ok", "2024-03-15 20:02:03 +12125550101 text: ok", "2024-03-15 20:02:04 zoe@example.org text: ok")
	if c := s.Messages[0].Chat; !c.Group || c.Name != "John & Zoë" || !slices.Equal(c.Members, []string{"+12125550101", "zoe@example.org"}) {
		t.Errorf("the chat is %+v", c)
	}
}

// Damage costs the row that holds it, and is named with its line.
func TestRead_Damage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content, damage string
		messages        int
	}{
		"Columns": {strings.Replace(oldTable, ",Read,,,ok,,\n", ",Read\n", 1), "Messages.csv:2: the row has 10 columns, not 15", 2},
		"Quote":   {strings.Replace(oldTable, "ok", `"ok`, 1), "Messages.csv:2: ", 2},
		"Date":    {strings.Replace(oldTable, "2024-03-15 20:02:03", "noon", 1), `Messages.csv:2: "noon" is no time`, 2},
		"Old":     {strings.Replace(oldTable, "2024-03-15 20:02:03", "1980-01-01 00:00:00", 1), "Messages.csv:2: ", 2},
		"CutOff":  {strings.TrimSuffix(oldTable, "ad,,,ok,,\n"), "Messages.csv:4: the row has 10 columns", 2},
	} {
		s, err := read(t, sourcetest.Write(t, "Messages.csv", c.content))
		if err != nil || len(s.Messages) != c.messages || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], c.damage) || s.Counts[sources.Unread] != 1 {
			t.Errorf("%s: messages are %q, damage %q (%v)", name, s.Lines(), s.Damage, err)
		}
	}
	if _, err := read(t, sourcetest.Write(t, "x.csv", "a,b\n1,2\n")); err == nil || !strings.Contains(err.Error(), "no table of iMazing") {
		t.Errorf("error is %v", err)
	}
}

// An export is the same when it is collected again, and in a folder with another copy of it.
func TestCollect_Again(t *testing.T) {
	t.Parallel()
	folder := sourcetest.WriteFiles(t, map[string]string{"Messages.csv": oldTable})
	sourcetest.Again(t, imazing.Open, folder, 3)
	copied := sourcetest.WriteFiles(t, map[string]string{"Messages.csv": oldTable, "Messages (1).csv": oldTable})
	sourcetest.Again(t, imazing.Open, copied, 3)
	if s, err := read(t, copied); err != nil || len(s.Messages) != 3 || s.Counts[sources.Duplicates] != 3 {
		t.Errorf("messages are %q (%v)", s.Lines(), err)
	}
}

// A reply names the message that it answers, by its identifier or its words.
func TestRead_Replies(t *testing.T) {
	t.Parallel()
	row := func(id, second, answered, words string) string {
		return "John Smith," + id + ",2024-03-15 20:02:0" + second + ",,,,,iMessage,Incoming,+12125550101,John Smith,Read," + answered + ",," + words + ",,,\r\n"
	}
	s, err := read(t, sourcetest.Write(t, "Messages.csv", newColumns+row("A", "1", "", "who is in?")+row("B", "2", "who is in?", "me")+row("C", "3", "B", "and me")+
		row("D", "4", "", "me")+row("E", "5", "me", "who?")+row("F", "6", "nothing that is here", "what?")))
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 20:02:01 +12125550101 text: who is in?", "2024-03-15 20:02:02 +12125550101 text: me <- who is in?", "2024-03-15 20:02:03 +12125550101 text: and me <- me",
		"2024-03-15 20:02:04 +12125550101 text: me", "2024-03-15 20:02:05 +12125550101 text: who?", "2024-03-15 20:02:06 +12125550101 text: what?")
}

func TestRead_HoldsFewMessages(t *testing.T) {
	path := sourcetest.Write(t, "Messages.csv", newColumns+sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf("John Smith,M%d,2024-03-15 20:02:03,,,,,iMessage,Incoming,+12125550101,John Smith,Read,,,%s,,,\r\n", i, text)
	}))
	sourcetest.Flat(t, imazing.Open, path)
}

func FuzzRead(f *testing.F) {
	f.Add(newTable)
	f.Add(oldTable)
	f.Add(strings.ReplaceAll(oldTable, ",", ";"))
	f.Add(oldColumns + strings.Repeat("\"\n", 50))
	path := filepath.Join(f.TempDir(), "Messages.csv")
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path, "Aidan")
	})
}
