package messages_test

import (
	"context"
	"errors"
	"os"
	"reflect"
	"slices"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
)

const uuid = "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9"

func TestCollect_ReadsBackWhatWasWritten(t *testing.T) {
	db := create(t)
	replace(t, db, false,
		entry{Row: 7, GUID: uuid, Date: 5, Sender: "+1", Text: "a\nb", Part: 2},
		entry{Row: 9, GUID: "sixteen bytes ok", Date: 6, Kind: messages.Audio, Text: "Audio.caf", Attachment: "at_0", Transcript: "hello",
			TargetGUID: uuid, TargetPart: messages.WholeMessage})
	want := []messages.WindowMessage{
		{Date: 5, Sender: "+1", Text: "a\nb"},
		{Date: 6, Kind: messages.Audio, Text: "hello", Replies: true, QuotedText: "a\nb"},
	}
	if got := read(t, db, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
	rows := messagestest.Rows(t, db, `SELECT iif(typeof(m.guid) = 'blob', hex(m.guid), m.guid) || ' ' || part || ' ' || ((line & 0xFFFFFF) - 0x800000) || ' ' || text || coalesce(' ' || a.guid || ' ' || transcript, '')
		FROM message m LEFT JOIN attachment a ON a.message = m.id ORDER BY date`)
	wantStrings(t, rows, "0A1B2C3D4E5F60718293A4B5C6D7E8F9 2 7 a\nb", "sixteen bytes ok 0 9 Audio.caf at_0 hello")
}

func TestCollect_OrdersByDateThenRowThenPlace(t *testing.T) {
	db := create(t)
	replace(t, db, false,
		entry{Row: 3, GUID: "c", Date: 20, Text: "3"},
		entry{Row: 2, GUID: "b", Date: 20, Place: 1, Text: "2b"},
		entry{Row: 2, GUID: "b", Date: 20, Place: 0, Text: "2a"},
		entry{Row: 9, GUID: "a", Date: 10, Text: "1"})
	wantTexts(t, read(t, db, nil), "1", "2a", "2b", "3")
}

func TestReader_JoinsConversationsInOrderOfTime(t *testing.T) {
	db := create(t)
	_, err := db.Collect(t.Context(), false, func(tx *messages.Tx) error {
		source, _ := tx.Source("", messages.Whole)
		phone, _ := tx.Conversation(source, false, messages.Members("+1"))
		mail, _ := tx.Conversation(source, false, messages.Members("j@x.org"))
		for i, chat := range []int64{phone, mail, phone} {
			if err := put(tx, source, chat, entry{Row: int64(i), GUID: string(rune('a' + i)), Date: int64(i), Text: string(rune('a' + i))}); err != nil {
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
func TestCollect_AbsentMembers(t *testing.T) {
	db := create(t)
	absent, there := messages.Member{Address: "c", Absent: true}, messages.Members("b", "a")
	outcome, err := db.Collect(t.Context(), false, func(tx *messages.Tx) error {
		source, _ := tx.Source("", messages.Whole)
		plain, _ := tx.Conversation(source, true, there)
		before, _ := tx.Conversation(source, true, append([]messages.Member{absent}, there...))
		if after, err := tx.Conversation(source, true, append(there[:2:2], absent)); err != nil || plain == before || plain != after {
			t.Errorf("conversations are %d, %d with c absent, %d with c absent earlier on (%v)", plain, before, after, err)
		}
		if err := put(tx, source, plain, entry{Row: 1, GUID: "1", Text: "x"}); err != nil {
			return err
		}
		return put(tx, source, before, entry{Row: 2, GUID: "2", Text: "y"})
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

func TestCollect_ConversationIsASetOfMembers(t *testing.T) {
	db := create(t)
	_, err := db.Collect(t.Context(), false, func(tx *messages.Tx) error {
		source, err := tx.Source("", messages.Whole)
		conversation := func(group bool, members ...string) int64 {
			id, failure := tx.Conversation(source, group, messages.Members(members...))
			err = errors.Join(err, failure)
			return id
		}
		group := conversation(true, "b", "a")
		if group != conversation(true, "a", "b", "a") {
			t.Error("the same members in another order are another conversation")
		}
		if conversation(true, "a") == conversation(false, "a") {
			t.Error("a group and a direct chat are one conversation")
		}
		return errors.Join(err, put(tx, source, group, entry{GUID: "g", Text: "hello", Sender: "a"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Conversations(t.Context())
	if err != nil || len(got) != 1 || got[0].ID != 1 || !got[0].Group || !slices.Equal(got[0].Members, messages.Members("a", "b")) || got[0].Messages != 1 {
		t.Errorf("conversations are %+v (%v), want the group of a and b: empty ones are left out", got, err)
	}
}

func TestCollect_AnswersAimAtTheNamedPart(t *testing.T) {
	db := create(t)
	reply := func(guid string, part int) entry {
		return entry{Row: 9, GUID: "r", Date: 9, Text: "reply", TargetGUID: guid, TargetPart: part}
	}
	rows := []entry{
		{Row: 1, GUID: "m", Part: 0, Place: 0, Text: "first"}, {Row: 1, GUID: "m", Part: 1, Place: 1, Text: "second"},
		{Row: 2, GUID: "short", Part: 1, Text: "left", Shortened: true}}
	for _, test := range []struct {
		name string
		e    entry
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
			if last.Replies != (test.want != "") || last.QuotedText != test.want {
				t.Errorf("it quotes %q, want %q", last.QuotedText, test.want)
			}
		})
	}
}

func TestReader_DescriptionsSurviveAndStandForAttachments(t *testing.T) {
	db := create(t)
	rows := []entry{
		{Row: 1, GUID: "m", Kind: messages.Image, Text: "IMG.HEIC", Attachment: "at_1"},
		{Row: 2, GUID: "r", Date: 1, Kind: messages.Reaction, Text: "Loved", TargetGUID: "m"}}
	replace(t, db, false, rows...)
	if _, err := db.SQL().Exec(`INSERT INTO attachment_descriptions (attachment_guid, description) VALUES ('at_1', 'A sunset')`); err != nil {
		t.Fatal(err)
	}
	replace(t, db, false, rows...)
	list := read(t, db, nil)
	if got := list[0].Text; got != "A sunset" {
		t.Errorf("words of the image are %q", got)
	}
	if got := list[1].QuotedText; got != "A sunset" {
		t.Errorf("the reaction quotes %q", got)
	}
}

func TestCollect_FailureKeepsWhatWasThere(t *testing.T) {
	db := create(t)
	replace(t, db, false, entry{GUID: "a", Text: "before"})
	_, err := db.Collect(t.Context(), false, func(tx *messages.Tx) error {
		if err := fill(tx, "", messages.Whole, entry{GUID: "b", Text: "after"}); err != nil {
			return err
		}
		return os.ErrDeadlineExceeded
	})
	if err != os.ErrDeadlineExceeded {
		t.Fatalf("error is %v", err)
	}
	wantTexts(t, read(t, db, nil), "before")
	replace(t, db, false, entry{GUID: "c", Text: "again"})
	wantTexts(t, read(t, db, nil), "again")
}

func TestCollect_Canceled(t *testing.T) {
	db := create(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := db.Collect(ctx, false, func(tx *messages.Tx) error {
		cancel()
		return fill(tx, "", messages.Whole, entry{GUID: "b", Text: "after"})
	})
	if err == nil {
		t.Fatal("a canceled replacement succeeded")
	}
	wantTexts(t, read(t, db, nil))
}
