package messages_test

import (
	"path/filepath"
	"testing"

	"ventriloquist/internal/messages"
)

// collect stores entries of one source in one direct chat with +1.
func collect(t *testing.T, db *messages.DB, source string, extent messages.Extent, keepGone bool, entries ...messages.Entry) messages.Outcome {
	t.Helper()
	outcome, err := db.Replace(t.Context(), keepGone, func(w *messages.Writer) error {
		number := w.Source(source, extent)
		for _, e := range entries {
			w.Present(e.GUID)
			e.Source, e.Conversation = number, w.Conversation(false, messages.Members("+1"))
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

func said(guid string, date int64, text string) messages.Entry {
	return messages.Entry{GUID: guid, Date: date, Row: date, Text: text}
}

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
	love := messages.Entry{GUID: "r", Date: 3, Kind: messages.Reaction, Text: "Loved", TargetGUID: "a", Sender: "+1"}
	undo := messages.Entry{GUID: "u", Date: 4, Kind: messages.Reaction, Text: "Loved", TargetGUID: "a", Sender: "+1", Removal: true}
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
	part := func(n int, text string) messages.Entry {
		return messages.Entry{GUID: "a", Date: 1, Part: n, Place: n, Text: text}
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
	if list := read(t, db, nil); list[0].Target != nil {
		t.Fatalf("it answers %+v", list[0].Target)
	}
	collect(t, db, "mac", messages.Whole, false, reply, said("a", 1, "coming?"))
	collect(t, db, "phone", messages.Whole, false, said("a", 1, "coming?"))
	collect(t, db, "mac", messages.Whole, false, reply)
	if list := read(t, db, nil); len(list) != 2 || list[1].Target == nil || list[1].Target.Text != "coming?" {
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
		_, err := db.Replace(t.Context(), false, func(w *messages.Writer) error {
			w.Name(address, name)
			e := said(address, 1, "hello")
			e.Sender, e.Source, e.Conversation = address, w.Source(address, messages.Whole), w.Conversation(false, messages.Members(address))
			w.Present(e.GUID)
			return w.Add(&e)
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
	file := messages.Entry{GUID: "a", Date: 2, Kind: messages.Image, Text: "a.jpg", Attachment: "a"}
	collect(t, db, "chat", messages.Span, false, said("0", 1, "0"), file, said("9", 9, "9"))
	for range 2 {
		_, err := db.Replace(t.Context(), false, func(w *messages.Writer) error {
			number, conversation := w.Source("chat", messages.Span), w.Conversation(false, messages.Members("+1"))
			for _, e := range []messages.Entry{said("0", 1, "0"), said("a", 2, "caption"), said("b", 3, "caption"), said("9", 9, "9")} {
				e.Source, e.Conversation = number, conversation
				if w.Present(e.GUID); e.Text == "caption" {
					w.Partial(&e)
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
		wantTexts(t, read(t, db, nil), "0", "a.jpg", "caption", "9")
	}
}

// What was unsent is in no source any longer, in whatever order they are collected.
func TestSources_UnsentIsGoneEverywhere(t *testing.T) {
	for name, order := range map[string][]string{"BackupFirst": {"phone", "mac"}, "MacFirst": {"mac", "phone", "mac", "phone"}} {
		t.Run(name, func(t *testing.T) {
			db := create(t)
			for _, source := range order {
				_, err := db.Replace(t.Context(), false, func(w *messages.Writer) error {
					number, conversation := w.Source(source, messages.Whole), w.Conversation(false, messages.Members("+1"))
					for _, e := range []messages.Entry{said("a", 1, "a"), said("b", 2, "oops")} {
						if w.Present(e.GUID); source == "mac" && e.GUID == "b" {
							w.Retract("b")
							continue
						}
						e.Source, e.Conversation = number, conversation
						if err := w.Add(&e); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			wantTexts(t, read(t, db, nil), "a")
		})
	}
}

// A source whose messages are all gone is known still, and sources that are gone leave gaps.
func TestSources_WithoutOrigins(t *testing.T) {
	db := create(t)
	collect(t, db, "mac", messages.Whole, false, said("a", 1, "a"))
	collect(t, db, "phone", messages.Whole, false, said("b", 2, "b"))
	collect(t, db, "tablet", messages.Whole, false, said("c", 3, "c"))
	if _, err := db.SQL().Exec(`DELETE FROM origin WHERE source = 2; DELETE FROM message WHERE guid = 'b'; DELETE FROM source WHERE name = 'mac';
		DELETE FROM origin WHERE source = 1; DELETE FROM message WHERE guid = 'a'; UPDATE conversation SET first = last`); err != nil {
		t.Fatal(err)
	}
	collect(t, db, "phone", messages.Whole, false, said("d", 4, "d"))
	wantTexts(t, read(t, db, nil), "c", "d")
	var names string
	if err := db.SQL().QueryRow(`SELECT group_concat(id || name) FROM (SELECT * FROM source ORDER BY id)`).Scan(&names); err != nil || names != "2phone,3tablet" {
		t.Errorf("sources are %s (%v)", names, err)
	}
}
