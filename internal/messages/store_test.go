package messages_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"ventriloquist/internal/messages"
)

func create(t *testing.T) *messages.DB {
	t.Helper()
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "data", "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// replace stores entries in one direct chat with +1.
func replace(t *testing.T, db *messages.DB, keepGone bool, entries ...messages.Entry) messages.Outcome {
	t.Helper()
	outcome, err := db.Replace(t.Context(), keepGone, func(w *messages.Writer) error {
		for _, e := range entries {
			w.Present(e.GUID)
			if e.Conversation == 0 {
				e.Conversation = w.Conversation(false, messages.Members("+1"))
			}
			if err := w.Add(&e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

func read(t *testing.T, db *messages.DB, identity func(string) string) []*messages.Message {
	t.Helper()
	r, err := db.Reader(t.Context(), identity)
	if err != nil {
		t.Fatal(err)
	}
	conversations, err := r.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []*messages.Message
	err = r.Messages(t.Context(), conversations, func(m *messages.Message) error {
		list = append(list, m)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func texts(list []*messages.Message) []string {
	out := []string{}
	for _, m := range list {
		out = append(out, m.Text)
	}
	return out
}

func wantTexts(t *testing.T, list []*messages.Message, want ...string) {
	t.Helper()
	if got := texts(list); !reflect.DeepEqual(got, append([]string{}, want...)) {
		t.Errorf("messages are %q, want %q", got, want)
	}
}

const uuid = "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9"

func TestReplace_ReadsBackWhatWasWritten(t *testing.T) {
	db := create(t)
	replace(t, db, false,
		messages.Entry{Row: 7, GUID: uuid, Date: 5, Sender: "+1", Text: "a\nb", Part: 2},
		messages.Entry{Row: 9, GUID: "sixteen bytes ok", Date: 6, Kind: messages.Audio, Text: "Audio.caf", Attachment: "at_0", Transcript: "hello",
			TargetGUID: uuid, TargetPart: messages.WholeMessage})
	want := []*messages.Message{
		{ID: 1, Row: 7, GUID: uuid, Part: 2, Date: 5, Sender: "+1", Content: messages.Content{Text: "a\nb"}},
		{ID: 2, Row: 9, GUID: "sixteen bytes ok", Date: 6, Kind: messages.Audio,
			Content: messages.Content{Text: "Audio.caf", Attachment: "at_0", Transcript: "hello"},
			Target:  &messages.Target{ID: 1, Content: messages.Content{Text: "a\nb"}}},
	}
	got := read(t, db, nil)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

func TestReplace_OrdersByDateThenRowThenPlace(t *testing.T) {
	db := create(t)
	replace(t, db, false,
		messages.Entry{Row: 3, GUID: "c", Date: 20, Text: "3"},
		messages.Entry{Row: 2, GUID: "b", Date: 20, Place: 1, Text: "2b"},
		messages.Entry{Row: 2, GUID: "b", Date: 20, Place: 0, Text: "2a"},
		messages.Entry{Row: 9, GUID: "a", Date: 10, Text: "1"})
	wantTexts(t, read(t, db, nil), "1", "2a", "2b", "3")
}

func TestReader_JoinsConversationsInOrderOfTime(t *testing.T) {
	db := create(t)
	_, err := db.Replace(t.Context(), false, func(w *messages.Writer) error {
		phone, mail := w.Conversation(false, messages.Members("+1")), w.Conversation(false, messages.Members("j@x.org"))
		for i, c := range []int64{phone, mail, phone} {
			e := messages.Entry{Conversation: c, Row: int64(i), GUID: string(rune('a' + i)), Date: int64(i), Text: string(rune('a' + i))}
			if err := w.Add(&e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantTexts(t, read(t, db, nil), "a", "b", "c")
}

// Who was absent is kept where it may tell about another address of the same person, and nowhere else.
func TestReplace_AbsentMembers(t *testing.T) {
	db := create(t)
	absent, there := messages.Member{Address: "c", Absent: true}, messages.Members("b", "a")
	outcome, err := db.Replace(t.Context(), false, func(w *messages.Writer) error {
		plain, before := w.Conversation(true, there), w.Conversation(true, append([]messages.Member{absent}, there...))
		if after := w.Conversation(true, append(there[:2:2], absent)); plain == before || plain != after {
			t.Errorf("conversations are %d, %d with c absent, %d with c absent earlier on", plain, before, after)
		}
		if err := w.Add(&messages.Entry{Conversation: plain, Row: 1, GUID: "1", Text: "x"}); err != nil {
			return err
		}
		return w.Add(&messages.Entry{Conversation: before, Row: 2, GUID: "2", Text: "y"})
	})
	if err != nil || outcome.Conversations != 1 {
		t.Fatalf("%d conversations (%v), want 1: the same people", outcome.Conversations, err)
	}
	reader, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := reader.Conversations(t.Context())
	if want := append([]messages.Member{absent}, messages.Members("a", "b")...); err != nil || !slices.Equal(list[1].Members, want) {
		t.Errorf("members are %v (%v), want %v", list[1].Members, err, want)
	}
}

func TestReplace_ConversationIsASetOfMembers(t *testing.T) {
	db := create(t)
	_, err := db.Replace(t.Context(), false, func(w *messages.Writer) error {
		if w.Conversation(true, messages.Members("b", "a")) != w.Conversation(true, messages.Members("a", "b", "a")) {
			t.Error("the same members in another order are another conversation")
		}
		if w.Conversation(true, messages.Members("a")) == w.Conversation(false, messages.Members("a")) {
			t.Error("a group and a direct chat are one conversation")
		}
		return w.Add(&messages.Entry{Conversation: 1, GUID: "g", Text: "hello", Sender: "a"})
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Conversations(t.Context())
	want := []messages.Conversation{{ID: 1, Group: true, Members: messages.Members("a", "b"), First: 1, Last: 1, Messages: 1}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("conversations are %+v (%v), want %+v: empty ones are left out", got, err, want)
	}
}

func TestReplace_AnswersAimAtTheNamedPart(t *testing.T) {
	db := create(t)
	reply := func(guid string, part int) messages.Entry {
		return messages.Entry{Row: 9, GUID: "r", Date: 9, Text: "reply", TargetGUID: guid, TargetPart: part}
	}
	rows := []messages.Entry{
		{Row: 1, GUID: "m", Part: 0, Place: 0, Text: "first"}, {Row: 1, GUID: "m", Part: 1, Place: 1, Text: "second"},
		{Row: 2, GUID: "short", Part: 1, Text: "left", Shortened: true}}
	for _, test := range []struct {
		name string
		e    messages.Entry
		want string
	}{
		{"NamedPart", reply("m", 1), "second"},
		{"WholeMessage", reply("m", messages.WholeMessage), "first"},
		{"UnknownPart", reply("m", 7), "first"},
		{"UnsentPart", reply("short", 0), ""},
		{"WholeOfShortened", reply("short", messages.WholeMessage), "left"},
		{"UnknownMessage", reply("x", 0), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			replace(t, db, false, append(rows[:len(rows):len(rows)], test.e)...)
			list := read(t, db, nil)
			last := list[len(list)-1]
			if got := last.Target; (got == nil) != (test.want == "") || got != nil && got.Text != test.want {
				t.Errorf("target is %+v, want %q", got, test.want)
			}
		})
	}
}

func TestReader_DescriptionsSurviveAndStandForAttachments(t *testing.T) {
	db := create(t)
	rows := []messages.Entry{
		{Row: 1, GUID: "m", Kind: messages.Image, Text: "IMG.HEIC", Attachment: "at_1"},
		{Row: 2, GUID: "r", Date: 1, Kind: messages.Reaction, Text: "Loved", TargetGUID: "m"}}
	replace(t, db, false, rows...)
	if _, err := db.SQL().Exec(`INSERT INTO attachment_descriptions (attachment_guid, description) VALUES ('at_1', 'A sunset')`); err != nil {
		t.Fatal(err)
	}
	replace(t, db, false, rows...)
	list := read(t, db, nil)
	if got := list[0].Words(); got != "A sunset" {
		t.Errorf("words of the image are %q", got)
	}
	if got := list[1].Target.Words(); got != "A sunset" {
		t.Errorf("the reaction quotes %q", got)
	}
}

func TestReplace_FailureKeepsWhatWasThere(t *testing.T) {
	db := create(t)
	replace(t, db, false, messages.Entry{GUID: "a", Text: "before"})
	_, err := db.Replace(t.Context(), false, func(w *messages.Writer) error {
		if err := w.Add(&messages.Entry{Conversation: w.Conversation(false, messages.Members("+1")), GUID: "b", Text: "after"}); err != nil {
			return err
		}
		return os.ErrDeadlineExceeded
	})
	if err != os.ErrDeadlineExceeded {
		t.Fatalf("error is %v", err)
	}
	wantTexts(t, read(t, db, nil), "before")
	replace(t, db, false, messages.Entry{GUID: "c", Text: "again"})
	wantTexts(t, read(t, db, nil), "again")
}

func TestReplace_Canceled(t *testing.T) {
	db := create(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := db.Replace(ctx, false, func(w *messages.Writer) error {
		cancel()
		return w.Add(&messages.Entry{Conversation: w.Conversation(false, messages.Members("+1")), GUID: "b", Text: "after"})
	})
	if err == nil {
		t.Fatal("a canceled replacement succeeded")
	}
	wantTexts(t, read(t, db, nil))
}
