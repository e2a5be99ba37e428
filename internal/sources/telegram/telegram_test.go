package telegram_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/sources/telegram"
	"ventriloquist/internal/usererr"
)

func write(t testing.TB, content string) string {
	t.Helper()
	return sourcetest.Write(t, "result.json", content)
}

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, telegram.Open, path, own...)
}

func recognized(t *testing.T, path string) bool {
	t.Helper()
	return sourcetest.Recognized(t, telegram.Recognize, path)
}

const account = `{
 "about": "Here is the data you requested.",
 "personal_information": {"user_id": 100, "first_name": "Aidan", "last_name": "", "phone_number": "+1 212 555 0100", "bio": "x"},
 "profile_pictures": [{"date": "2024-01-01T00:00:00", "photo": "profile_pictures/1.jpg"}],
 "contacts": {"about": "x", "list": [{"user_id": 200, "first_name": "John", "last_name": "Smith", "phone_number": "+1 212 555 0101"}]},
 "frequent_contacts": {"about": "x", "list": []},
 "chats": {"about": "This page lists all chats.", "list": [
  {"name": "John Smith", "type": "personal_chat", "id": 200, "messages": [
   {"id": 10, "type": "message", "date": "2024-03-15T20:02:03", "date_unixtime": "1710529323", "from": "John Smith", "from_id": "user200",
    "text": "hey\nthere", "text_entities": [{"type": "plain", "text": "hey\nthere"}]},
   {"id": 11, "type": "message", "date": "2024-03-15T20:03:03", "date_unixtime": "1710529383", "edited": "2024-03-15T20:09:00", "edited_unixtime": "1710529740",
    "from": "Aidan", "from_id": "user100", "reply_to_message_id": 10,
    "text": ["look: ", {"type": "link", "text": "https://x.org"}, " and ", {"type": "bold", "text": "this"}],
    "reactions": [{"type": "emoji", "count": 2, "emoji": "❤", "recent": [{"from": "John Smith", "from_id": "user200", "date": "2024-03-15T20:04:00"}, {"from": "Aidan", "from_id": "user100", "date": "2024-03-15T20:05:00"}]},
     {"type": "custom_emoji", "count": 1, "document_id": "stickers/x.tgs", "recent": [{"from": "John Smith", "from_id": "user200", "date": "2024-03-15T20:04:00"}]}]},
   {"id": 12, "type": "message", "date": "2024-03-15T20:04:00", "date_unixtime": "1710529440", "from": "John Smith", "from_id": "user200", "forwarded_from": "News",
    "photo": "chats/chat_001/photos/photo_1@15-03-2024.jpg", "width": 1, "height": 1, "text": "caption"},
   {"id": 13, "type": "message", "date": "2024-03-15T20:04:01", "date_unixtime": "1710529441", "from": "John Smith", "from_id": "user200",
    "photo": "(File not included. Change data exporting settings to download.)", "text": ""},
   {"id": 14, "type": "message", "date": "2024-03-15T20:04:02", "date_unixtime": "1710529442", "from": "John Smith", "from_id": "user200",
    "file": "(File not included. Change data exporting settings to download.)", "file_name": "AnimatedSticker.tgs", "media_type": "sticker", "sticker_emoji": "😂", "text": ""},
   {"id": 15, "type": "message", "date": "2024-03-15T20:04:03", "date_unixtime": "1710529443", "from": "John Smith", "from_id": "user200",
    "file": "chats/chat_001/voice_messages/audio_1.ogg", "media_type": "voice_message", "mime_type": "audio/ogg", "duration_seconds": 3, "text": ""},
   {"id": 16, "type": "message", "date": "2024-03-15T20:04:04", "date_unixtime": "1710529444", "from": "John Smith", "from_id": "user200",
    "file": "chats/chat_001/round_video_messages/file_1.mp4", "media_type": "video_message", "mime_type": "video/mp4", "text": ""},
   {"id": 17, "type": "message", "date": "2024-03-15T20:04:05", "date_unixtime": "1710529445", "from": "John Smith", "from_id": "user200",
    "file": "files/Resume.pdf", "mime_type": "application/pdf", "text": ""},
   {"id": 18, "type": "message", "date": "2024-03-15T20:04:06", "date_unixtime": "1710529446", "from": "John Smith", "from_id": "user200",
    "contact_information": {"first_name": "Zoë", "last_name": "", "phone_number": "+49 171 1"}, "text": ""},
   {"id": 19, "type": "message", "date": "2024-03-15T20:04:07", "date_unixtime": "1710529447", "from": "John Smith", "from_id": "user200",
    "location_information": {"latitude": 51.5, "longitude": -0.127397}, "text": ""},
   {"id": 20, "type": "message", "date": "2024-03-15T20:04:08", "date_unixtime": "1710529448", "from": "John Smith", "from_id": "user200",
    "place_name": "The Pub", "address": "High St 1", "location_information": {"latitude": 51.5, "longitude": -0.1}, "text": ""},
   {"id": 21, "type": "message", "date": "2024-03-15T20:04:09", "date_unixtime": "1710529449", "from": "John Smith", "from_id": "user200",
    "poll": {"question": "Lunch?", "closed": false, "total_voters": 0, "answers": [{"text": "yes", "voters": 0, "chosen": false}]}, "text": ""},
   {"id": 22, "type": "service", "date": "2024-03-15T20:05:00", "date_unixtime": "1710529500", "actor": "John Smith", "actor_id": "user200", "action": "phone_call", "discard_reason": "missed", "text": ""},
   {"id": 23, "type": "unsupported"},
   {"id": 24, "type": "message", "date": "2024-03-15T20:06:00", "date_unixtime": "1710529560", "from": "Aidan", "from_id": "user100", "text": "bell \x07 \\x07"}
  ]},
  {"name": "Trip", "type": "private_group", "id": 300, "messages": [
   {"id": 10, "type": "service", "date": "2024-03-15T20:00:00", "date_unixtime": "1710529200", "actor": "Aidan", "actor_id": "user100", "action": "create_group", "title": "Trip", "members": ["Aidan", "Zoë"], "text": ""},
   {"id": 12, "type": "message", "date": "2024-03-15T20:01:00", "date_unixtime": "1710529260", "from": null, "from_id": "user400", "text": "who"},
   {"id": 13, "type": "message", "date": "2024-03-15T20:01:01", "date_unixtime": "1710529261", "from": "News", "from_id": "channel500", "text": "post"},
   {"id": 14, "type": "message", "date": "2024-03-15T20:01:02", "date_unixtime": "1710529262", "from": "Zoë", "from_id": "user500", "reply_to_message_id": 10, "reply_to_peer_id": "user200", "text": "me"}
  ]},
  {"name": "News", "type": "public_channel", "id": 500, "messages": [
   {"id": 1, "type": "message", "date": "2024-03-15T20:01:01", "date_unixtime": "1710529261", "from": "News", "from_id": "channel500", "text": "post"}]},
  {"type": "saved_messages", "id": 100, "messages": [
   {"id": 30, "type": "message", "date": "2024-03-15T20:01:01", "date_unixtime": "1710529261", "from": "Aidan", "from_id": "user100", "text": "note"}]}
 ]},
 "left_chats": {"about": "x", "list": []}
}`

func TestRead_Account(t *testing.T) {
	path := write(t, account)
	if !recognized(t, path) {
		t.Error("it is not recognized")
	}
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:03 user200 text: hey|there",
		"2024-03-15 19:03:03 me text: look: https://x.org and this <- hey|there",
		"2024-03-15 19:04:00 user200 reaction: ❤ <- look: https://x.org and this",
		"2024-03-15 19:05:00 me reaction: ❤ <- look: https://x.org and this",
		"2024-03-15 19:04:00 user200 image: photo_1@15-03-2024.jpg",
		"2024-03-15 19:04:00 user200 text: caption",
		"2024-03-15 19:04:02 user200 image: AnimatedSticker.tgs (😂)",
		"2024-03-15 19:04:03 user200 audio: audio_1.ogg",
		"2024-03-15 19:04:04 user200 video: file_1.mp4",
		"2024-03-15 19:04:05 user200 document: Resume.pdf",
		"2024-03-15 19:04:06 user200 contact: Zoë +49 171 1",
		"2024-03-15 19:04:07 user200 location: 51.500000, -0.127397",
		"2024-03-15 19:04:08 user200 location: The Pub, High St 1",
		"2024-03-15 19:04:09 user200 text: Lunch?|yes",
		"2024-03-15 19:06:00 me text: bell \a \\x07",
		"2024-03-15 19:01:00 user400 text: who",
		"2024-03-15 19:01:02 user500 text: me <- hey|there",
		"2024-03-15 19:01:01 me text: note")
	s.WantCounts(t, map[sources.Fate]int64{sources.Omitted: 1, sources.Events: 2, sources.UnknownKind: 2, sources.Broadcast: 2})
	direct, group, notes := s.Messages[0].Chat, s.Messages[len(s.Messages)-2].Chat, s.Messages[len(s.Messages)-1].Chat
	if direct.Group || !slices.Equal(direct.Members, []string{"user200"}) || direct.Source != "telegram user200" || direct.Extent != messages.Span {
		t.Errorf("the direct chat is %+v", direct)
	}
	if !group.Group || !slices.Equal(group.Members, []string{"user400", "user500"}) {
		t.Errorf("the group is %+v", group)
	}
	if notes.Group || len(notes.Members) != 0 {
		t.Errorf("the notes are %+v", notes)
	}
	if s.Names["user200"] != "John Smith" || s.Names["user500"] != "Zoë" || s.Names["user400"] != "" || s.Names["user100"] != "" {
		t.Errorf("names are %v", s.Names)
	}
	if p := s.Messages[4].Parts[0]; p.File.Root != filepath.Dir(path) || p.File.Path != "chats/chat_001/photos/photo_1@15-03-2024.jpg" || p.Attachment != s.Messages[4].GUID {
		t.Errorf("the photo is %+v", p)
	}
	if s.Owns["+1 212 555 0100"] != 1 || len(s.Owns) != 1 {
		t.Errorf("own addresses are %v", s.Owns)
	}
	if len(s.Notes) != 0 || len(s.Left) != 1 {
		t.Errorf("notes are %q, left out are %v", s.Notes, s.Left)
	}
}

// single is an export of one chat with these messages.
func single(kind, id, messages string) string {
	return `{"name": "John", "type": "` + kind + `", "id": ` + id + `, "messages": [` + messages + `]}`
}

func said(id, from, fromID, text string) string {
	return `{"id": ` + id + `, "type": "message", "date": "2024-03-15T20:02:03", "date_unixtime": "1710529323", "from": "` + from + `", "from_id": ` + fromID + `, "text": "` + text + `"}`
}

func TestRead_WhoTheOwnerIs(t *testing.T) {
	john, me, zoe := said("1", "John", `"user200"`, "a"), said("2", "Aidan", `"user100"`, "b"), said("3", "Zoë", `"user300"`, "c")
	for name, c := range map[string]struct {
		content string
		own     []string
		want    []string
	}{
		"TheOtherInADirectChat": {single("personal_chat", "200", john+","+me), nil, []string{"user200", ""}},
		"SilentInADirectChat":   {single("personal_chat", "200", john), nil, []string{"user200"}},
		"ByName":                {single("private_supergroup", "9", john+","+me+","+zoe), []string{"aidan"}, []string{"user200", "", "user300"}},
		"ByIdentifier":          {single("private_group", "9", john+","+me+","+zoe), []string{"user100"}, []string{"user200", "", "user300"}},
		"Nobody":                {single("private_group", "9", john+","+me+","+zoe), []string{"Ed"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := read(t, write(t, c.content), c.own...)
			if c.want == nil {
				if err == nil || !strings.Contains(err.Error(), `"Aidan" (user100)`) || !strings.Contains(usererr.Of(err), "me NAME") {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var senders []string
			for _, m := range s.Messages {
				senders = append(senders, m.Sender)
			}
			if !slices.Equal(senders, c.want) {
				t.Errorf("senders are %q, want %q", senders, c.want)
			}
		})
	}
}

// Exports from before 2021 have numbers for people and local times only, and an identifier before or behind the messages.
func TestRead_OldExports(t *testing.T) {
	path := write(t, `{"messages": [{"id": 5, "type": "message", "date": "2019-07-15T20:02:03", "from": "John", "from_id": 4294967496, "text": "hi"},
		{"id": 6, "type": "message", "date": "2019-07-15T20:02:04", "from": "Aidan", "from_id": 4294967396, "reply_to_message_id": 5, "text": ""},
		{"id": 7, "type": "message", "date": "2019-07-15T20:02:05", "from": "Aidan", "from_id": 4294967396, "reply_to_message_id": 5, "text": ["yes"]}],
		"name": "John", "type": "personal_chat", "id": 4294967496}`)
	if !recognized(t, path) {
		t.Error("it is not recognized")
	}
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2019-07-15 20:02:03 user200 text: hi", "2019-07-15 20:02:05 me text: yes <- hi")
	s.WantCounts(t, map[sources.Fate]int64{sources.Empty: 1})
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "zone names") {
		t.Errorf("notes are %q", s.Notes)
	}
	again, err := read(t, write(t, single("personal_chat", "200", said("5", "John", `"user200"`, "hi"))))
	if err != nil || again.Messages[0].GUID != s.Messages[0].GUID || again.Messages[0].Chat.Source != s.Messages[0].Chat.Source {
		t.Errorf("a later export calls it %+v (%v), not %+v", again.Messages[0], err, s.Messages[0])
	}
}

func TestRead_Errors(t *testing.T) {
	for name, c := range map[string]struct{ content, want, hint string }{
		"Interrupted": {account[:len(account)/20], "ends before its JSON does", "export again"},
		"Damaged":     {"{\n\"name\": \"x\",\n\"type\": ?", ":3: ", "export again, as JSON"},
		"NoArray":     {`{"messages": 1}`, ":1: there is 1 where a [ should be", ""},
		"NoText":      {single("personal_chat", "200", `{"id": 7, "type": "message", "date_unixtime": "1", "from_id": "user200", "text": 5}`), "5 is no text", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.content)
			_, err := read(t, path)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) || !strings.Contains(usererr.Of(err), c.hint) {
				t.Errorf("error is %v (%s), want %s", err, usererr.Of(err), c.want)
			}
		})
	}
	if _, err := telegram.Open(t.TempDir(), sourcetest.Reading()); err == nil || !strings.Contains(err.Error(), "result.json") {
		t.Errorf("error is %v", err)
	}
}

func TestRecognize_NotEveryJSON(t *testing.T) {
	for _, text := range []string{`{"chat": "a", "time": 1, "name": "x", "text": "y"}`, `[]`, `{}`, `{"messages": []}`, `hello`, ``} {
		if telegram.Recognize(&sources.Head{Text: []byte(text)}) {
			t.Errorf("%s is recognized", text)
		}
	}
}

func TestRead_HoldsFewMessages(t *testing.T) {
	path := sourcetest.Write(t, "result.json", `{"name": "John", "type": "personal_chat", "id": 2, "messages": [`+sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf(`{"id": %d, "type": "message", "date_unixtime": "1710529323", "from": "John", "from_id": "user2", "text": "%s"},`+"\n", i, text)
	})+`{"id": 0, "type": "service"}]}`)
	sourcetest.Flat(t, telegram.Open, path, "Aidan")
}

func FuzzRead(f *testing.F) {
	f.Add(account)
	f.Add(single("private_group", "1", said("1", "x", "7", "\\x01")))
	f.Add(`{"chats": {"list": [` + strings.Repeat("{},", 500) + `{}]}}`)
	f.Add(`{"x": ` + strings.Repeat("[", 1500) + strings.Repeat("]", 1500) + `, "messages": [{"id": 1e999, "text": [[[[]]]]}]}`)
	f.Add(`{"chats": {"list": [{"messages": [{"type": "message", "from_id": "user1", "reactions": [{"recent": [{}]}]}]}]}}`)
	path := filepath.Join(f.TempDir(), "result.json")
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path, "Aidan")
	})
}

// A part of a text that is no string has no words.
func TestRead_PartsWithoutWords(t *testing.T) {
	s, err := read(t, write(t, single("personal_chat", "200", `{"id": 7, "type": "message", "date_unixtime": "1710529323", "from_id": "user200", "text": ["a", null, {"type": "bold", "text": null}, {"type": "x"}, "b"]}`)))
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:03 user200 text: ab")
}

// An export whose end is missing keeps what came before, and a message without a date costs itself alone.
func TestRead_KeepsWhatIsNotDamaged(t *testing.T) {
	whole := single("personal_chat", "200", said("1", "John", `"user200"`, "a")+","+said("2", "Aidan", `"user100"`, "b")+","+said("3", "John", `"user200"`, "c"))
	at := strings.Index(whole, `"c"`)
	s, err := read(t, write(t, whole[:at]))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Messages) != 2 || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], "ends before its JSON does") {
		t.Errorf("messages are %q, damage %q", s.Lines(), s.Damage)
	}
	s, err = read(t, write(t, single("personal_chat", "200", said("1", "John", `"user200"`, "a")+`, {"type": "message", "date_unixtime": "1", "from_id": "user200", "text": "x"}`)))
	if err != nil || len(s.Messages) != 1 || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], `no "id"`) {
		t.Errorf("messages are %q, damage %q (%v)", s.Lines(), s.Damage, err)
	}
	s, err = read(t, write(t, single("personal_chat", "200", said("1", "John", `"user200"`, "a")+`, {"id": 7, "type": "message", "date": "noon", "from_id": "user200", "text": "x"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Messages) != 1 || s.Counts[sources.Unread] != 1 || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], `message 7 of the chat "John": "noon" is no time`) {
		t.Errorf("messages are %q, damage %q", s.Lines(), s.Damage)
	}
}

// Damage in the middle costs the message that holds it, is counted, and named with its line.
func TestRead_DamageInTheMiddle(t *testing.T) {
	whole := single("personal_chat", "200", said("1", "John", `"user200"`, "a")+",\n"+said("2", "Aidan", `"user100"`, "b")+",\n"+said("3", "John", `"user200"`, "c"))
	for name, damaged := range map[string]string{
		"Quote": strings.Replace(whole, `"b"`, `"b`, 1), "Zeros": strings.Replace(whole, `"b"}`, "\x00\x00\x00\x00", 1), "NoText": strings.Replace(whole, `"b"`, "5", 1),
		"Cut": strings.Replace(whole, `"from": "Aidan", "from_id": "user100", "text": "b"}`, "", 1),
	} {
		s, err := read(t, write(t, damaged))
		if err != nil || len(s.Messages) != 2 || s.Messages[1].Parts[0].Text != "c" || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], "result.json:2: ") || s.Counts[sources.Unread] != 1 {
			t.Errorf("%s: messages are %q, damage %q (%v)", name, s.Lines(), s.Damage, err)
		}
	}
}

// Bytes that are no characters do not pass silently.
func TestRead_BadBytesAreNoted(t *testing.T) {
	s, err := read(t, write(t, single("personal_chat", "200", said("1", "John", `"user200"`, "caf\xe9")+", "+said("2", "John", `"user200"`, `half \ud83d`)+", "+said("3", "John", `"user200"`, "\uFFFD"))))
	if err != nil || len(s.Messages) != 3 || s.Messages[0].Parts[0].Text != "caf\uFFFD" || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "2 messages have bytes that are no characters") {
		t.Errorf("messages are %q, notes %q (%v)", s.Lines(), s.Notes, err)
	}
}

// The account's address book says which numbers its people have.
func TestRead_NumbersOfContacts(t *testing.T) {
	s, err := read(t, write(t, strings.Replace(account, `"chats": {`, `"contacts": {"about": "", "list": [{"user_id": 200, "first_name": "John", "last_name": "S", "phone_number": "0015550000001", "date": "x"},
		{"user_id": 0, "phone_number": "+1"}, {"first_name": "nobody", "phone_number": "+2"}]}, "chats": {`, 1)))
	if err != nil || len(s.Sames) != 1 || s.Sames["user200"] != "+15550000001" {
		t.Errorf("they are %v (%v)", s.Sames, err)
	}
}
