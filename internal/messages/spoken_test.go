package messages_test

import (
	"testing"

	"ventriloquist/internal/messages"
)

// Spoken and Messages are two readings of the same: of answers, attachments, descriptions and several conversations.
func TestReader_SpokenSaysWhatMessagesSays(t *testing.T) {
	db := create(t)
	_, err := db.Replace(t.Context(), false, func(w *messages.Writer) error {
		for i, e := range []messages.Entry{
			{Row: 1, GUID: "a", Date: 5, Text: "hello", TargetPart: messages.WholeMessage},
			{Row: 2, GUID: "b", Date: 4, Kind: messages.Image, Text: "IMG_1.HEIC", Attachment: "at-1"},
			{Row: 3, GUID: "c", Date: 6, Kind: messages.Image, Text: "IMG_2.HEIC", Attachment: "at-2", Sender: "+1"},
			{Row: 4, GUID: "d", Date: 6, Kind: messages.Audio, Text: "Voice.caf", Attachment: "at-3", Transcript: "on my way"},
			{Row: 5, GUID: "e", Date: 8, Kind: messages.Reaction, Text: "Loved", TargetGUID: "c", Sender: "+2"},
			{Row: 6, GUID: "f", Date: 9, Text: "yes", TargetGUID: "d", Sender: "+1"},
			{Row: 7, GUID: "g", Date: 9, Text: "no", TargetGUID: "a"},
			{Row: 8, GUID: "h", Date: 9, Text: "to nothing", TargetGUID: "z"},
			{Row: 9, GUID: "i", Date: 10, Kind: messages.Reaction, Text: "Liked", TargetGUID: "c", Sender: "+2"},
			{Row: 10, GUID: "j", Date: 11, Kind: messages.Reaction, Text: "Liked", TargetGUID: "c", Sender: "+2", Removal: true},
		} {
			e.Conversation = w.Conversation(false, messages.Members([]string{"+1", "+2"}[i%2]))
			if err := w.Add(&e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.SQL().Exec(`INSERT INTO attachment_descriptions (attachment_guid, description) VALUES ('at-2', 'a dog'), ('at-1', '')`); err != nil {
		t.Fatal(err)
	}
	var want []messages.Spoken
	for _, m := range read(t, db, nil) {
		s := messages.Spoken{Date: m.Date, Sender: m.Sender, Kind: m.Kind, Words: m.Words()}
		if m.Target != nil {
			s.Answers, s.TargetKind, s.TargetWords = true, m.Target.Kind, m.Target.Words()
		}
		want = append(want, s)
	}
	r, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	conversations, err := r.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []messages.Spoken
	if err := r.Spoken(t.Context(), conversations, func(m *messages.Spoken) error { got = append(got, *m); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 8 || len(want) != 8 {
		t.Fatalf("%d and %d messages, want 8", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("message %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}
