package messages_test

import (
	"path/filepath"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
)

func TestSources_OneDoesNotRemoveWhatAnotherGave(t *testing.T) {
	db := create(t)
	collect(t, db, "mac", messages.Whole, false, said("a", 1, "a"), said("b", 2, "b"))
	collect(t, db, "phone", messages.Whole, false, said("c", 3, "c"))
	wantTexts(t, read(t, db, nil), "a", "b", "c")
	if outcome := collect(t, db, "mac", messages.Whole, false, said("b", 2, "b")); outcome.Gone != 1 {
		t.Errorf("%d rows are gone, want 1", outcome.Gone)
	}
	wantTexts(t, read(t, db, nil), "b", "c")
}

func TestSources_TheSameMessageIsOne(t *testing.T) {
	db := create(t)
	love := entry{GUID: "r", Date: 3, Kind: messages.Reaction, Text: "Loved", TargetGUID: "a", Sender: "+1"}
	undo := entry{GUID: "u", Date: 4, Kind: messages.Reaction, Text: "Loved", TargetGUID: "a", Sender: "+1", Removal: true}
	collect(t, db, "mac", messages.Whole, false, said("a", 1, "helo"), said("b", 2, "b"), love)
	collect(t, db, "phone", messages.Whole, false, said("a", 1, "hello"), said("b", 2, "b"), love, undo)
	wantTexts(t, read(t, db, nil), "hello", "b") // as it was read last, and the reaction is taken back

	// It stays until neither has it.
	if outcome := collect(t, db, "mac", messages.Whole, false); outcome.Gone != 0 {
		t.Errorf("%d rows are gone, but the phone has them", outcome.Gone)
	}
	wantTexts(t, read(t, db, nil), "hello", "b")
	if outcome := collect(t, db, "phone", messages.Whole, false, said("b", 2, "b")); outcome.Gone != 2 {
		t.Errorf("%d rows are gone, want 2: a message and the reaction to it", outcome.Gone)
	}
	wantTexts(t, read(t, db, nil), "b")
}

func TestSources_PartsOfAMessageFollowTheCopyReadLast(t *testing.T) {
	db := create(t)
	part := func(n int, text string) entry {
		return entry{GUID: "a", Date: 1, Part: n, Place: n, Text: text}
	}
	collect(t, db, "mac", messages.Whole, false, part(0, "one"), part(1, "two"), said("z", 2, "z"))
	collect(t, db, "phone", messages.Whole, false, part(1, "two"))
	wantTexts(t, read(t, db, nil), "two", "z")
}

func TestSources_AnExportSpeaksForItsSpan(t *testing.T) {
	db := create(t)
	collect(t, db, "chat", messages.Span, false, said("1", 1, "1"), said("2", 2, "2"), said("3", 3, "3"), said("4", 4, "4"), said("5", 5, "5"))
	if outcome := collect(t, db, "chat", messages.Span, false, said("2", 2, "2"), said("4", 4, "4"), said("6", 6, "6")); outcome.Gone != 2 {
		t.Errorf("%d rows are gone, want 2", outcome.Gone)
	}
	wantTexts(t, read(t, db, nil), "1", "2", "4", "6")
	collect(t, db, "chat", messages.Span, false) // an empty export says nothing
	wantTexts(t, read(t, db, nil), "1", "2", "4", "6")
}

func TestSources_KeepGone(t *testing.T) {
	db := create(t)
	collect(t, db, "mac", messages.Whole, false, said("a", 1, "a"), said("b", 2, "b"))
	collect(t, db, "phone", messages.Whole, false, said("c", 3, "c"))
	for range 2 {
		if outcome := collect(t, db, "mac", messages.Whole, true, said("b", 2, "b")); outcome.Gone != 1 || !outcome.Kept {
			t.Errorf("outcome is %+v", outcome)
		}
		wantTexts(t, read(t, db, nil), "a", "b", "c")
	}
}

// Answers find what they answer in whatever source has it.
func TestSources_AnswersAcrossSources(t *testing.T) {
	db := create(t)
	reply := said("r", 5, "yes")
	reply.TargetGUID, reply.TargetPart = "a", messages.WholeMessage
	collect(t, db, "mac", messages.Whole, false, reply)
	if list := read(t, db, nil); list[0].Replies {
		t.Fatalf("it answers %q", list[0].QuotedText)
	}
	collect(t, db, "mac", messages.Whole, false, reply, said("a", 1, "coming?"))
	collect(t, db, "phone", messages.Whole, false, said("a", 1, "coming?"))
	collect(t, db, "mac", messages.Whole, false, reply)
	if list := read(t, db, nil); len(list) != 2 || list[1].QuotedText != "coming?" {
		t.Errorf("messages are %+v", list)
	}
}

// What was collected before sources had names is taken over by the first whole source that has one.
func TestSources_TheUnnamedIsTakenOver(t *testing.T) {
	db := create(t)
	replace(t, db, false, said("a", 1, "a"), said("b", 2, "b"))
	collect(t, db, "chat", messages.Span, false, said("c", 3, "c"))
	wantTexts(t, read(t, db, nil), "a", "b", "c")
	collect(t, db, "mac", messages.Whole, false, said("b", 2, "b"))
	wantTexts(t, read(t, db, nil), "b", "c")
}

func TestSources_NamesOfAddressesStay(t *testing.T) {
	db := create(t)
	name := func(address, name string) {
		_, err := db.Collect(t.Context(), false, func(tx *messages.Tx) error {
			tx.Name(address, name)
			e := said(address, 1, "hello")
			e.Sender = address
			return fill(tx, address, messages.Whole, e)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	name("user1", "John")
	name("user2", "user2")
	name("user3", "Zoë")
	reader, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	names, err := reader.Names(t.Context())
	if err != nil || len(names) != 2 || names["user1"] != "John" || names["user3"] != "Zoë" {
		t.Errorf("names are %v (%v)", names, err)
	}
}

// A file of the version before sources has an unnamed one, and keeps its messages.
func TestOpen_BringsOldFilesUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "messages.db")
	execute(t, path, `PRAGMA application_id = 0x76716374; PRAGMA user_version = 2;
CREATE TABLE handle (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE);
CREATE TABLE conversation (id INTEGER PRIMARY KEY, is_group INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE conversation_member (conversation INTEGER NOT NULL, place INTEGER NOT NULL, handle INTEGER NOT NULL,
  absent INTEGER NOT NULL, PRIMARY KEY (conversation, place)) WITHOUT ROWID;
CREATE TABLE message (id INTEGER PRIMARY KEY, source_row INTEGER NOT NULL, guid NOT NULL, part INTEGER NOT NULL,
  date INTEGER NOT NULL, sender INTEGER NOT NULL, kind INTEGER NOT NULL, text TEXT NOT NULL, target INTEGER);
CREATE TABLE attachment (message INTEGER PRIMARY KEY, guid TEXT NOT NULL, transcript TEXT);
CREATE TABLE removal (id INTEGER PRIMARY KEY, source_row INTEGER NOT NULL, guid NOT NULL, date INTEGER NOT NULL,
  sender INTEGER NOT NULL, text TEXT NOT NULL, target INTEGER NOT NULL);
CREATE TABLE attachment_descriptions (attachment_guid TEXT PRIMARY KEY, description TEXT) WITHOUT ROWID;
INSERT INTO handle VALUES (1, '+1');
INSERT INTO conversation VALUES (1, 0, 1, 1);
INSERT INTO conversation_member VALUES (1, 0, 1, 0);
INSERT INTO message VALUES (1, 1, 'a', 0, 1, 0, 0, 'old', NULL);`)
	db, err := messages.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	wantTexts(t, read(t, db, nil), "old")
	collect(t, db, "mac", messages.Whole, false, said("b", 2, "new"))
	wantTexts(t, read(t, db, nil), "new")
}

// An export without media does not take the names of files away that one with media gave.
func TestSources_APartialCopyDoesNotReplace(t *testing.T) {
	db := create(t)
	file := entry{GUID: "a", Date: 2, Kind: messages.Image, Text: "a.jpg", Attachment: "a"}
	collect(t, db, "chat", messages.Span, false, said("0", 1, "0"), file, said("9", 9, "9"))
	for range 2 {
		entries := []entry{said("0", 1, "0"), said("a", 2, "caption"), said("b", 3, "caption"), said("9", 9, "9")}
		for i := range entries {
			entries[i].Partial = entries[i].Text == "caption"
		}
		collect(t, db, "chat", messages.Span, false, entries...)
		wantTexts(t, read(t, db, nil), "0", "a.jpg", "caption", "9")
	}
}

// What was unsent is in no source any longer, in whatever order they are collected.
func TestSources_UnsentIsGoneEverywhere(t *testing.T) {
	for name, order := range map[string][]string{"BackupFirst": {"phone", "mac"}, "MacFirst": {"mac", "phone", "mac", "phone"}} {
		t.Run(name, func(t *testing.T) {
			db := create(t)
			for _, source := range order {
				_, err := db.Collect(t.Context(), false, func(tx *messages.Tx) error {
					if source != "mac" {
						return fill(tx, source, messages.Whole, said("a", 1, "a"), said("b", 2, "oops"))
					}
					if err := fill(tx, source, messages.Whole, said("a", 1, "a")); err != nil {
						return err
					}
					number, err := tx.Source(source, messages.Whole)
					if err == nil {
						_, err = tx.Put(&messages.Row{Source: number, GUID: "b", Date: 2, Retracted: true})
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			wantTexts(t, read(t, db, nil), "a")
		})
	}
}

// A source whose messages are all gone is known still, and keeps its number.
func TestSources_WithoutMessages(t *testing.T) {
	db := create(t)
	for _, source := range []string{"mac", "phone", "tablet"} {
		collect(t, db, source, messages.Whole, false, said(source, 1, source))
	}
	collect(t, db, "mac", messages.Whole, false)
	collect(t, db, "phone", messages.Whole, false, said("d", 4, "d"))
	wantTexts(t, read(t, db, nil), "tablet", "d")
	wantStrings(t, messagestest.Rows(t, db, `SELECT id || name FROM source ORDER BY id`), "1mac", "2phone", "3tablet")
}
