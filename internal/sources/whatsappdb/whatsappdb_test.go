package whatsappdb_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/sources/whatsappdb"
	"ventriloquist/internal/sources/whatsappdb/whatsappdbtest"
	"ventriloquist/internal/usererr"
)

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	r, err := whatsappdb.Open(t.Context(), path, t.TempDir(), sourcetest.Reading(own...))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return sourcetest.Read(t, r)
}

const androidRows = `
INSERT INTO jid (_id, user, server, raw_string) VALUES (1, '15550000001', 's.whatsapp.net', '15550000001@s.whatsapp.net'), (2, '123', 'g.us', '123-456@g.us'), (3, '15550000002', 's.whatsapp.net', '15550000002@s.whatsapp.net'),
 (4, '999', 'lid', '999@lid'), (5, 'status', 'broadcast', 'status@broadcast'), (6, '15550000003', 's.whatsapp.net', '15550000003@s.whatsapp.net'), (7, '888', 'lid', '888@lid');
INSERT INTO jid_map VALUES (4, 3);
INSERT INTO chat (_id, jid_row_id, subject) VALUES (1, 1, NULL), (2, 2, 'Trip'), (3, 5, NULL);
INSERT INTO message (_id, chat_row_id, from_me, key_id, sender_jid_row_id, timestamp, message_type, text_data) VALUES
 (1, -1, 0, '-1', NULL, 0, -1, NULL),
 (2, 1, 0, 'K2', NULL, 1710529320123, 0, 'hey'),
 (3, 1, 1, 'K3', NULL, 1710529321000, 0, 'hi yourself'),
 (4, 1, 0, 'K4', NULL, 1710529322000, 1, 'a caption'),
 (5, 1, 0, 'K5', NULL, 1710529323000, 15, NULL),
 (6, 1, 1, 'K6', NULL, 1710529324000, 5, NULL),
 (7, 1, 0, 'K7', NULL, 1710529325000, 4, NULL),
 (8, 1, 0, 'K8', NULL, 1710529326000, 7, NULL),
 (9, 2, 0, 'K9', 4, 1710529327000, 0, 'by a hidden number that is known'),
 (10, 2, 0, 'K10', 6, 1710529328000, 0, 'me too'),
 (11, 2, 0, 'K11', 7, 1710529329000, 0, 'nobody knows my number'),
 (12, 3, 0, 'K12', 3, 1710529330000, 0, 'a status'),
 (13, 1, 0, 'K13', NULL, 1710529331000, 66, 'Lunch?'),
 (14, 1, 0, 'K14', NULL, 1710529332000, 99, NULL),
 (15, 1, 0, 'K15', NULL, 0, 0, 'no date'),
 (16, 2, 0, 'K16', NULL, 1710529333000, 0, 'who?'),
 (17, 1, 0, 'K17', NULL, 1710529334000, 0, ' '),
 (18, 1, 0, 'K18', NULL, 1710529333000, 92, NULL);
INSERT INTO message_poll_option (message_row_id, option_name) VALUES (13, 'Pizza'), (13, 'Soup');
INSERT INTO message_event (message_row_id, name) VALUES (18, 'Party');
INSERT INTO message_quoted (message_row_id, key_id, text_data) VALUES (3, 'K2', 'hey');
INSERT INTO message_media (message_row_id, file_path, mime_type) VALUES (4, 'Media/WhatsApp Images/IMG-1.jpg', 'image/jpeg');
INSERT INTO message_location (message_row_id, latitude, longitude, place_name) VALUES (6, 51.5, -0.1, NULL);
INSERT INTO message_vcard (message_row_id, vcard) VALUES (7, 'BEGIN:VCARD' || char(10) || 'FN:Zoë' || char(10) || 'END:VCARD'), (7, 'BEGIN:VCARD');
INSERT INTO message_add_on (_id, chat_row_id, from_me, key_id, sender_jid_row_id, parent_message_row_id, timestamp, message_add_on_type) VALUES (1, 1, 1, 'A1', NULL, 2, 1710529340000, 56), (2, 2, 0, 'A2', 6, 9, 1710529341000, 56), (3, 1, 0, 'A3', NULL, 3, 1710529342000, 56);
INSERT INTO message_add_on_reaction VALUES (1, '❤️', 1710529339000), (2, '😂', 0), (3, '', 0);
`

func TestRead_Android(t *testing.T) {
	t.Parallel()
	path := sourcetest.Database(t, "msgstore.db", whatsappdbtest.Android, androidRows)
	for _, recognized := range []string{path, filepath.Dir(path)} {
		if head, err := sources.ReadHead(recognized); err != nil || !whatsappdb.Recognize(head) {
			t.Errorf("%s is not recognized (%v)", recognized, err)
		}
	}
	s, err := read(t, filepath.Dir(path), "+1 555 000 0003")
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 +15550000001 text: hey",
		"2024-03-15 19:02:01 me text: hi yourself <- hey",
		"2024-03-15 19:02:02 +15550000001 image: IMG-1.jpg",
		"2024-03-15 19:02:02 +15550000001 text: a caption",
		"2024-03-15 19:02:04 me location: 51.500000, -0.100000",
		"2024-03-15 19:02:05 +15550000001 contact: Zoë",
		"2024-03-15 19:02:07 +15550000002 text: by a hidden number that is known",
		"2024-03-15 19:02:08 me text: me too",
		"2024-03-15 19:02:09 888@lid text: nobody knows my number",
		"2024-03-15 19:02:11 +15550000001 text: Lunch?|Pizza|Soup",
		"2024-03-15 19:02:11 +15550000001 text: no date",
		"2024-03-15 19:02:13 +15550000001 text: Party",
		"2024-03-15 19:02:19 me reaction: ❤️ <- hey",
		"2024-03-15 19:02:21 me reaction: 😂 <- by a hidden number that is known")
	s.WantCounts(t, map[sources.Fate]int64{sources.NoChat: 1, sources.Deleted: 1, sources.Events: 1, sources.Broadcast: 1, sources.UnknownKind: 1, sources.NoSender: 1, sources.Empty: 1})
	group := s.Messages[6].Chat
	if !group.Group || !slices.Equal(group.Members, []string{"+15550000002", "888@lid"}) || group.Extent != messages.Whole || len(s.Left) != 1 || !s.Left[0].Retracted {
		t.Errorf("the group is %+v, deleted are %v", group, s.Left)
	}
	if p := s.Messages[2].Parts[0]; p.File.Path != "Media/WhatsApp Images/IMG-1.jpg" || p.File.Root != filepath.Dir(path) {
		t.Errorf("the picture is %+v", p)
	}
}

const iPhoneRows = `
INSERT INTO ZWACHATSESSION (Z_PK, ZSESSIONTYPE, ZCONTACTJID, ZPARTNERNAME) VALUES (1, 0, '15550000001@s.whatsapp.net', 'John Smith'), (2, 1, '123-456@g.us', 'Trip'), (3, 3, '1@status', 'x');
INSERT INTO ZWAGROUPMEMBER (Z_PK, ZCHATSESSION, ZMEMBERJID, ZCONTACTNAME) VALUES (1, 2, '15550000001@s.whatsapp.net', 'John Smith'), (2, 2, '15550000002@s.whatsapp.net', 'Zoë');
INSERT INTO ZWAMEDIAITEM (Z_PK, ZMESSAGE, ZMEDIALOCALPATH, ZTITLE, ZMETADATA) VALUES (1, 2, NULL, NULL, x'0801' || x'2A024B31'), (2, 3, 'Media/1@s.whatsapp.net/a.jpg', 'a caption', NULL), (3, 4, 'Media/x/y.pdf', 'Resume.pdf', NULL);
INSERT INTO ZWAMESSAGE (Z_PK, ZCHATSESSION, ZGROUPMEMBER, ZISFROMME, ZMEDIAITEM, ZMESSAGETYPE, ZMESSAGEDATE, ZSTANZAID, ZTEXT) VALUES
 (1, 1, NULL, 0, NULL, 0, 732222120.5, 'K1', 'hey'),
 (2, 1, NULL, 1, 1, 0, 732222121, 'K2', 'hi yourself'),
 (3, 1, NULL, 0, 2, 1, 732222122, 'K3', NULL),
 (4, 1, NULL, 0, 3, 8, 732222123, 'K4', 'Resume.pdf'),
 (5, 1, NULL, 0, NULL, 14, 732222124, 'K5', NULL),
 (6, 2, 2, 0, NULL, 0, 732222125, 'K6', 'me too'),
 (7, 2, NULL, 0, NULL, 6, 732222126, 'K7', 'Trip'),
 (8, 9, NULL, 0, NULL, 0, 732222126, 'K8', 'lost'),
 (9, 1, NULL, 0, NULL, 7, 732222127, 'K9', 'https://x.org');
`

func TestRead_IPhone(t *testing.T) {
	t.Parallel()
	path := sourcetest.Database(t, "ChatStorage.sqlite", whatsappdbtest.IPhone, iPhoneRows)
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 +15550000001 text: hey", "2024-03-15 19:02:01 me text: hi yourself <- hey",
		"2024-03-15 19:02:02 +15550000001 image: a.jpg", "2024-03-15 19:02:02 +15550000001 text: a caption", "2024-03-15 19:02:03 +15550000001 document: Resume.pdf",
		"2024-03-15 19:02:05 +15550000002 text: me too", "2024-03-15 19:02:07 +15550000001 text: https://x.org")
	s.WantCounts(t, map[sources.Fate]int64{sources.Deleted: 1, sources.Events: 1, sources.NoChat: 1})
	if s.Names["+15550000001"] != "John Smith" || s.Names["+15550000002"] != "Zoë" || len(s.Names) != 2 {
		t.Errorf("names are %v", s.Names)
	}
}

// The same message has the same identifier in the databases of either phone.
func TestRead_EitherPhone(t *testing.T) {
	t.Parallel()
	android, err := read(t, sourcetest.Database(t, "msgstore.db", whatsappdbtest.Android, androidRows))
	if err != nil {
		t.Fatal(err)
	}
	apple, err := read(t, sourcetest.Database(t, "ChatStorage.sqlite", whatsappdbtest.IPhone, iPhoneRows))
	if err != nil {
		t.Fatal(err)
	}
	if android.Messages[0].GUID != apple.Messages[1].GUID { // K2
		t.Error("they differ")
	}
}

// A database that is open elsewhere has its last changes beside it; reading leaves no files behind.
func TestOpen_ReadsTheLogAndLeavesNothing(t *testing.T) {
	t.Parallel()
	path := sourcetest.Database(t, "msgstore.db", whatsappdbtest.Android, androidRows)
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`PRAGMA journal_mode = WAL; INSERT INTO message (chat_row_id, from_me, key_id, timestamp, message_type, text_data) VALUES (1, 1, 'NEW', 1710529400000, 0, 'the last')`); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadDir(filepath.Dir(path))
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	if lines := s.Lines(); !slices.Contains(lines, "2024-03-15 19:03:20 me text: the last") {
		t.Errorf("messages are %q", lines)
	}
	if after, _ := os.ReadDir(filepath.Dir(path)); len(after) != len(before) {
		t.Errorf("the folder holds %v", after)
	}
}

func TestOpen_Errors(t *testing.T) {
	t.Parallel()
	other := sourcetest.Database(t, "msgstore.db", `CREATE TABLE messages (_id INTEGER);`, "")
	if _, err := read(t, other); err == nil || !strings.Contains(err.Error(), "no messages of WhatsApp") || usererr.Of(err) == "" {
		t.Errorf("error is %v", err)
	}
	if head, err := sources.ReadHead(other); err != nil || whatsappdb.Recognize(head) {
		t.Errorf("it is recognized (%v)", err)
	}
	if _, err := read(t, sourcetest.Write(t, "msgstore.db", "no database")); err == nil {
		t.Error("there is no error")
	}
}

// Damage costs what it holds.
func TestRead_Damaged(t *testing.T) {
	t.Parallel()
	var rows strings.Builder
	rows.WriteString(`INSERT INTO jid (_id, user, server, raw_string) VALUES (1, '1', 's.whatsapp.net', '1@s.whatsapp.net'); INSERT INTO chat (_id, jid_row_id) VALUES (1, 1);`)
	rows.WriteString(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO message (chat_row_id, from_me, key_id, timestamp, message_type, text_data)
		SELECT 1, 0, 'K' || i, 1710529320000 + i, 0, 'message ' || i || hex(zeroblob(100)) FROM n;`)
	path := sourcetest.Database(t, "msgstore.db", whatsappdbtest.Android, rows.String())
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(content[len(content)/2:], bytes.Repeat([]byte{0xff}, 8192))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := read(t, path)
	if err != nil || len(s.Messages) < 500 || len(s.Damage) == 0 {
		t.Errorf("%v, damage %q", err, s.Damage)
	}
}

// open is whatsappdb.Open with a temporary folder.
func open(t testing.TB) func(string, sources.Reading) (*whatsappdb.Reader, error) {
	temp := t.TempDir()
	return func(path string, reading sources.Reading) (*whatsappdb.Reader, error) {
		return whatsappdb.Open(t.Context(), path, temp, reading)
	}
}

func TestCollect_Again(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tables, rows string
		least        int
	}{"msgstore.db": {whatsappdbtest.Android, androidRows, 12}, "ChatStorage.sqlite": {whatsappdbtest.IPhone, iPhoneRows, 7}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sourcetest.Again(t, open(t), sourcetest.Database(t, name, c.tables, c.rows), c.least)
		})
	}
}

func TestRead_HoldsFewMessages(t *testing.T) {
	android := sourcetest.Database(t, "msgstore.db", whatsappdbtest.Android, `INSERT INTO jid (_id, user, server, raw_string) VALUES (1, '1', 's.whatsapp.net', '1@s.whatsapp.net'); INSERT INTO chat (_id, jid_row_id) VALUES (1, 1);`+
		sourcetest.LongRows+`INSERT INTO message (chat_row_id, from_me, key_id, timestamp, message_type, text_data) SELECT 1, 0, 'K' || i, 1710529320000 + i, 0, words FROM many;`)
	sourcetest.Flat(t, open(t), android)
	iPhone := sourcetest.Database(t, "ChatStorage.sqlite", whatsappdbtest.IPhone, `INSERT INTO ZWACHATSESSION (Z_PK, ZCONTACTJID, ZPARTNERNAME) VALUES (1, '15550000001@s.whatsapp.net', 'John');`+
		sourcetest.LongRows+`INSERT INTO ZWAMESSAGE (ZCHATSESSION, ZISFROMME, ZMESSAGETYPE, ZMESSAGEDATE, ZSTANZAID, ZTEXT) SELECT 1, 0, 0, 732222120 + i, 'K' || i, words FROM many;`)
	sourcetest.Flat(t, open(t), iPhone)
}

func FuzzRead(f *testing.F) {
	for _, path := range []string{sourcetest.Database(f, "a.db", whatsappdbtest.Android, androidRows), sourcetest.Database(f, "i.db", whatsappdbtest.IPhone, iPhoneRows)} {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content, 5000, byte(7))
	}
	path := filepath.Join(f.TempDir(), "msgstore.db")
	f.Fuzz(func(t *testing.T, content []byte, at int, change byte) {
		if at >= 0 && at < len(content) {
			content = bytes.Clone(content)
			content[at] ^= change
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path)
	})
}

// changedRows are a group that Zoë (3) left, Ed (6) joined, and John (1) was in at all times.
const changedRows = `
INSERT INTO jid (_id, user, server, raw_string) VALUES (1, '15550000001', 's.whatsapp.net', '15550000001@s.whatsapp.net'), (2, '123', 'g.us', '123-456@g.us'), (3, '15550000002', 's.whatsapp.net', '15550000002@s.whatsapp.net'),
 (6, '15550000003', 's.whatsapp.net', '15550000003@s.whatsapp.net'), (7, '15550000009', 's.whatsapp.net', '15550000009@s.whatsapp.net');
INSERT INTO chat (_id, jid_row_id, subject) VALUES (2, 2, 'Trip');
INSERT INTO message (_id, chat_row_id, from_me, key_id, sender_jid_row_id, timestamp, message_type, text_data) VALUES
 (1, 2, 1, 'K1', NULL, 1710529320000, 0, 'we are three'),
 (2, 2, 0, 'K2', 3, 1710529321000, 0, 'soon two'),
 (3, 2, 0, 'K3', 3, 1710529322000, 7, NULL),
 (4, 2, 0, 'K4', 1, 1710529323000, 0, 'she left'),
 (5, 2, 1, 'K5', NULL, 1710529324000, 7, NULL),
 (6, 2, 0, 'K6', 6, 1710529325000, 0, 'hello');
INSERT INTO message_system VALUES (3, 5), (5, 12);
INSERT INTO message_system_chat_participant VALUES (3, 3), (5, 6), (5, 7);
INSERT INTO group_participant_user (group_jid_row_id, user_jid_row_id, rank, pending) VALUES (2, 1, 0, 0), (2, 6, 0, 0), (2, 7, 2, 0), (2, 3, 0, 1);
`

const changedRowsOfIPhone = `
INSERT INTO ZWACHATSESSION (Z_PK, ZSESSIONTYPE, ZCONTACTJID, ZPARTNERNAME) VALUES (2, 1, '123-456@g.us', 'Trip');
INSERT INTO ZWAGROUPMEMBER (Z_PK, ZCHATSESSION, ZISACTIVE, ZMEMBERJID) VALUES (1, 2, 1, '15550000001@s.whatsapp.net'), (2, 2, 0, '15550000002@s.whatsapp.net'), (3, 2, 1, '15550000003@s.whatsapp.net');
INSERT INTO ZWAMESSAGE (Z_PK, ZCHATSESSION, ZGROUPMEMBER, ZISFROMME, ZMESSAGETYPE, ZGROUPEVENTTYPE, ZMESSAGEDATE, ZSTANZAID, ZTEXT) VALUES
 (1, 2, NULL, 1, 0, 0, 732222120, 'K1', 'we are three'), (2, 2, 2, 0, 0, 0, 732222121, 'K2', 'soon two'), (3, 2, 2, 0, 6, 3, 732222122, 'K3', NULL),
 (4, 2, 1, 0, 0, 0, 732222123, 'K4', 'she left'), (5, 2, 3, 0, 6, 2, 732222124, 'K5', NULL), (6, 2, 3, 0, 0, 0, 732222125, 'K6', 'hello');
`

// A message is of those who were in the group when it was sent, however the changes came into the database.
func TestCollect_MembersOverTime(t *testing.T) {
	t.Parallel()
	want := []string{"+15550000001 +15550000002: we are three, soon two", "+15550000001: she left", "+15550000001 +15550000003: hello"}
	slices.Sort(want)
	collect := func(db *messages.DB, name, tables, rows string) sources.Summary {
		path := sourcetest.Database(t, "x.db", tables, rows)
		r, err := whatsappdb.Open(t.Context(), path, t.TempDir(), sourcetest.Reading("+1 555 000 0009"))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		summary, err := sources.Export{Reader: r.At(name)}.Collect(t.Context(), db, sources.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return summary
	}
	before, _, _ := strings.Cut(changedRows, " (3, 2, 0, 'K3'")
	older := strings.TrimSuffix(strings.TrimSpace(before), ",") + ";"
	for name, steps := range map[string][][3]string{
		"Android":    {{"a", whatsappdbtest.Android, changedRows}},
		"Changing":   {{"a", whatsappdbtest.Android, older}, {"a", whatsappdbtest.Android, changedRows}, {"a", whatsappdbtest.Android, changedRows}},
		"IPhone":     {{"i", whatsappdbtest.IPhone, changedRowsOfIPhone}},
		"Two":        {{"a", whatsappdbtest.Android, changedRows}, {"i", whatsappdbtest.IPhone, changedRowsOfIPhone}},
		"OldAndNew":  {{"old", whatsappdbtest.Android, older}, {"i", whatsappdbtest.IPhone, changedRowsOfIPhone}},
		"Unrecorded": {{"a", whatsappdbtest.Android, changedRows}, {"old", whatsappdbtest.Android, older + "INSERT INTO group_participant_user (group_jid_row_id, user_jid_row_id) VALUES (2, 1), (2, 3), (2, 6);"}},
		"NewAndOld":  {{"i", whatsappdbtest.IPhone, changedRowsOfIPhone}, {"old", whatsappdbtest.Android, older}},
	} {
		db := sourcetest.NewDB(t)
		for _, step := range steps {
			if summary := collect(db, step[0], step[1], step[2]); summary.Gone > 0 {
				t.Errorf("%s: %d messages are gone", name, summary.Gone)
			}
		}
		if got := sourcetest.Conversations(t, db); !slices.Equal(got, want) {
			t.Errorf("%s: conversations are\n%q, want\n%q", name, got, want)
		}
	}
}

// A message that was edited has the key that it had before, by which replies and reactions name it.
func TestRead_EditedMessageKeepsItsKey(t *testing.T) {
	t.Parallel()
	rows := `
INSERT INTO jid (_id, user, server, raw_string) VALUES (1, '15550000001', 's.whatsapp.net', '15550000001@s.whatsapp.net');
INSERT INTO chat (_id, jid_row_id) VALUES (1, 1);
INSERT INTO message (_id, chat_row_id, from_me, key_id, timestamp, message_type, text_data) VALUES (1, 1, 0, 'NEW', 1710529320000, 0, 'as edited'), (2, 1, 1, 'K2', 1710529321000, 0, 'an answer'), (3, 1, 0, 'K3', 1710529322000, 1, NULL);
INSERT INTO message_edit_info VALUES (1, 'OLD', 1710529325000, 1710529325000);
INSERT INTO message_quoted (message_row_id, key_id) VALUES (2, 'OLD');
INSERT INTO message_media (message_row_id, file_path, mime_type, media_caption) VALUES (3, 'a.jpg', 'image/jpeg', 'in its own column');
INSERT INTO message_add_on (_id, chat_row_id, from_me, key_id, parent_message_row_id, timestamp, message_add_on_type) VALUES (1, 1, 1, 'A1', 1, 1710529340000, 56);
INSERT INTO message_add_on_reaction VALUES (1, '❤️', 1710529339000);
`
	s, err := read(t, sourcetest.Database(t, "msgstore.db", whatsappdbtest.Android, rows))
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 +15550000001 text: as edited", "2024-03-15 19:02:01 me text: an answer <- as edited", "2024-03-15 19:02:02 +15550000001 image: a.jpg",
		"2024-03-15 19:02:02 +15550000001 text: in its own column", "2024-03-15 19:02:19 me reaction: ❤️ <- as edited")
	before, err := read(t, sourcetest.Database(t, "msgstore.db", whatsappdbtest.Android, strings.NewReplacer("'NEW'", "'OLD'", "INSERT INTO message_edit_info VALUES (1, 'OLD', 1710529325000, 1710529325000);", "").Replace(rows)))
	if err != nil || before.Messages[0].GUID != s.Messages[0].GUID {
		t.Errorf("another message was edited (%v)", err)
	}
}
