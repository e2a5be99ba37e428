package windows_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/windows"
)

// scenario is a history with the window files that belong to it, made by testdata/make_golden.py.
type scenario struct {
	Owner        string
	People       map[string]string
	Descriptions map[string]string
	Entries      []struct {
		Group                    bool
		Members                  []string
		Row, Date                int64
		Part, Place              int
		GUID, Sender, Kind, Text string
		Attachment, Transcript   string
		TargetGUID               string `json:"target_guid"`
		TargetPart               int    `json:"target_part"`
	}
}

func loadScenario(t testing.TB) (*scenario, *messages.DB) {
	t.Helper()
	raw, err := os.ReadFile("testdata/scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	var s scenario
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]messages.Kind{}
	for k := messages.Text; k <= messages.Location; k++ {
		kinds[k.String()] = k
	}
	var entries []entry
	for _, e := range s.Entries {
		entries = append(entries, entry{group: e.Group, members: e.Members, Message: messagestest.Message{Row: e.Row, GUID: e.GUID, Part: e.Part,
			Place: e.Place, Date: e.Date, Sender: e.Sender, Kind: kinds[e.Kind], Text: e.Text, Attachment: e.Attachment,
			Transcript: e.Transcript, TargetGUID: e.TargetGUID, TargetPart: e.TargetPart}})
	}
	db := newDB(t)
	fill(t, db, entries)
	for guid, description := range s.Descriptions {
		if _, err := db.SQL().Exec(`INSERT INTO attachment_descriptions (attachment_guid, description) VALUES (?, ?)`, guid, description); err != nil {
			t.Fatal(err)
		}
	}
	return &s, db
}

func (s *scenario) options(window, stride int) windows.Options {
	return windows.Options{Owner: s.Owner, Window: window, Stride: stride, People: func(address string) (string, bool) {
		name, ok := s.People[address]
		switch {
		case !ok:
			name = address
		case name == s.Owner:
			name = messages.Owner
		}
		return name, ok
	}}
}

func unzipped(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	in, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var scenarioSizes = [][2]int{{100, 1}, {5, 1}, {1, 1}, {7, 3}, {4, 4}}

func TestExport_MatchesPython(t *testing.T) {
	t.Parallel()
	s, db := loadScenario(t)
	for _, size := range scenarioSizes {
		name := fmt.Sprintf("scenario-w%d-s%d.jsonl.gz", size[0], size[1])
		t.Run(name, func(t *testing.T) {
			got := strings.Split(export(t, s.options(size[0], size[1]), db), "\n")
			want := strings.Split(unzipped(t, name), "\n")
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("row %d is\n%s\nPython writes\n%s", i+1, got[i], want[i])
				}
			}
			if len(got) != len(want) {
				t.Fatalf("%d rows, Python writes %d", len(got), len(want))
			}
		})
	}
}

// Both lists of the same windows must return the same text, and one ID must stand for one text.
func TestList_FileMatchesDatabase(t *testing.T) {
	t.Parallel()
	s, db := loadScenario(t)
	for _, size := range scenarioSizes {
		exported := export(t, s.options(size[0], size[1]), db)
		fromFile := openText(t, exported)
		fromDatabase, err := windows.OpenDatabase(context.Background(), db.Path(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer fromDatabase.Close()
		if fromFile.Len() != fromDatabase.Len() {
			t.Fatalf("%d windows in the file, %d in the database", fromFile.Len(), fromDatabase.Len())
		}
		for _, source := range []windows.List{fromFile, fromDatabase} {
			checkLineIDs(t, source)
		}
		for i := range fromFile.Len() {
			a, b := window(t, fromFile, i), window(t, fromDatabase, i)
			if got, want := textOf(b), textOf(a); got != want {
				t.Fatalf("window %d is\n%s\nin the database and\n%s\nin the file", i, got, want)
			}
			if a.Targets != b.Targets || fromFile.Targets(i) != a.Targets || fromDatabase.Targets(i) != a.Targets {
				t.Fatalf("window %d: the targets differ", i)
			}
			names, others := fromFile.Conversations()[a.Conversation], fromDatabase.Conversations()[b.Conversation]
			if strings.Join(names, "|") != strings.Join(others, "|") {
				t.Fatalf("window %d: conversation %q in the file, %q in the database", i, names, others)
			}
		}
	}
}

func window(t testing.TB, s windows.List, i int) *windows.Window {
	t.Helper()
	w, err := s.Window(i)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func checkLineIDs(t *testing.T, s windows.List) {
	t.Helper()
	texts := map[int]string{}
	for i := range s.Len() {
		for _, line := range window(t, s, i).Lines {
			if line.ID < 0 || line.ID >= s.Lines() {
				t.Fatalf("line number %d is not below %d", line.ID, s.Lines())
			}
			if known, seen := texts[line.ID]; seen && known != string(line.Text) {
				t.Fatalf("line %d is both %q and %q", line.ID, known, line.Text)
			}
			texts[line.ID] = string(line.Text)
		}
	}
}
