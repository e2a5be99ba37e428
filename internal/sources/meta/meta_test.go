package meta_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/meta"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/usererr"
)

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, meta.Open, path, own...)
}

// direct is a chat as Messenger's download has it: the newest message first, letters as bytes.
const direct = `{
  "participants": [{"name": "Zo\u00c3\u00ab"}, {"name": "Aidan"}],
  "messages": [
    {"sender_name": "Aidan", "timestamp_ms": 1710529330000, "content": "Aidan sent an attachment.", "share": {"link": "https://x.org/a", "share_text": "A page"}, "is_geoblocked_for_viewer": false},
    {"sender_name": "Zo\u00c3\u00ab", "timestamp_ms": 1710529329000, "call_duration": 12, "content": "Zo\u00c3\u00ab called you."},
    {"sender_name": "Zo\u00c3\u00ab", "timestamp_ms": 1710529328000, "is_unsent": true},
    {"sender_name": "Zo\u00c3\u00ab", "timestamp_ms": 1710529327000},
    {"sender_name": "Aidan", "timestamp_ms": 1710529326000, "photos": [{"uri": "your_activity_across_facebook/messages/inbox/zoe_1/photos/1.jpg", "creation_timestamp": 1710529326}], "content": "look"},
    {"sender_name": "Zo\u00c3\u00ab", "timestamp_ms": 1710529325000, "content": "Liked a message"},
    {"sender_name": "Aidan", "timestamp_ms": 1710529321000, "content": "caf\u00c3\u00a9 \u00e2\u0098\u0095?", "reactions": [{"reaction": "\u00e2\u009d\u00a4", "actor": "Zo\u00c3\u00ab", "timestamp": 1710529323}]},
    {"sender_name": "Zo\u00c3\u00ab", "timestamp_ms": 1710529320000, "content": "naïve — as it is"}
  ],
  "title": "Zo\u00c3\u00ab", "is_still_participant": true, "thread_path": "inbox/zoe_1", "magic_words": []
}`

func TestRead(t *testing.T) {
	t.Parallel()
	path := sourcetest.Write(t, "message_1.json", direct)
	if head, err := sources.ReadHead(path); err != nil || !meta.Recognize(head) {
		t.Errorf("it is not recognized (%v)", err)
	}
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:10 me text: https://x.org/a", "2024-03-15 19:02:06 me image: 1.jpg", "2024-03-15 19:02:06 me text: look",
		"2024-03-15 19:02:01 me text: café ☕?", "2024-03-15 19:02:03 Zoë reaction: ❤ <- café ☕?", "2024-03-15 19:02:00 Zoë text: naïve — as it is")
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: 2, sources.Deleted: 1, sources.Empty: 1})
	if c := s.Messages[0].Chat; c.Group || !slices.Equal(c.Members, []string{"Zoë"}) || c.Source != "meta inbox/zoe_1" || c.Extent != messages.Span {
		t.Errorf("the chat is %+v", c)
	}
	if s.Messages[0].Row <= s.Messages[3].Row {
		t.Error("the newest message comes first")
	}
}

// A download is a folder of folders; a chat may have several files, and end-to-end encrypted ones another form.
func TestRead_Folder(t *testing.T) {
	t.Parallel()
	const inbox = "your_activity_across_facebook/messages/inbox/"
	group := func(text string) string {
		return `{"participants": [{"name": "Aidan"}, {"name": "Zoe"}, {"name": "Max"}], "messages": [{"sender_name": "Max", "timestamp_ms": 1710529320000, "content": "` + text + `"}], "title": "Trip", "thread_path": "inbox/trip_2"}`
	}
	files := map[string]string{
		inbox + "trip_2/message_1.json":                                    group("two"),
		inbox + "trip_2/message_2.json":                                    group("one"),
		inbox + "trip_2/message_3.json":                                    `{"participants": [], "messages": [{"sender_name": "Max", "timest`,
		"your_activity_across_facebook/messages/autofill_information.json": `{"x": 1}`,
		"messages/Zoe_1.json": `{"participants": ["Zoe", "Aidan"], "threadName": "Zoe_1", "messages": [
			{"isUnsent": false, "media": [], "reactions": [{"actor": "Aidan", "reaction": "❤"}], "senderName": "Zoe", "text": "é and 漢", "timestamp": 1710529321000, "type": "text"}]}`,
	}
	root := sourcetest.WriteFiles(t, files)
	if head, err := sources.ReadHead(root); err != nil || !meta.Recognize(head) {
		t.Errorf("it is not recognized (%v)", err)
	}
	s, err := read(t, root)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:01 Zoe text: é and 漢", "2024-03-15 19:02:01 me reaction: ❤ <- é and 漢", "2024-03-15 19:02:00 Max text: two", "2024-03-15 19:02:00 Max text: one")
	if c := s.Messages[2].Chat; !c.Group || !slices.Equal(c.Members, []string{"Zoe", "Max"}) || c != s.Messages[3].Chat || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], "message_3.json") {
		t.Errorf("the chat is %+v, damage %q", c, s.Damage)
	}
}

// A download is the same when it is collected again, and with another one next to it.
// A download is recognized as a file, a folder, a zip and a folder of zips.
func TestRecognize(t *testing.T) {
	t.Parallel()
	encrypted := `{"participants": ["Zoë", "Aidan"], "threadName": "Zoë_1", "messages": [{"senderName": "Zoë", "text": "hey", "timestamp": 1710529320000}]}`
	for name, files := range map[string]map[string]string{
		"Facebook":  {"your_facebook_activity/messages/inbox/zoe_1/message_1.json": direct},
		"Instagram": {"your_instagram_activity/messages/inbox/zoe_1/message_1.json": direct},
		"Encrypted": {"Zoë_1.json": encrypted},
	} {
		folder := sourcetest.WriteFiles(t, files)
		zipped := sourcetest.Zipped(t, folder)
		for _, place := range []string{folder, zipped, filepath.Dir(zipped)} {
			if head, err := sources.ReadHead(place); err != nil || !meta.Recognize(head) {
				t.Errorf("%s: %s is not recognized (%v)", name, place, err)
			}
			if s, err := read(t, place, "Aidan"); err != nil || len(s.Messages) == 0 {
				t.Errorf("%s: %s is not read (%v)", name, place, err)
			}
		}
	}
}

func TestCollect_Again(t *testing.T) {
	t.Parallel()
	const inbox = "your_activity_across_facebook/messages/inbox/zoe_1/message_1.json"
	sourcetest.Again(t, meta.Open, sourcetest.WriteFiles(t, map[string]string{inbox: direct}), 6)
	twice := sourcetest.WriteFiles(t, map[string]string{"facebook-a/" + inbox: direct, "facebook-b/" + inbox: direct})
	sourcetest.Again(t, meta.Open, twice, 6)
	if s, err := read(t, twice); err != nil || s.Counts[sources.Messages] != 4 {
		t.Errorf("messages are %q (%v)", s.Lines(), err)
	}
}

func TestRead_DamageAndOwner(t *testing.T) {
	t.Parallel()
	s, err := read(t, sourcetest.Write(t, "message_1.json", strings.Replace(direct, `"content": "look"`, `"content": "look`, 1)))
	if err != nil || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], "message_1.json:8: ") || s.Counts[sources.Unread] != 1 || len(s.Messages) != 4 {
		t.Errorf("damage is %q, messages %q (%v)", s.Damage, s.Lines(), err)
	}
	unclear := strings.Replace(direct, `{"name": "Aidan"}`, `{"name": "Aidan"}, {"name": "Max"}`, 1)
	if _, err := read(t, sourcetest.Write(t, "message_1.json", unclear)); err == nil || !strings.Contains(err.Error(), `"Max"`) || !strings.Contains(usererr.Of(err), "me NAME") {
		t.Errorf("error is %v", err)
	}
	if s, err = read(t, sourcetest.Write(t, "message_1.json", unclear), "aidan"); err != nil || !s.Messages[0].Chat.Group {
		t.Errorf("error is %v", err)
	}
	if _, err := meta.Open(t.TempDir(), sourcetest.Reading()); err == nil || usererr.Of(err) == "" {
		t.Errorf("error is %v", err)
	}
}

func TestRead_HoldsFewMessages(t *testing.T) {
	_, behind, _ := strings.Cut(direct, `"messages": [`)
	path := sourcetest.Write(t, "message_1.json", `{"participants": [{"name": "Zo\u00c3\u00ab"}, {"name": "Aidan"}], "messages": [`+sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf(`{"sender_name": "Aidan", "timestamp_ms": %d, "content": "%s %d"},`+"\n", 1710629330000-i*1000, text, i)
	})+behind)
	sourcetest.Flat(t, meta.Open, path)
}

func FuzzRead(f *testing.F) {
	f.Add(direct)
	f.Add(`{"participants": ["a"], "threadName": "x", "messages": [{"senderName": "a", "text": "\ud800", "timestamp": 9e99, "reactions": [{}], "media": [{"uri": "a"}]}]}`)
	path := filepath.Join(f.TempDir(), "message_1.json")
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path, "Aidan")
	})
}
