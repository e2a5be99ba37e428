package googlechat_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/googlechat"
	"ventriloquist/internal/sources/sourcetest"
)

const (
	maria = `{"name": "Maria Curie", "email": "Maria@example.org", "user_type": "Human"}`
	aidan = `{"name": "Aidan", "email": "aidan@example.org", "user_type": "Human"}`
)

// takeout is a Takeout as Google writes it.
var takeout = map[string]string{
	"Google Chat/Users/User 100/user_info.json":       `{"user": ` + aidan + `, "membership_info": [{"group_name": "Maria Curie", "group_id": "DM a", "membership_state": "MEMBER_JOINED"}]}`,
	"Google Chat/Groups/DM 1pRIAAAAE/group_info.json": `{"members": [` + maria + `, ` + aidan + `]}`,
	"Google Chat/Groups/DM 1pRIAAAAE/File-cat.jpg":    "x",
	"Google Chat/Groups/Space AAAA/group_info.json":   `{"name": "Pub", "members": [` + maria + `, ` + aidan + `, {"name": "Zoë", "email": "zoe@example.org", "user_type": "Human"}]}`,
	"Google Chat/Groups/Space AAAA/messages.json":     `{"messages": [{"creator": {"name": "Bot", "user_type": "Bot"}, "created_date": "Friday, March 15, 2024 at 7:02:03 PM UTC", "text": "beep", "message_id": "s/t/t"}, {"creator": ` + aidan + `, "created_date": "Friday, March 15, 2024 at 7:02:03` + "\u202f" + `PM UTC", "text": "who", "message_id": "s/u/u"}]}`,
	"Google Chat/Groups/DM 1pRIAAAAE/messages.json": `{
  "messages": [{
      "creator": ` + maria + `,
      "created_date": "Friday, March 15, 2024 at 7:02:03 PM UTC",
      "text": "I\u0027ve heard",
      "topic_id": "t1",
      "message_id": "1pRI/t1/t1",
      "reactions": [{"emoji": {"unicode": "😂"}, "reactor_emails": ["aidan@example.org"]}]
    }, {
      "creator": ` + aidan + `, "created_date": "Friday, March 15, 2024 at 7:02:04 PM UTC", "text": "so", "topic_id": "t1", "message_id": "1pRI/t1/m2"
    }, {
      "creator": ` + maria + `, "created_date": "Friday, March 15, 2024 at 7:02:05 PM UTC", "topic_id": "t2", "message_id": "1pRI/t2/t2",
      "attached_files": [{"original_name": "cat.jpg", "export_name": "File-cat.jpg"}], "quoted_message_metadata": {"creator": ` + aidan + `, "text": "so", "message_id": "1pRI/t1/m2"}
    }, {
      "message_state": "DELETED", "created_date": "Friday, March 15, 2024 at 7:02:06 PM UTC", "creator": ` + maria + `, "deletion_metadata": {"deletion_type": "CREATOR"}, "message_id": "1pRI/t3/t3"
    }, {
      "creator": ` + maria + `, "created_date": "Friday, March 15, 2024 at 7:02:07 PM UTC", "text": "old"
    }, {
      "creator": ` + maria + `, "created_date": "viernes, 15 de marzo de 2024", "text": "x", "message_id": "1pRI/t4/t4"
    }]
}`,
}

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, googlechat.Open, path, own...)
}

func TestRead(t *testing.T) {
	t.Parallel()
	folder := sourcetest.WriteFiles(t, takeout)
	for _, place := range []string{"", "Google Chat", "Google Chat/Groups", "Google Chat/Groups/DM 1pRIAAAAE"} {
		if head, err := sources.ReadHead(filepath.Join(folder, place)); err != nil || !googlechat.Recognize(head) {
			t.Errorf("%q is not recognized (%v)", place, err)
		}
	}
	s, err := read(t, folder)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:03 maria@example.org text: I've heard", "2024-03-15 19:02:03 me reaction: 😂 <- I've heard", "2024-03-15 19:02:04 me text: so <- I've heard",
		"2024-03-15 19:02:05 maria@example.org image: cat.jpg <- so", "2024-03-15 19:02:07 maria@example.org text: old", "2024-03-15 19:02:03 me text: who")
	s.WantCounts(t, map[sources.Fate]int64{sources.Deleted: 1, sources.Broadcast: 1, sources.Unread: 1})
	direct, group := s.Messages[0].Chat, s.Messages[len(s.Messages)-1].Chat
	if direct.Group || !slices.Equal(direct.Members, []string{"maria@example.org"}) || direct.Source != "google chat DM 1pRIAAAAE" {
		t.Errorf("the direct chat is %+v", direct)
	}
	if !group.Group || group.Name != "Pub" || !slices.Equal(group.Members, []string{"maria@example.org", "zoe@example.org"}) {
		t.Errorf("the group is %+v", group)
	}
	if p := s.Messages[3].Parts[0].File; p.Path != "Google Chat/Groups/DM 1pRIAAAAE/File-cat.jpg" || !filepath.IsAbs(p.Root) {
		t.Errorf("the picture is at %+v", p)
	}
	if s.Owns["aidan@example.org"] != 1 || s.Names["maria@example.org"] != "Maria Curie" || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], "English") {
		t.Errorf("own are %v, names %v, damage %q", s.Owns, s.Names, s.Damage)
	}
}

// Damage costs the message that holds it; without the file about the owner, the owner must be named.
func TestRead_Damage(t *testing.T) {
	t.Parallel()
	damaged := maps.Clone(takeout)
	chat := "Google Chat/Groups/DM 1pRIAAAAE/messages.json"
	damaged[chat] = strings.Replace(damaged[chat], `"text": "so"`, `"text": "so`, 1)
	delete(damaged, "Google Chat/Users/User 100/user_info.json")
	folder := sourcetest.WriteFiles(t, damaged)
	s, err := read(t, folder, "Aidan")
	if err != nil || s.Counts[sources.Unread] < 2 || !strings.Contains(s.Damage[0], "messages.json:") || s.Messages[0].Sender != "maria@example.org" {
		t.Errorf("messages are %q, damage %q (%v)", s.Lines(), s.Damage, err)
	}
	if _, err := read(t, folder); err == nil || !strings.Contains(err.Error(), "maria@example.org (Maria Curie)") {
		t.Errorf("error is %v", err)
	}
	if _, err := googlechat.Open(t.TempDir(), sourcetest.Reading()); err == nil || !strings.Contains(err.Error(), "no messages.json") {
		t.Errorf("error is %v", err)
	}
}

// A Takeout is the same when it is collected again.
func TestCollect_Again(t *testing.T) {
	t.Parallel()
	sourcetest.Again(t, googlechat.Open, sourcetest.WriteFiles(t, takeout), 6)
}

func TestRead_HoldsFewMessages(t *testing.T) {
	files := maps.Clone(takeout)
	files["Google Chat/Groups/DM 1pRIAAAAE/messages.json"] = `{"messages": [` + sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf(`{"creator": %s, "created_date": "Friday, March 15, 2024 at 7:02:03 PM UTC", "text": "%s", "topic_id": "t%d", "message_id": "1pRI/t%d/t%d"},`+"\n", maria, text, i, i, i)
	}) + `{"creator": ` + aidan + `, "created_date": "Friday, March 15, 2024 at 7:02:04 PM UTC", "text": "so", "message_id": "1pRI/t1/m2"}]}`
	sourcetest.Flat(t, googlechat.Open, sourcetest.WriteFiles(t, files))
}

func FuzzRead(f *testing.F) {
	chat := "Google Chat/Groups/DM 1pRIAAAAE/messages.json"
	f.Add(takeout[chat])
	f.Add(`{"messages": [{"creator": {"name": "x"}, "created_date": "Friday, March 15, 2024 at 7:02:03 PM UTC", "text": "a", "message_id": "//", "reactions": [{"reactor_emails": ["", "b", "b"], "emoji": {"unicode": "x"}}]}]}`)
	folder := sourcetest.WriteFiles(f, takeout)
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(filepath.Join(folder, filepath.FromSlash(chat)), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, folder)
	})
}
