package signal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/signal"
	"ventriloquist/internal/sources/signal/signaltest"
	"ventriloquist/internal/sources/sourcetest"
)

func read(t testing.TB, path, secret string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	temp := t.TempDir()
	r, err := signal.Open(t.Context(), path, secret, temp, sourcetest.Reading(own...))
	if err != nil {
		if left, _ := os.ReadDir(temp); len(left) > 0 {
			t.Errorf("an error leaves %v", left)
		}
		return nil, err
	}
	s, err := sourcetest.Read(t, r)
	if failed := r.Close(); failed != nil {
		t.Error(failed)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("the decrypted copy stays: %v", left)
	}
	return s, err
}

// people are a conversation with John, one with Zoë whose number is hidden, a group with both and somebody who left, and notes to oneself.
const people = `
INSERT INTO items VALUES ('uuid_id', '{"id":"uuid_id","value":"AAAA-0.2"}'), ('number_id', '{"id":"number_id","value":"+15550000009.2"}');
INSERT INTO conversations (id, type, e164, serviceId, profileFullName, json) VALUES
 ('c-john', 'private', '+15550000001', 'aaaa-1', 'Johnny', '{"id":"c-john","name":"John Smith","profileName":"Johnny","pni":"PNI:bbbb-1"}'),
 ('c-zoe', 'private', NULL, 'aaaa-2', 'Zoë', '{"id":"c-zoe","profileName":"Zoë"}'),
 ('c-own', 'private', '+15550000009', 'aaaa-0', 'Aidan', '{"id":"c-own"}');
INSERT INTO conversations (id, type, groupId, name, json) VALUES ('c-trip', 'group', 'G==', 'Trip', '{"membersV2":[{"aci":"aaaa-0"},{"aci":"aaaa-1"},{"aci":"aaaa-2"}]}');
`

const latestRows = people + `
INSERT INTO messages (id, conversationId, type, sent_at, sourceServiceId, body, json) VALUES
 ('1', 'c-john', 'incoming', 1710529320123, 'aaaa-1', 'hey', '{"reactions":[{"emoji":"❤️","fromId":"c-own","targetTimestamp":1710529320123,"timestamp":1710529339000},{"emoji":null,"fromId":"c-john","timestamp":1710529340000}]}'),
 ('2', 'c-john', 'outgoing', 1710529321000, 'aaaa-0', 'hi yourself', '{"quote":{"id":1710529320123,"authorAci":"AAAA-1","text":"hey","attachments":[]},"sendStateByConversationId":{"c-john":{"status":"Read"}}}'),
 ('3', 'c-john', 'incoming', 1710529322000, 'aaaa-1', 'a caption', '{}'),
 ('4', 'c-john', 'incoming', 1710529323000, 'aaaa-1', NULL, '{"deletedForEveryone":true}'),
 ('5', 'c-john', 'incoming', 1710529324000, 'aaaa-1', NULL, '{"sticker":{"packId":"p","stickerId":1,"emoji":"🐱"}}'),
 ('6', 'c-john', 'incoming', 1710529325000, 'aaaa-1', NULL, '{"contact":[{"name":{"givenName":"Zoë","familyName":"Q"},"number":[{"value":"+1"}]}]}'),
 ('7', 'c-trip', 'incoming', 1710529326000, 'aaaa-2', 'see ` + "\ufffc" + ` there', '{"bodyRanges":[{"start":0,"length":3,"style":1},{"start":4,"length":1,"mentionAci":"aaaa-1"}]}'),
 ('8', 'c-trip', 'outgoing', 1710529327000, 'aaaa-0', 'new', '{"editHistory":[{"body":"new","timestamp":1710529329000},{"body":"old","timestamp":1710529327000}],"editMessageTimestamp":1710529329000}'),
 ('9', 'c-trip', 'incoming', 1710529330000, 'aaaa-3', 'I left later', '{"quote":{"id":1710529329000,"authorAci":"aaaa-0"}}'),
 ('10', 'c-own', 'outgoing', 1710529331000, 'aaaa-0', 'buy milk', '{}'),
 ('11', 'c-trip', 'incoming', 1710529332000, 'aaaa-1', 'Lunch?', '{"poll":{"question":"Lunch?","options":["Pizza","Soup"],"allowMultiple":false}}'),
 ('12', 'c-john', 'call-history', 1710529333000, NULL, NULL, '{"callId":"1"}'),
 ('13', 'c-trip', 'group-v2-change', 1710529334000, 'aaaa-1', NULL, '{"groupV2Change":{"details":[{"type":"title","newTitle":"Trip"}]}}'),
 ('14', 'c-john', 'outgoing', 1710529335000, 'aaaa-0', 'never got there', '{"sendStateByConversationId":{"c-john":{"status":"Failed"}}}'),
 ('15', 'c-gone', 'incoming', 1710529336000, 'aaaa-1', 'lost', '{}'),
 ('16', 'c-trip', 'incoming', 1710529337000, NULL, 'who?', '{}'),
 ('17', 'c-john', 'incoming', 1710529338000, 'aaaa-1', ' ', '{}'),
 ('18', 'c-john', 'hologram', 1710529339000, 'aaaa-1', 'of the future', '{}'),
 ('19', 'c-john', 'story', 1710529340000, 'aaaa-1', 'a story', '{}'),
 ('20', 'c-john', 'incoming', 1710529341000, 'aaaa-1', NULL, '{"flags":2,"expirationTimerUpdate":{"expireTimer":60}}'),
 ('21', 'c-john', 'incoming', 1710529320123, 'aaaa-1', 'hey', '{}'),
 ('22', 'c-john', 'incoming', NULL, 'aaaa-1', 'no date', '{}'),
 ('23', 'c-zoe', 'incoming', 1710529343000, 'aaaa-2', 'damaged, but here', '{"reactions":[{"emoji":'),
 ('24', 'c-zoe', 'incoming', 1710529344000, 'aaaa-2', NULL, '{"storyReaction":{"emoji":"😀"}}');
INSERT INTO edited_messages VALUES ('8', 1710529329000, 0, 'c-trip'), ('8', 1710529327000, 0, 'c-trip');
INSERT INTO message_attachments (messageId, editHistoryIndex, attachmentType, orderInMessage, conversationId, sentAt, size, contentType, path, localKey, fileName, version) VALUES
 ('3', -1, 'attachment', 1, 'c-john', 0, 9, 'video/mp4', 'cd/cdef', 'k', 'clip.mp4', 2), ('3', -1, 'attachment', 0, 'c-john', 0, 9, 'image/jpeg', 'ab/abcd', NULL, NULL, 1),
 ('3', -1, 'preview', 0, 'c-john', 0, 9, 'image/jpeg', 'ef/efgh', 'k', 'preview.jpg', 2);
`

func TestRead_Latest(t *testing.T) {
	t.Parallel()
	folder := signaltest.Write(t, signaltest.Latest, latestRows, "")
	for _, path := range []string{folder, filepath.Join(folder, "sql"), filepath.Join(folder, "sql", "db.sqlite")} {
		if head, err := sources.ReadHead(path); err != nil || !signal.Recognize(head) {
			t.Errorf("%s is not recognized (%v)", path, err)
		}
	}
	s, err := read(t, folder, "")
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 +15550000001 text: hey",
		"2024-03-15 19:02:19 me reaction: ❤️ <- hey",
		"2024-03-15 19:02:01 me text: hi yourself <- hey",
		"2024-03-15 19:02:02 +15550000001 image: ",
		"2024-03-15 19:02:02 +15550000001 video: clip.mp4",
		"2024-03-15 19:02:02 +15550000001 text: a caption",
		"2024-03-15 19:02:04 +15550000001 image: 🐱 (🐱)",
		"2024-03-15 19:02:05 +15550000001 contact: Zoë Q",
		"2024-03-15 19:02:06 signal:aaaa-2 text: see @John Smith there",
		"2024-03-15 19:02:07 me text: new",
		"2024-03-15 19:02:10 signal:aaaa-3 text: I left later <- new",
		"2024-03-15 19:02:11 me text: buy milk",
		"2024-03-15 19:02:12 +15550000001 text: Lunch?|Pizza|Soup",
		"2024-03-15 19:02:00 +15550000001 text: no date",
		"2024-03-15 19:02:23 signal:aaaa-2 text: damaged, but here")
	s.WantCounts(t, map[sources.Fate]int64{sources.Removals: 1, sources.Deleted: 1, sources.Events: 3, sources.NeverSent: 1, sources.NoChat: 1, sources.NoSender: 1, sources.Empty: 1,
		sources.UnknownKind: 1, sources.Broadcast: 1, sources.Duplicates: 1, sources.LostTarget: 1, sources.Unread: 0})
	group := s.Messages[6].Chat
	if !group.Group || group.Name != "Trip" || !slices.Equal(group.Members, []string{"+15550000001", "signal:aaaa-2", "signal:aaaa-3"}) || group.Extent != messages.Whole {
		t.Errorf("the group is %+v", group)
	}
	if versions := s.Messages[7].Versions; len(versions) != 2 || versions[0].Text != "old" || versions[1].Text != "new" || versions[1].Date != 1710529329000*1e6 {
		t.Errorf("versions are %+v", versions)
	}
	if own := s.Messages[9].Chat; own.Group || !slices.Equal(own.Members, []string{messages.Owner}) {
		t.Errorf("notes to oneself are in %+v", own)
	}
	if s.Names["+15550000001"] != "John Smith" || s.Names["signal:aaaa-2"] != "Zoë" || len(s.Names) != 2 || s.Sames["signal:aaaa-1"] != "+15550000001" || s.Owns["+15550000009"] != 1 {
		t.Errorf("names are %v, the same are %v, own is %v", s.Names, s.Sames, s.Owns)
	}
	if p := s.Messages[3].Parts; p[0].File.Path != "ab/abcd" || p[0].File.Root != filepath.Join(folder, "attachments.noindex") || p[1].File.Path != "" || p[0].Attachment == p[1].Attachment {
		t.Errorf("files are %+v", p)
	}
	if len(s.Left) != 1 || !s.Left[0].Retracted || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], "row 23") {
		t.Errorf("deleted are %v, damage %q", s.Left, s.Damage)
	}
}

// Databases of earlier years know people by other columns. What a message is called does not depend on it where the account is known.
func TestRead_Of2022(t *testing.T) {
	t.Parallel()
	rows := strings.NewReplacer("serviceId", "uuid", "mentionAci", "mentionUuid", "authorAci", "authorUuid").Replace(people) + `
INSERT INTO messages (id, conversationId, type, sent_at, source, sourceUuid, body, json) VALUES
 ('1', 'c-john', 'incoming', 1710529320123, '+15550000001', 'aaaa-1', 'hey', '{"attachments":[{"contentType":"image/png","fileName":"a.png","path":"ab\\abcd","size":1},{"contentType":"text/x-signal-plain","path":"x"}],"reactions":[{"emoji":"👍","fromId":"+15550000009","timestamp":1}]}'),
 ('2', 'c-trip', 'incoming', 1710529321000, '+15550000001', NULL, 'by number', '{"quote":{"id":1710529322000,"authorUuid":"aaaa-2"}}'),
 ('3', 'c-trip', 'incoming', 1710529322000, NULL, 'aaaa-2', 'by account', '{}');`
	s, err := read(t, signaltest.Write(t, signaltest.Of2022, rows, ""), "")
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 +15550000001 image: a.png", "2024-03-15 19:02:00 +15550000001 text: hey", "2024-03-15 19:02:00 me reaction: 👍 <- a.png",
		"2024-03-15 19:02:01 +15550000001 text: by number <- by account", "2024-03-15 19:02:02 signal:aaaa-2 text: by account")
	latest, err := read(t, signaltest.Write(t, signaltest.Latest, latestRows, ""), "")
	if err != nil {
		t.Fatal(err)
	}
	if latest.Messages[0].GUID != s.Messages[0].GUID {
		t.Error("the same message has another identifier in a later database")
	}
	if p := s.Messages[0].Parts[0]; p.File.Path != "ab/abcd" {
		t.Errorf("the file is %+v", p)
	}
}

func TestRead_Of2020(t *testing.T) {
	t.Parallel()
	rows := `
INSERT INTO items VALUES ('number_id', '{"id":"number_id","value":"+15550000009.2"}');
INSERT INTO conversations (id, type, name, json) VALUES ('+15550000001', 'private', 'John', '{"id":"+15550000001","name":"John"}'), ('+15550000009', 'private', NULL, '{}'),
 ('group!', 'group', 'Trip', '{"members":["+15550000001","+15550000009","+15550000002"]}');
INSERT INTO messages (id, conversationId, type, sent_at, source, body, json) VALUES
 ('1', '+15550000001', 'incoming', 1580529320123, '+15550000001', 'hey', '{}'),
 ('2', 'group!', 'outgoing', 1580529321000, '+15550000009', 'to all', '{"reactions":[{"emoji":"👍","fromId":"+15550000002","timestamp":1580529322000}]}'),
 ('3', 'group!', 'incoming', 1580529323000, '+15550000002', 'ok', '{"quote":{"id":1580529321000,"author":"+15550000009"}}');`
	s, err := read(t, signaltest.Write(t, signaltest.Of2020, rows, ""), "")
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2020-02-01 03:55:20 +15550000001 text: hey", "2020-02-01 03:55:21 me text: to all", "2020-02-01 03:55:22 +15550000002 reaction: 👍 <- to all",
		"2020-02-01 03:55:23 +15550000002 text: ok <- to all")
	if c := s.Messages[1].Chat; !slices.Equal(c.Members, []string{"+15550000001", "+15550000002"}) {
		t.Errorf("the group is %+v", c)
	}
}

// A running Signal keeps its last messages in the -wal file, encrypted as well. Nothing appears in its folder.
func TestRead_TheLog(t *testing.T) {
	t.Parallel()
	folder := signaltest.Write(t, signaltest.Latest, latestRows, `INSERT INTO messages (id, conversationId, type, sent_at, body, json) VALUES ('99', 'c-john', 'outgoing', 1710529400000, 'the last', '{}');`)
	s, err := read(t, folder, "")
	if err != nil {
		t.Fatal(err)
	}
	if lines := s.Lines(); lines[len(lines)-1] != "2024-03-15 19:03:20 me text: the last" {
		t.Errorf("messages are %q", lines)
	}
	if left, _ := os.ReadDir(filepath.Join(folder, "sql")); len(left) != 2 {
		t.Errorf("the folder holds %v", left)
	}
}

// Somebody without a number or an account is not the owner.
func TestRead_NobodyIsTheOwner(t *testing.T) {
	t.Parallel()
	s, err := read(t, signaltest.Write(t, signaltest.Latest, `INSERT INTO conversations (id, type, json) VALUES ('c', 'private', '{}');
		INSERT INTO messages (id, conversationId, type, sent_at, body, json) VALUES ('1', 'c', 'incoming', 1710529320000, 'hey', NULL);`, ""), "")
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 signal:c text: hey")
}

// Damage costs what it holds, and is named.
func TestRead_Damaged(t *testing.T) {
	t.Parallel()
	folder := signaltest.Write(t, signaltest.Latest, people+`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
		INSERT INTO messages (id, conversationId, type, sent_at, body, json) SELECT 'm' || i, 'c-john', 'incoming', 1710529320000 + i, 'message ' || i || hex(zeroblob(100)), '{}' FROM n;`, "")
	path := filepath.Join(folder, "sql", "db.sqlite")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(content[len(content)/2:], bytes.Repeat([]byte{0xff}, 8192))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := read(t, folder, "")
	if err != nil || len(s.Messages) < 2900 || !strings.Contains(strings.Join(s.Damage, "\n"), ": page ") {
		t.Errorf("%v, %d messages, damage %q", err, len(s.Messages), s.Damage)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("incoming", int64(1710529320123), "aaaa-1", "hey ￼", `{"bodyRanges":[{"start":4,"length":1,"mentionAci":"aaaa-2"}],"quote":{"id":1},"editHistory":[{"timestamp":1},{"timestamp":2}],"reactions":[{"emoji":"x","fromId":"c-zoe"}]}`)
	f.Add("outgoing", int64(-1), "", "", `{"attachments":[{"contentType":"image/png","path":"../../x","version":1}],"sticker":{},"contact":[{}],"poll":{"options":[""]},"sendStateByConversationId":{"":{}}}`)
	f.Fuzz(func(t *testing.T, kind string, sentAt int64, source, body, content string) {
		quoted := func(s string) string { return "CAST(x'" + hexOf(s) + "' AS TEXT)" }
		read(t, sourcetest.Database(t, "plain.db", signaltest.Latest, people+`INSERT INTO messages (id, conversationId, type, sent_at, sourceServiceId, body, json) VALUES ('1', 'c-trip', `+
			quoted(kind)+`, `+intOf(sentAt)+`, `+quoted(source)+`, `+quoted(body)+`, `+quoted(content)+`);`), "")
	})
}

// A message is of those who were in the group when it was sent, however the changes came into the database.
func TestCollect_MembersOverTime(t *testing.T) {
	t.Parallel()
	rows := []string{people + `
INSERT INTO messages (id, conversationId, type, sent_at, sourceServiceId, body, json) VALUES
 ('1', 'c-trip', 'outgoing', 1710529320000, 'aaaa-0', 'we are three', '{}'), ('2', 'c-trip', 'incoming', 1710529321000, 'aaaa-3', 'soon two', '{}')`, `,
 ('3', 'c-trip', 'group-v2-change', 1710529322000, 'aaaa-3', NULL, '{"groupV2Change":{"from":"aaaa-3","details":[{"type":"member-remove","aci":"AAAA-3"}]}}'),
 ('4', 'c-trip', 'incoming', 1710529323000, 'aaaa-1', 'he left', '{}')`, `,
 ('5', 'c-trip', 'group-v2-change', 1710529324000, 'aaaa-0', NULL, '{"groupV2Change":{"details":[{"type":"title","newTitle":"Trip"},{"type":"member-add","uuid":"aaaa-2"},{"type":"member-add","aci":"aaaa-0"}]}}'),
 ('6', 'c-trip', 'incoming', 1710529325000, 'aaaa-2', 'hello', '{}')`}
	folder := filepath.Join(t.TempDir(), "Signal")
	collect := func(db *messages.DB, count int) {
		if err := errors.Join(os.RemoveAll(folder), os.Rename(signaltest.Write(t, signaltest.Latest, strings.Join(rows[:count], "")+";", ""), folder)); err != nil {
			t.Fatal(err)
		}
		r, err := signal.Open(t.Context(), folder, "", t.TempDir(), sourcetest.Reading())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if summary, err := (sources.Export{Reader: r}).Collect(t.Context(), db, sources.Options{}); err != nil || summary.Gone > 0 {
			t.Fatalf("%d messages are gone (%v)", summary.Gone, err)
		}
	}
	want := []string{"+15550000001 signal:aaaa-2: hello", "+15550000001 signal:aaaa-3: we are three, soon two", "+15550000001: he left"}
	slices.Sort(want)
	for _, steps := range [][]int{{3}, {1, 2, 3}, {3, 3}} {
		db := sourcetest.NewDB(t)
		for _, count := range steps {
			collect(db, count)
		}
		if got := sourcetest.Conversations(t, db); !slices.Equal(got, want) {
			t.Errorf("after %v, conversations are\n%q, want\n%q", steps, got, want)
		}
	}
}
