package discord_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/discord"
	"ventriloquist/internal/sources/sourcetest"
)

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, discord.Open, path, own...)
}

func author(id, name string) string {
	return `{"id": "` + id + `", "name": "` + name + `", "discriminator": "0000", "nickname": "` + strings.ToUpper(name[:1]) + name[1:] + `", "color": null, "isBot": false, "roles": [], "avatarUrl": "https://x"}`
}

// direct is a chat as DiscordChatExporter 2.4x writes it.
var direct = `{
  "guild": {"id": "0", "name": "Direct Messages", "iconUrl": "x"},
  "channel": {"id": "77", "type": "DirectTextChat", "categoryId": null, "category": "Private", "name": "john", "topic": null},
  "dateRange": {"after": null, "before": null},
  "exportedAt": "2024-03-16T00:00:00+00:00",
  "messages": [
    {"id": "1", "type": "Default", "timestamp": "2024-03-15T20:02:00.123+01:00", "timestampEdited": null, "callEndedTimestamp": null, "isPinned": false, "content": "hey", "author": ` + author("200", "john") + `,
      "attachments": [], "embeds": [], "stickers": [], "reactions": [{"emoji": {"id": "", "name": "🔥", "code": "fire", "isAnimated": false, "imageUrl": "x"}, "count": 1, "users": [{"id": "100", "name": "aidan", "discriminator": "0000", "nickname": "Aidan", "isBot": false, "avatarUrl": "x"}]}], "mentions": [], "inlineEmojis": []},
    {"id": "2", "type": "Reply", "timestamp": "2024-03-15T20:02:01+01:00", "timestampEdited": "2024-03-15T20:03:00+01:00", "content": "hi yourself", "author": ` + author("100", "aidan") + `,
      "attachments": [{"id": "9", "url": "chat.json_Files/cat.png", "fileName": "cat.png", "fileSizeBytes": 1}], "embeds": [], "stickers": [{"id": "5", "name": "Wave", "format": "Lottie", "sourceUrl": "x"}], "reactions": [], "mentions": [], "reference": {"messageId": "1", "channelId": "77", "guildId": null}},
    {"id": "3", "type": "Call", "timestamp": "2024-03-15T20:02:02+01:00", "content": "Started a call that lasted 2 minutes.", "author": ` + author("200", "john") + `, "attachments": [], "embeds": [], "stickers": [], "reactions": []},
    {"id": "4", "type": "Default", "timestamp": "2024-03-15T20:02:03+01:00", "content": "", "author": ` + author("200", "john") + `, "attachments": [], "embeds": [], "stickers": [], "reactions": []},
    {"id": "5", "type": "Default", "timestamp": "noon", "content": "when", "author": ` + author("200", "john") + `}
  ],
  "messageCount": 5
}`

func TestRead(t *testing.T) {
	t.Parallel()
	path := sourcetest.Write(t, "chat.json", direct)
	if head, err := sources.ReadHead(path); err != nil || !discord.Recognize(head) {
		t.Errorf("it is not recognized (%v)", err)
	}
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 discord:200 text: hey", "2024-03-15 19:02:00 me reaction: 🔥 <- hey",
		"2024-03-15 19:02:01 me image: cat.png <- hey", "2024-03-15 19:02:01 me image: Wave (Wave) <- hey", "2024-03-15 19:02:01 me text: hi yourself <- hey")
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: 1, sources.Empty: 1, sources.Unread: 1})
	if c := s.Messages[0].Chat; c.Group || !slices.Equal(c.Members, []string{"discord:200"}) || c.Source != "discord 77" || s.Names["discord:200"] != "John" || len(s.Names) != 1 {
		t.Errorf("the chat is %+v, names %v", c, s.Names)
	}
	if p := s.Messages[2].Parts[0]; p.File.Root != filepath.Dir(path) || p.File.Path != "chat.json_Files/cat.png" {
		t.Errorf("the picture is %+v", p)
	}
}

// What somebody forwards is theirs, with its files.
func TestRead_Forwarded(t *testing.T) {
	t.Parallel()
	forwarded := strings.Replace(direct, `"content": "hey", "author"`, `"content": "", "reference": {"type": "Forward", "messageId": "9", "channelId": "5", "guildId": null},
		"forwardedMessage": {"timestamp": "2024-01-01T00:00:00+00:00", "content": "from elsewhere", "attachments": [{"id": "8", "url": "https://x/y.png", "fileName": "y.png"}], "embeds": [], "stickers": []}, "author"`, 1)
	s, err := read(t, sourcetest.Write(t, "chat.json", forwarded), "Aidan")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Lines()[:2]; !slices.Equal(got, []string{"2024-03-15 19:02:00 discord:200 image: y.png", "2024-03-15 19:02:00 discord:200 text: from elsewhere"}) {
		t.Errorf("messages are %q", got)
	}
}

// Channels of a server, a file in two parts, and damage in one.
func TestRead_Folder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	channel := strings.NewReplacer(`"DirectTextChat"`, `"GuildTextChat"`, `"id": "77"`, `"id": "88"`).Replace(direct)
	for name, content := range map[string]string{"a [part 1].json": channel, "a [part 2].json": strings.NewReplacer(`"id": "2"`, `"id": "12"`, `"hey"`, `"hey`).Replace(channel), "b.json": `{"x": 1}`} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := read(t, folder, "Aidan")
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Messages[0].Chat; !c.Group || len(s.Chats) != 1 || len(s.Messages) != 4 || len(s.Damage) != 3 || s.Counts[sources.Unread] != 3 || !strings.Contains(strings.Join(s.Notes, "\n"), "b.json is no chat") {
		t.Errorf("messages are %q, damage %q, notes %q", s.Lines(), s.Damage, s.Notes)
	}
	if _, err := read(t, folder); err == nil || !strings.Contains(err.Error(), "100 (Aidan)") {
		t.Errorf("error is %v", err)
	}
}

// data is a data package; newer ones have JSON, older ones CSV.
var data = map[string]string{
	"Account/user.json":         `{"id": "100", "username": "aidan", "relationships": [{"id": "200", "type": 1, "display_name": null, "user": {"id": "200", "username": "john", "global_name": "John"}}]}`,
	"Messages/index.json":       `{"77": "Direct Message with john#0", "88": "general in Pub", "99": null}`,
	"Messages/c77/channel.json": `{"id": "77", "type": "DM", "recipients": ["100", "200"]}`,
	"Messages/c77/messages.json": `[{"ID": 2, "Timestamp": "2024-03-15 19:02:01", "Contents": "hi yourself", "Attachments": ""},
		{"ID": 12345678901234567890, "Timestamp": "2024-03-15 19:02:03", "Contents": "", "Attachments": "https://cdn.discordapp.com/attachments/1/2/cat.png?ex=1 https://cdn.discordapp.com/attachments/1/3/a.mp4"}, {"ID": 14, "Timestamp": "noon", "Contents": "x"}, {"ID": 15, "Timestamp": "2024-03-15 19:02:03", "Contents": ""}]`,
	"Messages/c88/channel.json": `{"id": "88", "type": 0, "name": "general", "guild": {"id": "1", "name": "Pub"}}`,
	"Messages/c88/messages.csv": "ID,Timestamp,Contents,Attachments\n21,2024-03-15 19:02:03.123000+00:00,\"one, \ntwo\",\n22,2024-03-15 19:02:04.123000+00:00,\"open,\n23,2024-03-15 19:02:05+00:00,three,\n",
}

func TestRead_DataPackage(t *testing.T) {
	t.Parallel()
	folder := sourcetest.WriteFiles(t, data)
	for _, place := range []string{folder, filepath.Join(folder, "Messages"), sourcetest.Zipped(t, folder)} {
		if head, err := sources.ReadHead(place); err != nil || !discord.Recognize(head) {
			t.Errorf("%s is not recognized (%v)", place, err)
		}
	}
	s, err := read(t, folder)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:01 me text: hi yourself", "2024-03-15 19:02:03 me image: cat.png", "2024-03-15 19:02:03 me video: a.mp4", "2024-03-15 19:02:03 me text: one, |two", "2024-03-15 19:02:05 me text: three")
	s.WantCounts(t, map[sources.Fate]int64{sources.Unread: 2, sources.Empty: 1})
	direct, group := s.Messages[0].Chat, s.Messages[2].Chat
	if direct.Group || !slices.Equal(direct.Members, []string{"discord:200"}) || s.Names["discord:200"] != "John" || !group.Group || group.Name != "general" {
		t.Errorf("the chats are %+v and %+v, names %v", direct, group, s.Names)
	}
	if len(s.Damage) != 2 || !strings.Contains(s.Damage[0], "noon") || !strings.Contains(s.Damage[1], "messages.csv:4: ") {
		t.Errorf("damage is %q", s.Damage)
	}
}

// A message is one in the data package and in a chat of DiscordChatExporter, which keeps what the package does not have.
func TestCollect_PackageAndExport(t *testing.T) {
	t.Parallel()
	folder, chat := sourcetest.WriteFiles(t, data), sourcetest.Write(t, "chat.json", direct)
	sourcetest.Again(t, discord.Open, folder, 4)
	for _, order := range [][]string{{folder, chat}, {chat, folder}, {chat, folder, chat, folder}} {
		db := sourcetest.NewDB(t)
		for _, place := range order {
			if summary := sourcetest.Collect(t, db, discord.Open, place, "aidan"); summary.Gone > 0 {
				t.Errorf("%d are gone", summary.Gone)
			}
		}
		shown := messagestest.Rows(t, db, `SELECT text FROM message WHERE state & 3 = 0 AND text IN ('hey', 'hi yourself') ORDER BY 1`)
		if !slices.Equal(shown, []string{"hey", "hi yourself"}) {
			t.Errorf("%q are shown", shown)
		}
	}
}

// An export is the same when it is collected again, and with a copy of a file in it.
func TestCollect_Again(t *testing.T) {
	t.Parallel()
	sourcetest.Again(t, discord.Open, sourcetest.WriteFiles(t, map[string]string{"a.json": direct, "b/a (1).json": direct}), 5)
}

func TestRead_HoldsFewMessages(t *testing.T) {
	before, behind, _ := strings.Cut(direct, `"messages": [`)
	path := sourcetest.Write(t, "chat.json", before+`"messages": [`+sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf(`{"id": "%d", "type": "Default", "timestamp": "2024-03-15T20:02:00.123+01:00", "content": "%s", "author": %s, "attachments": [], "embeds": [], "stickers": [], "reactions": []},`+"\n", 100+i, text, author("200", "john"))
	})+behind)
	sourcetest.Flat(t, discord.Open, path, "aidan")
}

func TestRead_HoldsFewMessagesOfAPackage(t *testing.T) {
	files := maps.Clone(data)
	files["Messages/c77/messages.json"] = "[" + sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf(`{"ID": %d, "Timestamp": "2024-03-15 19:02:01", "Contents": "%s", "Attachments": ""},`+"\n", i, text)
	}) + `{"ID": 9999999, "Timestamp": "2024-03-15 19:02:01", "Contents": "x"}]`
	sourcetest.Flat(t, discord.Open, sourcetest.WriteFiles(t, files), "Aidan")
}

func FuzzRead(f *testing.F) {
	f.Add(direct)
	f.Add(`{"guild": {}, "channel": {"id": "1", "type": 1}, "messages": [{"id": "1", "timestamp": "2024-03-15T20:02:00Z", "author": {"id": "2"}, "reactions": [{"users": [{}]}]}]}`)
	path := filepath.Join(f.TempDir(), "chat.json")
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path, "Aidan")
	})
}
