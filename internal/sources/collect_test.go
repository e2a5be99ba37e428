package sources_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// careless reads three messages, the second of which cannot be stored, and takes the sink's errors for damage.
type careless struct{}

func (careless) Path() string { return "careless" }
func (careless) Unit() string { return "messages" }
func (careless) Close() error { return nil }
func (careless) Read(_ context.Context, sink sources.Sink) (int64, error) {
	chat := &sources.Chat{Source: "careless", Extent: messages.Numbered, Members: []string{"John"}}
	for i, row := range []int64{1, -2, 3} {
		m := sources.Message{Chat: chat, GUID: string(rune('a' + i)), Row: row, Time: time.Unix(1710529320, 0), Sender: "John",
			Parts: []sources.Part{{Kind: messages.Text, Text: "hi"}}}
		if err := sink.Message(&m); err != nil {
			sink.Unreadable(err.Error(), 0)
		}
	}
	return 3, nil
}

// A message that cannot be stored ends the collect, even if its reader goes on.
func TestExport_MessageThatIsNotStoredEndsIt(t *testing.T) {
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = sources.Export{Reader: careless{}}.Collect(t.Context(), db, sources.Options{})
	if err == nil || !strings.Contains(err.Error(), "row -2 of careless is out of range") {
		t.Errorf("error is %v", err)
	}
	if kept, err := db.Counts(t.Context()); err != nil || kept.Messages != 0 {
		t.Errorf("%+v are kept, error %v", kept, err)
	}
}

// talkative notes the same of each of many files.
type talkative struct{ careless }

func (talkative) Read(_ context.Context, sink sources.Sink) (int64, error) {
	for i := range 70_000 {
		sink.Note("%d.txt was passed over", i)
	}
	sink.Note("its times are those of UTC")
	return 0, nil
}

func TestExport_ListsFewNotesOfOneForm(t *testing.T) {
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	summary, err := sources.Export{Reader: talkative{}}.Collect(t.Context(), db, sources.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := summary.Notes; len(n) != 21 || n[0] != "0.txt was passed over" || n[19] != "19.txt was passed over (and 69980 more such notes)" || n[20] != "its times are those of UTC" {
		t.Errorf("notes are %q", n)
	}
}

// curious asks for what was collected after each of its messages.
type curious struct {
	sources.Reader
	t *testing.T
}

func (c curious) Read(_ context.Context, sink sources.Sink) (int64, error) {
	chat := &sources.Chat{Source: "curious", Members: []string{"John"}}
	const count = 300
	for i := range int64(count) {
		m := sources.Message{Chat: chat, GUID: fmt.Sprint(i), Row: i, Time: time.Unix(1710529320+i, 0), Sender: "John", Parts: []sources.Part{{Kind: messages.Text, Text: "hi"}}}
		if err := sink.Message(&m); err != nil {
			return count, err
		}
		held, err := sink.Holds("curious", []string{m.GUID, "other"})
		if err != nil || !held[0] || held[1] || len(sink.Collected("curi")) != 1 {
			c.t.Fatalf("of message %d and another one, %v are held (%v)", i, held, err)
		}
		chat.Members[0] = "Mary" // of a chat that was opened, nothing is read again
	}
	return count, nil
}

// What a reader asks for includes the messages that it passed on, though they are stored while it reads on.
func TestExport_AnswersIncludeEarlierMessages(t *testing.T) {
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := (sources.Export{Reader: curious{careless{}, t}}).Collect(t.Context(), db, sources.Options{}); err != nil {
		t.Error(err)
	}
	if kept, err := db.Counts(t.Context()); err != nil || kept.Messages != 300 {
		t.Errorf("%+v are kept, error %v", kept, err)
	}
}
