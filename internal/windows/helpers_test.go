package windows_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/windows"
)

// newDB returns an empty messages.db.
func newDB(t testing.TB) *messages.DB {
	t.Helper()
	db, err := messages.Create(context.Background(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// entry is a message and the participants of its conversation besides the owner.
type entry struct {
	group   bool
	members []string
	absent  []string // said before the members
	messagestest.Message
}

// fill fills db with these entries.
func fill(t testing.TB, db *messages.DB, entries []entry) {
	t.Helper()
	list := make([]messagestest.Message, len(entries))
	for i, e := range entries {
		list[i] = e.Message
		list[i].Group, list[i].Members = e.group, append(messages.Members(e.absent...), messages.Members(e.members...)...)
		for k := range e.absent {
			list[i].Members[k].Absent = true
		}
	}
	messagestest.Fill(t, db, list...)
}

// monday is the time of the first message in these tests.
var monday = time.Date(2024, 3, 11, 10, 0, 0, 0, time.UTC)

// said returns texts of a direct chat with +1, a minute apart, in turn; "" is the owner.
func said(texts ...string) []entry {
	entries := make([]entry, len(texts))
	for i, text := range texts {
		e := entry{members: []string{"+1"}}
		e.Row, e.GUID = int64(i+1), fmt.Sprintf("guid-%d", i+1)
		e.Date = monday.Add(time.Duration(i) * time.Minute).UnixNano()
		e.Text = text
		e.TargetPart = messages.WholeMessage
		if i%2 == 1 {
			e.Sender = "+1"
		}
		entries[i] = e
	}
	return entries
}

// contacts knows +1 and j@x.org as John, +2 as Zoë, me@x.org as the owner.
func contacts(address string) (string, bool) {
	name, ok := map[string]string{"+1": "John", "j@x.org": "John", "+2": "Zoë", "me@x.org": messages.Owner}[address]
	if !ok {
		name = address
	}
	return name, ok
}

func options(window, stride int) windows.Options {
	return windows.Options{Owner: "Aidan", People: contacts, Window: window, Stride: stride}
}

// build builds windows of entries and returns them as a window file.
func build(t testing.TB, o windows.Options, entries []entry) (exported string, summary *windows.Summary, db *messages.DB) {
	t.Helper()
	db = newDB(t)
	fill(t, db, entries)
	return export(t, o, db), rebuild(t, o, db), db
}

func rebuild(t testing.TB, o windows.Options, db *messages.DB) *windows.Summary {
	t.Helper()
	summary, err := windows.Build(context.Background(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

func export(t testing.TB, o windows.Options, db *messages.DB) string {
	t.Helper()
	rebuild(t, o, db)
	var out bytes.Buffer
	if err := windows.Export(context.Background(), db, &out, nil); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// messagesOf returns the messages of all conversations, each once, in order: the targets of windows of one message.
func messagesOf(t testing.TB, entries []entry) []windows.Message {
	t.Helper()
	exported, _, _ := build(t, options(2, 1), entries)
	var list []windows.Message
	for _, w := range readAll(t, exported) {
		for _, line := range w.TargetLines() {
			m, err := windows.ParseMessage(line.Text)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, m)
		}
	}
	return list
}

// readAll opens text as a window file and reads its windows.
func readAll(t testing.TB, text string) []*windows.Window {
	t.Helper()
	s := openText(t, text)
	all := make([]*windows.Window, s.Len())
	for i := range all {
		w, err := s.Window(i)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = w
	}
	return all
}

func openText(t testing.TB, text string) windows.List {
	t.Helper()
	s, err := windows.OpenFile(context.Background(), writeFile(t, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// want fails unless the messages are these, as "name: text".
func want(t *testing.T, got []windows.Message, lines ...string) {
	t.Helper()
	var all []string
	for _, m := range got {
		all = append(all, m.Name+": "+m.Text)
	}
	if strings.Join(all, "\n") != strings.Join(lines, "\n") {
		t.Errorf("got messages %q, want %q", all, lines)
	}
}

// textOf returns the whole text of a window, as the "text" of a window file.
func textOf(w *windows.Window) string {
	text := string(w.Header)
	for _, line := range w.Lines {
		text += string(line.Text)
	}
	return text
}
