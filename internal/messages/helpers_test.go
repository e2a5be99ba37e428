package messages_test

import (
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"ventriloquist/internal/messages"
)

// entry is a message, or the removal of a reaction, as tests write it: entries of one GUID that follow each other are the
// parts of a row.
type entry struct {
	Row                    int64
	GUID                   string
	Part, Place            int
	Date                   int64
	Sender                 string
	Kind                   messages.Kind
	Text                   string
	Attachment, Transcript string
	File                   messages.FilePlace
	TargetGUID             string
	TargetPart             int
	Removal, Shortened     bool
	Partial                bool
}

// put puts entries into a chat.
func put(tx *messages.Tx, source, chat int64, entries ...entry) error {
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].GUID == entries[0].GUID {
			n++
		}
		list := slices.Clone(entries[:n])
		slices.SortFunc(list, func(a, b entry) int { return a.Place - b.Place })
		e := list[0]
		row := messages.Row{Source: source, Chat: chat, Row: e.Row, GUID: e.GUID, Date: e.Date, Sender: e.Sender, TargetGUID: e.TargetGUID,
			TargetPart: e.TargetPart, Removal: e.Removal, Shortened: e.Shortened, Partial: e.Partial}
		for _, e := range list {
			row.Parts = append(row.Parts, messages.Part{Number: e.Part, Kind: e.Kind, Text: e.Text, Attachment: e.Attachment, Transcript: e.Transcript, File: e.File})
		}
		if _, err := tx.Put(&row); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

func create(t *testing.T) *messages.DB {
	t.Helper()
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "data", "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// replace stores entries of a source without a name in one direct chat with +1.
func replace(t *testing.T, db *messages.DB, keepGone bool, entries ...entry) messages.Outcome {
	t.Helper()
	return collect(t, db, "", messages.Whole, keepGone, entries...)
}

// collect stores entries of one source in one direct chat with +1.
func collect(t *testing.T, db *messages.DB, source string, extent messages.Extent, keepGone bool, entries ...entry) messages.Outcome {
	t.Helper()
	outcome, err := db.Collect(t.Context(), keepGone, func(tx *messages.Tx) error { return fill(tx, source, extent, entries...) })
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

func fill(tx *messages.Tx, source string, extent messages.Extent, entries ...entry) error {
	number, err := tx.Source(source, extent)
	if err != nil {
		return err
	}
	chat, err := tx.Conversation(number, false, messages.Members("+1"))
	if err != nil {
		return err
	}
	return put(tx, number, chat, entries...)
}

func said(guid string, date int64, text string) entry {
	return entry{GUID: guid, Date: date, Row: date, Text: text}
}

// read reads all conversations, taken together.
func read(t *testing.T, db *messages.DB, identity func(string) string) []messages.WindowMessage {
	t.Helper()
	r, err := db.Reader(t.Context(), identity)
	if err != nil {
		t.Fatal(err)
	}
	conversations, err := r.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []messages.WindowMessage
	err = r.WindowMessages(t.Context(), conversations, func(m *messages.WindowMessage) error {
		list = append(list, *m)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func texts(list []messages.WindowMessage) []string {
	out := []string{}
	for _, m := range list {
		out = append(out, m.Text)
	}
	return out
}

func wantTexts(t *testing.T, list []messages.WindowMessage, want ...string) {
	t.Helper()
	if got := texts(list); !reflect.DeepEqual(got, append([]string{}, want...)) {
		t.Errorf("messages are %q, want %q", got, want)
	}
}
