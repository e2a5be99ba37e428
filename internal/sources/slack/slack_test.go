package slack_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/slack"
	"ventriloquist/internal/sources/sourcetest"
)

// workspace is an export as Slack writes it.
var workspace = map[string]string{
	"users.json": `[{"id": "U1", "team_id": "T1", "name": "aidan", "deleted": false, "is_bot": false, "profile": {"real_name": "Aidan", "display_name": "", "email": "aidan@example.org", "phone": ""}},
		{"id": "U2", "name": "john", "is_bot": false, "profile": {"real_name": "John Smith", "email": "john@example.org", "phone": "+1 212 555 0101"}},
		{"id": "U3", "name": "zoe", "is_bot": false, "profile": {"real_name": "", "display_name": "Zoë", "email": "zoe@example.org", "image_24": null}},
		{"id": "U9", "name": "robot", "is_bot": true, "profile": {"real_name": "Robot"}}]`,
	"channels.json": `[{"id": "C1", "name": "general", "created": 1, "members": ["U1", "U2", "U3"]}, {"id": "C2", "name": "../../etc", "members": []}]`,
	"dms.json":      `[{"id": "D1", "created": 1, "members": ["U1", "U2"]}]`,
	"mpims.json":    `[{"id": "G1", "name": "mpdm-aidan--john--zoe-1", "members": ["U1", "U2", "U3"]}]`,
	"general/2024-03-15.json": `[
		{"type": "message", "subtype": "channel_join", "user": "U2", "text": "<@U2> has joined the channel", "ts": "1710529320.000100"},
		{"client_msg_id": "x", "type": "message", "user": "U2", "text": "hey <@U1>, see <https://x.org|the page> &amp; <#C1|general> :joy: :+1::skin-tone-2: at 10:30:00", "ts": "1710529323.000200", "thread_ts": "1710529323.000200", "reply_count": 1,
			"reactions": [{"name": "thumbsup", "users": ["U1", "U3"], "count": 2}, {"name": "party-parrot", "users": ["U9"], "count": 1}], "blocks": [{"type": "rich_text"}]},
		{"type": "message", "user": "U3", "text": "yes", "ts": "1710529324.000300", "thread_ts": "1710529323.000200", "parent_user_id": "U2", "edited": {"user": "U3", "ts": "1710529330.000000"}},
		{"type": "message", "subtype": "bot_message", "bot_id": "B1", "text": "build failed", "ts": "1710529325.000100"},
		{"type": "message", "user": "U9", "text": "beep", "ts": "1710529325.000200"},
		{"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "text": "This message was deleted.", "ts": "1710529326.000100", "thread_ts": "1710529326.000100"},
		{"type": "message", "user": "U1", "text": "", "ts": "1710529327.000100", "files": [{"id": "F1", "name": "cat.png", "mimetype": "image/png", "mode": "hosted"}, {"id": "F2", "mode": "tombstone"}]},
		{"type": "message", "user": "U1", "text": "", "ts": "1710529328.000100", "files": [{"id": "F3", "mode": "hidden_by_limit"}]},
		{"type": "message", "user": "U5", "text": "<!here> <mailto:a@b.c|a@b.c> <https://x.org>", "ts": "1710529329.000100", "user_profile": {"real_name": "Guest", "name": "guest"}},
		{"type": "message", "user": "U1", "text": "when", "ts": "noon"}]`,
	"D1/2024-03-16.json":                      `[{"type": "message", "user": "U2", "text": "hi", "ts": "1710612000.000100"}]`,
	"mpdm-aidan--john--zoe-1/2024-03-17.json": `[{"type": "message", "user": "U1", "text": "all?", "ts": "1710698400.000100"}]`,
}

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, slack.Open, path, own...)
}

func TestRead(t *testing.T) {
	t.Parallel()
	folder := sourcetest.WriteFiles(t, workspace)
	if head, err := sources.ReadHead(folder); err != nil || !slack.Recognize(head) {
		t.Errorf("it is not recognized (%v)", err)
	}
	s, err := read(t, folder, "Aidan")
	if err != nil {
		t.Fatal(err)
	}
	first := "hey @Aidan, see the page (https://x.org) & #general 😂 👍 at 10:30:00"
	s.Want(t, "2024-03-15 19:02:03 slack:U2 text: "+first,
		"2024-03-15 19:02:03 me reaction: 👍 <- "+first, "2024-03-15 19:02:03 slack:U3 reaction: 👍 <- "+first,
		"2024-03-15 19:02:04 slack:U3 text: yes <- "+first,
		"2024-03-15 19:02:07 me image: cat.png",
		"2024-03-15 19:02:09 slack:U5 text: @here a@b.c https://x.org",
		"2024-03-17 18:00:00 me text: all?",
		"2024-03-16 18:00:00 slack:U2 text: hi")
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: 1, sources.Broadcast: 2, sources.Deleted: 1, sources.Omitted: 1, sources.UnknownKind: 1, sources.Unread: 1})
	channel, direct := s.Messages[0].Chat, s.Messages[len(s.Messages)-1].Chat
	if !channel.Group || channel.Name != "general" || !slices.Equal(channel.Members, []string{"slack:U2", "slack:U3", "slack:U5"}) || channel.Source != "slack C1" {
		t.Errorf("the channel is %+v", channel)
	}
	if direct.Group || !slices.Equal(direct.Members, []string{"slack:U2"}) {
		t.Errorf("the direct messages are %+v", direct)
	}
	if !maps.Equal(s.Names, map[string]string{"slack:U2": "John Smith", "slack:U3": "Zoë", "slack:U5": "Guest"}) ||
		!maps.Equal(s.Sames, map[string]string{"slack:U2": "+1 212 555 0101", "john@example.org": "+1 212 555 0101", "slack:U3": "zoe@example.org"}) {
		t.Errorf("names are %v, the same %v", s.Names, s.Sames)
	}
	if len(s.Damage) != 1 || !strings.Contains(s.Damage[0], `2024-03-15.json: "noon" is no time`) {
		t.Errorf("damage is %q", s.Damage)
	}
	if s, err := read(t, folder, "aidan@example.org"); err != nil || s.Messages[4].Sender != messages.Owner {
		t.Errorf("an e-mail address does not show who the owner is (%v)", err)
	}
}

// A row with what a message is now replaces the message, and a message without a time keeps its place.
func TestRead_ChangedAndUndated(t *testing.T) {
	t.Parallel()
	changed := maps.Clone(workspace)
	changed["D1/2024-03-16.json"] = `[{"type": "message", "user": "U2", "text": "hye", "ts": "1710612000.000100"}, {"type": "message", "user": "U1", "text": "no time"}, {"type": "message", "user": "U1", "text": "nor here", "ts": null},
		{"type": "message", "subtype": "message_changed", "hidden": true, "ts": "1710612005.000100", "message": {"type": "message", "user": "U2", "text": "hey", "ts": "1710612000.000100", "edited": {"user": "U2", "ts": "1710612005.000000"}}}]`
	db := sourcetest.NewDB(t)
	for range 2 {
		if summary := sourcetest.Collect(t, db, slack.Open, sourcetest.WriteFiles(t, changed), "Aidan"); summary.Gone > 0 {
			t.Errorf("%d are gone", summary.Gone)
		}
	}
	if got := sourcetest.Conversations(t, db); !slices.Contains(got, "slack:U2: hey, no time, nor here") {
		t.Errorf("conversations are %q", got)
	}
}

// Damage costs the message that holds it; a list that is missing costs what it says.
func TestRead_Damage(t *testing.T) {
	t.Parallel()
	damaged := maps.Clone(workspace)
	damaged["general/2024-03-15.json"] = strings.Replace(damaged["general/2024-03-15.json"], `"text": "yes"`, `"text": "yes`, 1)
	damaged["D1/2024-03-16.json"] = "[{"
	delete(damaged, "mpims.json")
	s, err := read(t, sourcetest.WriteFiles(t, damaged), "Aidan")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.Join(s.Lines(), "\n"), "yes") || len(s.Messages) < 3 || s.Counts[sources.Unread] < 2 || !strings.Contains(strings.Join(s.Damage, "\n"), "2024-03-15.json:5: ") {
		t.Errorf("messages are %q, damage %q", s.Lines(), s.Damage)
	}
	if _, err := read(t, sourcetest.WriteFiles(t, map[string]string{"users.json": "[]", "channels.json": "[]"})); err == nil || !strings.Contains(err.Error(), "no conversations") {
		t.Errorf("error is %v", err)
	}
	if _, err := read(t, sourcetest.WriteFiles(t, map[string]string{"users.json": workspace["users.json"], "channels.json": workspace["channels.json"], "general/2024-03-15.json": workspace["general/2024-03-15.json"]})); err == nil ||
		!strings.Contains(err.Error(), "U2 (John Smith)") {
		t.Errorf("error is %v", err)
	}
}

// An export is the same when it is collected again.
func TestCollect_Again(t *testing.T) {
	t.Parallel()
	sourcetest.Again(t, slack.Open, sourcetest.WriteFiles(t, workspace), 8, "Aidan")
}

func TestRead_HoldsFewMessages(t *testing.T) {
	files := maps.Clone(workspace)
	files["general/2024-03-15.json"] = "[" + sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf(`{"type": "message", "user": "U2", "text": "%s", "ts": "1710529323.%06d"},`+"\n", text, i)
	}) + `{"type": "message", "subtype": "tombstone", "ts": "1710529326.000100"}]`
	sourcetest.Flat(t, slack.Open, sourcetest.WriteFiles(t, files), "Aidan")
}

func FuzzRead(f *testing.F) {
	f.Add(workspace["general/2024-03-15.json"])
	f.Add(`[{"user": "U2", "ts": "1710529323", "text": "<<@|>:a:b::<", "reactions": [{"name": "+1::", "users": ["", "U2", "U2"]}], "files": [{}]}]`)
	f.Add(`{"a": [`)
	folder := sourcetest.WriteFiles(f, workspace)
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(filepath.Join(folder, "general", "2024-03-15.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, folder, "Aidan")
	})
}
